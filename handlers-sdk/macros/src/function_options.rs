//! The options that a function has whichever attribute makes it. The events that it serves are not among them.

use crate::arguments::Outcome;
use crate::options::{Word, checked_name};
use syn::{Error, Result};

/// The words that every function may have, for messages.
pub(crate) const WORDS: &str = "name, blocking, inline, default, stream, record";

/// The options of a function beside the events it serves.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<String>,
    pub(crate) blocking: bool,
    inline: bool,
    default: bool,
    pub(crate) stream: bool,
    record: bool,
}

impl Options {
    /// Takes a word. Returns `false` if it is not one of these.
    pub(crate) fn word(&mut self, word: &Word) -> Result<bool> {
        match word.name.to_string().as_str() {
            "name" => {
                let name = word.text()?;
                checked_name(&name, word.name.span())?;
                self.name = Some(name);
            }
            "blocking" => self.blocking = word.flag()?,
            "inline" => self.inline = word.flag()?,
            "default" => self.default = word.flag()?,
            "stream" => self.stream = word.flag()?,
            "record" => self.record = word.flag()?,
            _ => return Ok(false),
        }
        if self.blocking && self.inline {
            return Err(Error::new(word.name.span(), "a function is `blocking` or `inline`, not both"));
        }
        if self.stream && self.record {
            let message = "a function is `stream` or `record`, not both: a record has no reply";
            return Err(Error::new(word.name.span(), message));
        }
        Ok(true)
    }

    /// Returns the flags FAAS_IS_BLOCKING, FAAS_IS_INLINE, FAAS_IS_DEFAULT, FAAS_IS_PER_RECORD of `faas.h`.
    pub(crate) fn flags(&self, is_async: bool) -> u32 {
        let blocking = self.blocking || (self.stream && !is_async);
        let inline = self.inline || (is_async && !self.blocking);
        u32::from(blocking) | u32::from(inline) << 1 | u32::from(self.default) << 4 | u32::from(self.record) << 6
    }

    /// Sets the options of an application: called at once, for every request.
    pub(crate) fn serves_all(&mut self) {
        (self.inline, self.default) = (true, true);
    }

    /// Returns the meaning of the function's result.
    pub(crate) fn result(&self) -> Outcome {
        match (self.stream, self.record) {
            (true, _) => Outcome::Stream,
            (_, true) => Outcome::Record,
            _ => Outcome::Reply,
        }
    }
}
