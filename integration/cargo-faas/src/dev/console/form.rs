//! A query or a form as browsers send it.

use faas_core::encoding::percent;

/// The names and values of a form, in order.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`. Line ends of text areas are line feeds again, as they were.
    pub(super) fn read(bytes: &[u8]) -> Form {
        let decoded = |text: &[u8]| {
            let mut bytes = Vec::new();
            percent::decode_into(&mut bytes, text, true);
            String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
        };
        let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let pair = |pair: &[u8]| match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (decoded(&pair[..at]), decoded(&pair[at + 1..])),
            None => (decoded(pair), String::new()),
        };
        Form(pairs.map(pair).collect())
    }

    /// Returns the first value of a name; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Returns all values of a name.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Returns `true` if the name is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_browsers_send_them() {
        let form = Form::read(b"a=1+2%2B&b=%7B%0D%0A%7D&a=3&c&%C3%A9=%E2%82%AC");
        assert_eq!((form.get("a"), form.get("b"), form.get("d")), ("1 2+", "{\n}", ""));
        assert_eq!(form.all("a"), ["1 2+", "3"]);
        assert!(form.has("c") && !form.has("d"));
        assert_eq!(form.get("é"), "€");
    }
}
