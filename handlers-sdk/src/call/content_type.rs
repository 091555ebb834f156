//! The content type that a request gives for its body.

use crate::call::http_view::HttpView;
use crate::error::Error;

/// Refuses a request whose content type is another one than expected. A request without a content type passes.
///
/// # Errors
/// The content type does not fit: status 415.
pub(crate) fn check(request: HttpView<'_>, expected: &str, fits: fn(&str) -> bool) -> Result<(), Error> {
    match request.header("content-type") {
        Some(found) if !fits(essence(found)) => {
            let message = format!("expected a body of content type {expected}, found {found:?}");
            Err(Error::new("Request.ContentType", message).with_status(415))
        }
        _ => Ok(()),
    }
}

/// Returns the type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split_once(';').map_or(content_type, |(essence, _)| essence).trim()
}

/// Returns `true` for `application/json`, `application/problem+json` and other types of JSON.
pub(crate) fn is_json(essence: &str) -> bool {
    let ends_with = |end: &str| {
        let start = essence.len().checked_sub(end.len());
        start.and_then(|start| essence.get(start..)).is_some_and(|found| found.eq_ignore_ascii_case(end))
    };
    ends_with("/json") || ends_with("+json")
}

/// Returns `true` for `application/x-www-form-urlencoded`.
pub(crate) fn is_form(essence: &str) -> bool {
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::{essence, is_form, is_json};

    #[test]
    fn types_are_told_whatever_their_case_and_parameters() {
        for json in
            ["application/json", "Application/JSON ; charset=utf-8", "text/json", "application/vnd.x+json", " a/b+JSON"]
        {
            assert!(is_json(essence(json)), "{json}");
        }
        for other in ["", "json", "text/plain", "application/jsonp", "application/json5; x=application/json", "ü"] {
            assert!(!is_json(essence(other)), "{other}");
        }
        assert!(is_form(essence("application/x-www-form-urlencoded; charset=UTF-8")));
        assert!(!is_form(essence("multipart/form-data; boundary=x")));
    }
}
