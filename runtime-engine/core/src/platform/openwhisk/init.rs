//! The content of `/init`: the environment of the action, and its code, which an image with a function of its own
//! ignores.

use super::text;
use crate::encoding::base64;
use crate::json::{self, Value, ValueKind};
use crate::platform::{Initial, LocalResponse};

/// The answer to code that is wanted and not there, as the stock proxy words it.
const NO_CODE: &str = "Missing main/no code to execute.";

/// Reads the body. `wants_code` is `true` if this process has no function without the code in it.
///
/// # Errors
/// The error is the answer to a body that is no initialisation.
pub(super) fn read(body: &[u8], wants_code: bool) -> Result<Initial, LocalResponse> {
    let body = json::parse(body).map_err(|error| refusal(400, &error.to_string()))?;
    let value = body.get("value").filter(|value| value.kind() == ValueKind::Object);
    let (mut code, mut main, mut binary, mut environment) = (None, None, false, Vec::new());
    for (key, value) in value.into_iter().flat_map(|value| value.members()) {
        match &*key.as_str() {
            "code" => code = Some(value),
            "main" => main = value.as_str(),
            "binary" => binary = value.as_bool() == Some(true),
            "env" => {
                let pairs = value.members().map(|(name, value)| (name.as_str().into_owned(), text(value).into_owned()));
                environment = pairs.collect();
            }
            _ => {}
        }
    }
    if !wants_code {
        return Ok(Initial { environment, ..Initial::default() });
    }
    // `main` is what the platform says when nobody has said anything.
    let handler = main.filter(|main| !main.is_empty() && main != "main").map(|main| main.into_owned());
    Ok(Initial { environment, code: Some(decoded(code, binary)?), handler })
}

fn decoded(code: Option<Value<'_>>, binary: bool) -> Result<Vec<u8>, LocalResponse> {
    let code = code.and_then(|code| code.as_str()).unwrap_or_default();
    if code.is_empty() {
        return Err(refusal(403, NO_CODE));
    }
    if !binary {
        return Ok(code.into_owned().into_bytes());
    }
    let mut bytes = Vec::new();
    match base64::decode_into(&mut bytes, code.as_bytes()) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(refusal(400, &format!("cannot decode the request: {error}"))),
    }
}

/// Returns `{"error":…}` with that status.
pub(super) fn refusal(status: u16, what: &str) -> LocalResponse {
    let mut body = Vec::new();
    super::error(what, &mut body);
    LocalResponse::json(status, String::from_utf8_lossy(&body).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_environment_is_texts_and_an_empty_one_stays() {
        let body = br#"{"value":{"name":"f","main":"main","code":"","binary":false,
            "env":{"__OW_NAMESPACE":"guest","EMPTY":"","N":7,"FLAG":true,"NONE":null,"LIST":[1, 2],"ESC":"a\nb"}}}"#;
        let initial = read(body, false).expect("it fits");
        let expected = [("__OW_NAMESPACE", "guest"), ("EMPTY", ""), ("N", "7"), ("FLAG", "true"), ("NONE", "")];
        let mut expected: Vec<_> = expected.iter().map(|(name, value)| pair(name, value)).collect();
        expected.extend([pair("LIST", "[1, 2]"), pair("ESC", "a\nb")]);
        assert_eq!(initial, Initial { environment: expected, ..Initial::default() });
    }

    #[test]
    fn an_image_with_a_function_takes_anything_and_ignores_code() {
        for body in
            ["{}", "[]", r#"{"value":null}"#, r#"{"value":{"env":null}}"#, r#"{"value":{"code":"!","binary":true}}"#]
        {
            assert_eq!(read(body.as_bytes(), false), Ok(Initial::default()), "{body}");
        }
        assert_eq!(read(b"no json", false).unwrap_err().status, 400);
    }

    #[test]
    fn code_that_is_wanted_is_decoded_or_refused() {
        let code = |members: &str| read(format!(r#"{{"value":{{{members}}}}}"#).as_bytes(), true);
        let given = code(r#""code":"f0VMRg==","binary":true,"main":"hello""#).expect("it decodes");
        assert_eq!((given.code.as_deref(), given.handler.as_deref()), (Some(&b"\x7fELF"[..]), Some("hello")));
        let source = code(r#""code":"text","main":"main""#).expect("text is text");
        assert_eq!((source.code.as_deref(), source.handler), (Some(&b"text"[..]), None));
        for none in ["", r#""code":"""#, r#""code":null,"binary":true"#] {
            let answer = code(none).expect_err(none);
            assert_eq!(
                (answer.status, &*answer.body),
                (403, r#"{"error":"Missing main/no code to execute."}"#),
                "{none}"
            );
        }
        let bad = code(r#""code":"no base64!","binary":true"#).expect_err("it does not decode");
        assert!(bad.status == 400 && bad.body.starts_with(r#"{"error":"cannot decode the request: "#), "{}", bad.body);
    }
}
