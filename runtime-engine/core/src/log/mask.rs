//! Keeps the values of secrets out of lines and error replies: each is replaced by [`SHOWN`] wherever it stands. Where
//! values come from is [`secrets`](crate::secrets)' matter; nothing here looks for one.

use crate::failure::Failure;
use crate::json::escape_into;
use crate::order;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// The text that stands in the place of a secret.
pub const SHOWN: &str = "***";

/// The least bytes of a value that is hidden. Shorter values stand in too many texts by chance: to hide them would make
/// lines unreadable and tell the value.
pub const LEAST_BYTES: usize = 4;

/// The values to hide. Without any, asking costs one load.
#[derive(Default)]
pub struct Mask {
    is_on: AtomicBool,
    /// Longest first, so that one that holds another is hidden whole.
    values: RwLock<Vec<Vec<u8>>>,
}

impl Mask {
    /// Hides these values as well, each also as it stands in JSON. Of one with several lines each line is hidden by
    /// itself: in a log they stand apart.
    pub fn add(&self, values: &mut dyn Iterator<Item = &str>) {
        let mut all = self.values.write().unwrap_or_else(PoisonError::into_inner);
        for value in values.flat_map(str::lines).map(str::trim).filter(|value| value.len() >= LEAST_BYTES) {
            let mut escaped = Vec::with_capacity(value.len());
            escape_into(&mut escaped, value.as_bytes());
            for form in [value.as_bytes().to_vec(), escaped] {
                if !all.contains(&form) {
                    all.push(form);
                }
            }
        }
        order::sort(&mut all, |a, b| a.len() > b.len());
        self.is_on.store(!all.is_empty(), Ordering::Release);
    }

    /// Returns `true` if there is anything to hide.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Returns the text without the values.
    pub fn hide<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let mut text = Cow::Borrowed(text);
        if !self.is_on() {
            return text;
        }
        for value in self.values.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(hidden) = without(&text, value) {
                text = Cow::Owned(hidden);
            }
        }
        text
    }

    /// Takes the values out of the words of a failure.
    pub fn hide_in(&self, failure: &mut Failure) {
        if !self.is_on() {
            return;
        }
        for text in [&mut failure.kind, &mut failure.message, &mut failure.detail] {
            if let Cow::Owned(hidden) = self.hide(text.as_bytes()) {
                *text = String::from_utf8_lossy(&hidden).into_owned();
            }
        }
    }
}

/// Returns the text with a value replaced; `None` if the value is not in it.
fn without(text: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let first = *value.first()?;
    let find = |mut from: usize| {
        while let Some(at) = text[from..].iter().position(|byte| *byte == first) {
            if text[from + at..].starts_with(value) {
                return Some(from + at);
            }
            from += at + 1;
        }
        None
    };
    let mut next = find(0);
    next?;
    let (mut hidden, mut from) = (Vec::with_capacity(text.len()), 0);
    while let Some(at) = next {
        hidden.extend_from_slice(&text[from..at]);
        hidden.extend_from_slice(SHOWN.as_bytes());
        from = at + value.len();
        next = find(from);
    }
    hidden.extend_from_slice(&text[from..]);
    Some(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(values: &[&str], text: &str) -> String {
        let mask = Mask::default();
        mask.add(&mut values.iter().copied());
        String::from_utf8(mask.hide(text.as_bytes()).into_owned()).expect("it is text")
    }

    #[test]
    fn a_value_is_replaced_wherever_it_stands_and_the_rest_stays() {
        assert_eq!(hidden(&["hunter2"], "a hunter2, b=hunter2hunter2."), "a ***, b=******.");
        assert_eq!(hidden(&[], "hunter2"), "hunter2");
        assert_eq!(hidden(&["hunter2"], "hunter"), "hunter");
    }

    #[test]
    fn the_longer_of_two_values_is_hidden_whole() {
        assert_eq!(hidden(&["hunter", "hunter-two"], "hunter-two hunter"), "*** ***");
    }

    #[test]
    fn a_value_is_found_in_json_and_line_by_line() {
        assert_eq!(hidden(&["say \"hi\""], r#"{"a":"say \"hi\""}"#), r#"{"a":"***"}"#);
        assert_eq!(hidden(&["first line\nsecond line\n"], "at second line: first line"), "at ***: ***");
    }

    #[test]
    fn a_value_of_three_bytes_is_not_hidden() {
        assert_eq!(hidden(&["abc", ""], "abc"), "abc");
    }

    #[test]
    fn a_failure_says_no_secret() {
        let mask = Mask::default();
        mask.add(&mut std::iter::once("hunter2"));
        let mut failure =
            Failure { detail: "at hunter2".into(), ..Failure::new("Db.hunter2", "postgres://me:hunter2@db") };
        mask.hide_in(&mut failure);
        assert_eq!(failure.to_string(), "Db.***: postgres://me:***@db\nat ***");
    }
}
