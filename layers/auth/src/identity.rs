//! Who somebody is, and how it is told to those further in.

use crate::token::Claims;
use handlers_sdk::{Error, Invocation};

/// Somebody who is known.
#[derive(Clone)]
pub(crate) struct Identity {
    /// Empty: the token names nobody.
    pub(crate) name: String,
    /// Their claims, as JSON and as it was read.
    pub(crate) json: String,
    pub(crate) claims: Claims,
}

impl Identity {
    /// Leaves it for other layers and the function. No client can set these: they are no part of a request.
    ///
    /// # Errors
    /// The host refuses.
    pub(crate) fn leave(&self, invocation: &mut Invocation<'_>, method: &str) -> Result<(), Error> {
        invocation.set_extension("auth", method)?;
        invocation.set_claims(&self.json)?;
        if !self.name.is_empty() {
            invocation.set_extension("user", &self.name)?;
        }
        Ok(())
    }
}
