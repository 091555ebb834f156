//! A request of a user who is known: `GET /me` with `Authorization: Bearer <name>:<word>`.

use handlers_sdk::{Error, FaasContext, FromInvocationAsync, function};

pub struct User(String);

impl FromInvocationAsync for User {
    async fn from_invocation_async(ctx: &FaasContext) -> Result<Self, Error> {
        let word = ctx.secret("USERS_WORD").ok_or_else(|| Error::msg("expected USERS_WORD to be set"))?;
        let token = ctx.http().and_then(|request| request.header("authorization")?.strip_prefix("Bearer "));
        tokio::time::sleep(std::time::Duration::from_millis(1)).await; // asks whoever knows the users
        match token.and_then(|token| token.split_once(':')) {
            Some((name, found)) if found == word.reveal() => Ok(User(name.to_owned())),
            Some(_) => Err(Error::new("User.Unknown", "log in again").with_status(401)),
            None => Err(Error::absent("User.Missing", "expected a bearer token").with_status(401)),
        }
    }
}

#[function]
pub async fn me(User(name): User) -> String {
    name
}
