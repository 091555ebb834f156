//! The event's bytes, unchanged and uncopied.
#![forbid(unsafe_code)]

use handlers_sdk::{Event, function};

/// Answers with the event itself.
#[function]
pub fn echo(event: Event) -> Event {
    event
}

#[cfg(test)]
mod tests {
    use super::echo;
    use handlers_sdk::testing::Invoke;

    #[test]
    fn what_goes_in_comes_out() {
        assert_eq!(Invoke::event("{\"a\":1}").run(echo::MODULE).text(), "{\"a\":1}");
    }
}
