//! The claims of a caller, once a layer has checked them.

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::encoding::json_path;
use crate::error::Error;
use serde::de::DeserializeOwned;

/// The name of the extension that holds the claims.
pub(crate) const EXTENSION: &str = "claims";

/// The claims of whoever calls, as a type: those of a token that the layer `auth` has checked, or of a key or a user in
/// its configuration. Where no layer has left any, the argument is absent with status 401 and `Option<Claims<T>>` is
/// `None`; no request can bring them by itself.
///
/// ```
/// use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::{Claims, Error, Flow, Invocation, Layer, function, layer};
///
/// #[derive(serde::Deserialize)]
/// struct User {
///     sub: String,
///     email: Option<String>,
/// }
///
/// #[function]
/// fn whoami(Claims(user): Claims<User>) -> String {
///     user.email.unwrap_or(user.sub)
/// }
///
/// /// A layer that knows everybody.
/// #[derive(Default)]
/// struct Everybody;
///
/// #[layer(name = "everybody")]
/// impl Layer for Everybody {
///     fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         invocation.set_claims(r#"{"sub":"ann"}"#)?;
///         Ok(Flow::Continue)
///     }
/// }
///
/// let app = App::builder().module(Everybody::MODULE).module(whoami::MODULE).start().expect("it starts");
/// assert_eq!(app.invoke(Invoke::http("GET", "/")).text(), "ann");
/// assert_eq!(Invoke::http("GET", "/").run(whoami::MODULE).status(), 401);
/// ```
#[derive(Clone, Debug)]
pub struct Claims<T>(pub T);

impl<T: DeserializeOwned> FromInvocation for Claims<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let json = ctx
            .extension(EXTENSION)
            .ok_or_else(|| Error::absent("Claims.Missing", "expected a caller who is known").with_status(401))?;
        serde_json::from_str(json).map(Claims).map_err(|error| {
            let path = json_path::path(json.as_bytes(), error.line(), error.column());
            let apart = if path.is_empty() { "" } else { ": " };
            // The caller is known, and not one that the function is for.
            Error::new("Claims.Unfit", format!("claims: {path}{apart}{error}")).with_status(403)
        })
    }
}
