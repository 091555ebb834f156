//! Checks the pattern of a route while its function is compiled. The grammar is that of the runtimes' router, which a
//! test of faas-core's compares with this over all short patterns: it is written again here because a macro that needed
//! faas-core would have every author build it.

/// Says what is wrong with a pattern, and what to write instead.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    let Some(body) = pattern.strip_prefix('/') else {
        return Err(format!("a pattern begins with a slash: write `/{pattern}`"));
    };
    let mut names: Vec<&str> = Vec::new();
    let mut rest = None;
    // A slash at the end makes no difference.
    for segment in body.strip_suffix('/').unwrap_or(body).split('/') {
        if let Some(rest) = rest {
            return Err(format!("`{rest}` is the rest of the path: nothing stands behind it"));
        }
        let Some((name, is_rest)) = parameter(segment)? else { continue };
        if names.contains(&name) {
            return Err(format!("there is a parameter `{name}` already: write another name for one of them"));
        }
        names.push(name);
        rest = is_rest.then_some(segment);
    }
    Ok(())
}

/// Returns the name of a segment that is a parameter, and whether it is the rest of the path.
fn parameter(segment: &str) -> Result<Option<(&str, bool)>, String> {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    for (sign, is_rest) in [(':', false), ('*', true)] {
        let Some(name) = segment.strip_prefix(sign) else { continue };
        return match name.chars().find(|sign| !is_word(*sign)) {
            None if name.is_empty() && !is_rest => {
                Err("a parameter has a name: write `{name}`, or `{*name}` for the rest of the path".to_owned())
            }
            None => Ok(Some((if name.is_empty() { "*" } else { name }, is_rest))),
            Some(after) => Err(format!(
                "`{after}` cannot stand in the name of `{segment}`, and a parameter is a whole segment: write `{{name}}`, or \
                 `{{*name}}` for the rest of the path; what it may be is checked in the function"
            )),
        };
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
    let (name, is_rest) = match (inside.strip_prefix('*'), inside.strip_suffix('+')) {
        (Some(name), _) | (None, Some(name)) => (name, true),
        (None, None) => (inside, false),
    };
    if name.is_empty() {
        return Err("a parameter has a name: write `{name}`, or `{*name}` for the rest of the path".to_owned());
    }
    match name.chars().find(|sign| !is_word(*sign) && !matches!(sign, '-' | '.')) {
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
        for pattern in [
            "/",
            "/a",
            "/a/",
            "/a/{id}/b/{user-id}",
            "/{*rest}",
            "/a/{a.b}",
            "/café",
            "/c++/.",
            "//",
            "/:id",
            "/*",
            "/*all",
            "/{all+}",
            "/*/",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_pattern_says_what_to_write() {
        let table = [
            ("", "write `/`"),
            ("orders", "write `/orders`"),
            ("/:", "has a name"),
            ("/:id.html", "a whole segment"),
            ("/:id(\\d+)", "checked in the function"),
            ("/**", "a whole segment"),
            ("/*//", "nothing stands behind it"),
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
