//! The type of a plain scalar: YAML 1.2's core schema (chapter 10.3.2 of the specification), and the places where
//! readers of YAML 1.1 see another type.

use super::Value;

/// Returns the value of a scalar without quotes.
pub(crate) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::Text { text: text.to_owned(), is_plain: true, is_given: false }),
    }
}

fn number(text: &str) -> Option<Value> {
    let all = |digits: &str, radix: u32| !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| all(digits, radix)) {
            return i64::from_str_radix(digits, radix).ok().map(Value::Int);
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if all(unsigned, 10) {
        return Some(text.parse().map_or_else(|_| Value::Float(text.parse().unwrap_or(f64::INFINITY)), Value::Int));
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(Value::Float(if text.starts_with('-') { -1.0 } else { 1.0 } / 0.0)),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(Value::Float(f64::NAN)),
        _ => {}
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty());
    let is_float = is_number && exponent.is_none_or(|exponent| all(exponent, 10));
    is_float.then(|| text.parse().ok().map(Value::Float)).flatten()
}

/// Returns the type that a reader of YAML 1.1 gives a plain scalar, as many editors and tools do; `None` if it is the
/// same.
pub(super) fn in_yaml_1_1(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let is_one_case = text == lower || text == text.to_ascii_uppercase() || is_capitalised(text);
    match lower.as_str() {
        "y" | "yes" | "on" if is_one_case => return Some("true"),
        "n" | "no" | "off" if is_one_case => return Some("false"),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if unsigned.len() > 1 && unsigned.starts_with('0') && digits(unsigned) {
        let is_octal = unsigned.bytes().all(|byte| byte < b'8');
        return Some(if is_octal { "an octal number" } else { "a text" });
    }
    if unsigned.contains('_') && digits(&unsigned.replace('_', "")) && !unsigned.starts_with('_') {
        return Some("a number");
    }
    let parts: Vec<&str> = unsigned.split(':').collect();
    let is_sexagesimal = parts.len() > 1
        && parts.iter().all(|part| digits(part))
        && parts[1..].iter().all(|part| part.len() <= 2 && part.parse::<u8>().is_ok_and(|part| part < 60));
    is_sexagesimal.then_some("a number of base 60")
}

fn is_capitalised(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_uppercase())
        && characters.all(|other| other.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_those_of_the_core_schema() {
        let text = |text: &str| Value::Text { text: text.to_owned(), is_plain: true, is_given: false };
        for (plain_text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("null", Value::Null),
            ("nULL", text("nULL")),
            ("true", Value::Bool(true)),
            ("yes", text("yes")),
            ("off", text("off")),
            ("0", Value::Int(0)),
            ("-12", Value::Int(-12)),
            ("010", Value::Int(10)),
            ("0o17", Value::Int(15)),
            ("0xfF", Value::Int(255)),
            ("0x", text("0x")),
            ("1_000", text("1_000")),
            ("1.5", Value::Float(1.5)),
            (".5", Value::Float(0.5)),
            ("1e3", Value::Float(1000.0)),
            ("1e", text("1e")),
            (".", text(".")),
            ("-.inf", Value::Float(f64::NEG_INFINITY)),
            ("3.0.0", text("3.0.0")),
            ("99999999999999999999", Value::Float(1e20)),
            ("12:30", text("12:30")),
        ] {
            assert_eq!(plain(plain_text), value, "{plain_text:?}");
        }
    }

    #[test]
    fn what_readers_of_yaml_1_1_see_differently_is_known() {
        for (plain_text, other) in [
            ("off", Some("false")),
            ("Yes", Some("true")),
            ("yES", None),
            ("010", Some("an octal number")),
            ("089", Some("a text")),
            ("0", None),
            ("1_000", Some("a number")),
            ("12:30", Some("a number of base 60")),
            ("12:75", None),
            ("get", None),
            ("true", None),
        ] {
            assert_eq!(in_yaml_1_1(plain_text), other, "{plain_text:?}");
        }
    }
}
