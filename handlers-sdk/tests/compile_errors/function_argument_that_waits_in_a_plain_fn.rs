use handlers_sdk::{Error, FaasContext, FromInvocationAsync, function};

struct User;

impl FromInvocationAsync for User {
    async fn from_invocation_async(_ctx: &FaasContext) -> Result<Self, Error> {
        Ok(User)
    }
}

#[function]
fn whoami(user: User) -> String {
    String::new()
}

fn main() {}
