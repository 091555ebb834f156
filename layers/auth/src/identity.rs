//! The identity of a caller, and the way it is handed to the layers and functions further in.

use crate::token::Claims;
use handlers_sdk::{Error, Invocation};

/// The identity of a caller that has been checked.
#[derive(Clone)]
pub(crate) struct Identity {
    /// The name of the caller; empty if the token has no name.
    pub(crate) name: String,
    /// The claims of the caller as JSON, exactly as they were read.
    pub(crate) json: String,
    pub(crate) claims: Claims,
}

impl Identity {
    /// Leaves the identity for other layers and the function, as extensions. No client can set these: they are not part
    /// of a request.
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
