//! The credentials of a request, and their places in it.

use crate::refusal::Refusal;

/// The credentials of a request, of one kind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Token(String),
    Key(String),
    /// The credentials of `Basic`, which are `base64(name:password)`.
    Basic(String),
}

/// The places where credentials may stand. A place that is not configured is not looked at.
pub(crate) struct Places {
    pub(crate) has_tokens: bool,
    pub(crate) has_passwords: bool,
    /// The header of keys, in small letters.
    pub(crate) key_header: Option<String>,
    pub(crate) cookie: Option<String>,
}

const AUTHORIZATION: &str = "authorization";

impl Places {
    /// Returns the first credentials of a request: in `Authorization`, the header of keys, the cookie. Others are not
    /// looked at then, even if these are wrong.
    ///
    /// # Errors
    /// A header that has them stands there twice.
    pub(crate) fn find<'a>(
        &self,
        headers: impl Iterator<Item = (&'a str, &'a str)>,
        header: impl Fn(&str) -> Option<&'a str>,
        cookie: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Sent>, Refusal> {
        let has_authorization = self.has_tokens || self.has_passwords;
        let key_header = self.key_header.as_deref();
        let (mut authorizations, mut keys) = (0, 0);
        for (name, _) in headers {
            authorizations += u32::from(has_authorization && name.eq_ignore_ascii_case(AUTHORIZATION));
            keys += u32::from(key_header.is_some_and(|own| own.eq_ignore_ascii_case(name)));
        }
        if authorizations > 1 || keys > 1 {
            return Err(Refusal::Ambiguous);
        }
        if authorizations > 0
            && let Some(sent) = header(AUTHORIZATION).and_then(|value| self.authorization(value))
        {
            return Ok(Some(sent));
        }
        if keys > 0
            && let Some(key) = key_header.and_then(header)
        {
            return Ok(Some(Sent::Key(key.to_owned())));
        }
        let token = self.cookie.as_deref().and_then(cookie);
        Ok(token.map(|token| Sent::Token(token.to_owned())))
    }

    /// Reads credentials of a scheme that is configured; its name is written in any case.
    fn authorization(&self, value: &str) -> Option<Sent> {
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let rest = rest.trim_start_matches(' ').to_owned();
        match scheme {
            _ if self.has_tokens && scheme.eq_ignore_ascii_case("bearer") => Some(Sent::Token(rest)),
            _ if self.has_passwords && scheme.eq_ignore_ascii_case("basic") => Some(Sent::Basic(rest)),
            _ => None,
        }
    }
}

/// Returns the first value of that name, in any case.
pub(crate) fn first<'a>(mut headers: impl Iterator<Item = (&'a str, &'a str)>, wanted: &str) -> Option<&'a str> {
    headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
}
