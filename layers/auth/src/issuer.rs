//! An issuer of tokens, and the requirements on its tokens.

use crate::algorithm::Algorithm;
use crate::key_set::Verdict;
use crate::keys::{Keys, Newer};
use crate::refusal::Refusal;
use crate::token::{Clock, Token, check_audience, check_times};
use std::time::SystemTime;

/// An issuer, as it is configured.
pub(crate) struct Issuer {
    /// The issuer's `iss`. It is `None` if it is the only one: then the member is not looked at.
    pub(crate) name: Option<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) algorithms: Vec<Algorithm>,
    /// The types of token that are taken; empty for access tokens and those without a particular type.
    pub(crate) types: Vec<String>,
    pub(crate) leeway: f64,
    pub(crate) needs_end: bool,
    pub(crate) keys: Keys,
}

impl Issuer {
    /// Returns `true` if the token names this issuer.
    pub(crate) fn is_named_by(&self, token: &Token<'_>) -> bool {
        let said = token.claims.get("iss").and_then(serde_json::Value::as_str);
        self.name.as_deref().is_none_or(|name| said == Some(name))
    }

    /// Checks a token of this issuer's: first the parts that cost nothing, then the signature, before any of it counts.
    ///
    /// # Errors
    /// The token is refused, for this reason.
    pub(crate) async fn check(&self, token: &Token<'_>) -> Result<(), Refusal> {
        if !self.algorithms.contains(&token.algorithm) {
            return Err(Refusal::Invalid("the token's algorithm is not accepted"));
        }
        let is_known = match &token.kind {
            None => self.types.is_empty(),
            Some(kind) if self.types.is_empty() => matches!(kind.as_str(), "jwt" | "at+jwt"),
            Some(kind) => self.types.contains(kind),
        };
        if !is_known {
            return Err(Refusal::Invalid("the token is of another type"));
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let clock = Clock { now: since.as_secs_f64(), leeway: self.leeway };
        check_times(&token.claims, clock, self.needs_end).map_err(Refusal::Invalid)?;
        check_audience(&token.claims, &self.audiences).map_err(Refusal::Invalid)?;
        let keys = self.keys.current().await.ok_or(Refusal::NoKeys)?;
        let verdict = match keys.judge(token) {
            Verdict::UnknownKey if token.key_id.is_some() => match self.keys.newer(&keys).await {
                Newer::Keys(keys) => keys.judge(token),
                Newer::None => Verdict::UnknownKey,
                Newer::Unreachable => return Err(Refusal::NoKeys),
            },
            verdict => verdict,
        };
        match verdict {
            Verdict::Signed => Ok(()),
            Verdict::Forged => Err(Refusal::Invalid("the token's signature is not valid")),
            Verdict::UnknownKey => Err(Refusal::Invalid("the token's key is not known")),
        }
    }
}
