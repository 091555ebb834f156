//! Checks the pattern of a route while its function is compiled. The grammar is that of the runtimes' router, less the
//! forms that other frameworks use for the same: `{name}` for a segment and, at the end, `{*name}` for the rest.

/// Says what is wrong with a pattern, and what to write instead.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    let Some(body) = pattern.strip_prefix('/') else {
        return Err(format!("a pattern begins with a slash: write `/{pattern}`"));
    };
    let segments: Vec<&str> = body.split('/').collect();
    let mut names: Vec<&str> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let Some((name, is_rest)) = parameter(segment)? else { continue };
        if is_rest && segments[index + 1..].iter().any(|after| !after.is_empty()) {
            return Err(format!("`{segment}` is the rest of the path: nothing stands behind it"));
        }
        if names.contains(&name) {
            return Err(format!("there is a parameter `{name}` already: write another name for one of them"));
        }
        names.push(name);
    }
    Ok(())
}

/// The name of a segment that is a parameter, and whether it is the rest of the path.
fn parameter(segment: &str) -> Result<Option<(&str, bool)>, String> {
    if let Some(name) = segment.strip_prefix(':') {
        return Err(format!("write `{{{name}}}` for a parameter"));
    }
    if let Some(name) = segment.strip_prefix('*') {
        let name = if name.is_empty() { "rest" } else { name };
        return Err(format!("write `{{*{name}}}` for the rest of the path"));
    }
    if let Some(sign) = segment.chars().find(|sign| matches!(sign, '?' | '#')) {
        return Err(format!("`{sign}` ends a path, and a route is chosen by the path alone"));
    }
    let Some(open) = segment.strip_prefix('{') else {
        return match segment.chars().find(|sign| matches!(sign, ':' | '*' | '{' | '}' | '(' | ')')) {
            Some('}') => Err(format!("`}}` in `{segment}` closes nothing: write `{{name}}`")),
            Some(sign) => Err(format!(
                "`{sign}` stands within `{segment}`, and a parameter is a whole segment: write `{{name}}` between slashes"
            )),
            None => Ok(None),
        };
    };
    let Some((inside, after)) = open.split_once('}') else {
        return Err(format!("`{{` in `{segment}` is not closed: write `{{name}}`"));
    };
    if !after.is_empty() {
        return Err(format!("a parameter is a whole segment: nothing stands beside `{{{inside}}}`"));
    }
    let (name, is_rest) = inside.strip_prefix('*').map_or((inside, false), |name| (name, true));
    if name.is_empty() {
        return Err("a parameter has a name: write `{name}`, or `{*name}` for the rest of the path".to_owned());
    }
    match name.chars().find(|sign| !sign.is_alphanumeric() && !matches!(sign, '_' | '-' | '.')) {
        Some(sign) => Err(format!(
            "the name of a parameter has no `{sign}`: write letters, digits, `_`, `-` and `.`; what it may be is checked in \
             the function"
        )),
        None => Ok(Some((name, is_rest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_texts_and_parameters_fits() {
        for pattern in ["/", "/a", "/a/", "/a/{id}/b/{user-id}", "/{*rest}", "/a/{a.b}", "/café", "/c++/.", "//"] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_pattern_says_what_to_write() {
        let table = [
            ("", "write `/`"),
            ("orders", "write `/orders`"),
            ("/:id", "write `{id}`"),
            ("/*", "write `{*rest}`"),
            ("/*all", "write `{*all}`"),
            ("/{id", "not closed"),
            ("/id}", "closes nothing"),
            ("/a{id}", "a whole segment"),
            ("/{id}.html", "a whole segment"),
            ("/{}", "has a name"),
            ("/{*}", "has a name"),
            ("/{id:int}", "has no `:`"),
            ("/{id}/{id}", "a parameter `id` already"),
            ("/{*rest}/more", "nothing stands behind it"),
            ("/a?b", "ends a path"),
        ];
        for (pattern, words) in table {
            let fault = check(pattern).expect_err(pattern);
            assert!(fault.contains(words), "{pattern}: {fault}");
        }
    }
}
