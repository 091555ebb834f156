//! A function that answers HTTP requests, whichever platform they come from.

use handlers_sdk::{FaasContext, Json, Query, function};
use serde::{Deserialize, Serialize};

/// The query of a request: `/?name=ada`.
#[derive(Deserialize)]
pub struct Asked {
    name: Option<String>,
}

/// The reply.
#[derive(Serialize)]
pub struct Greeting {
    hello: String,
    platform: String,
}

/// Greets the caller by name.
#[function(trigger = "http")]
pub async fn hello(ctx: FaasContext, Query(asked): Query<Asked>) -> Json<Greeting> {
    let hello = asked.name.unwrap_or_else(|| "world".to_owned());
    ctx.info(format_args!("greeting {hello}"));
    Json(Greeting { hello, platform: ctx.platform().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::hello;
    use handlers_sdk::testing::Invoke;

    #[test]
    fn it_greets_by_name() {
        let answer = Invoke::http("GET", "/?name=ada").run(hello::MODULE);
        assert_eq!((answer.status(), answer.json()["hello"].as_str()), (200, Some("ada")));
    }

    #[test]
    fn it_greets_the_world_if_nobody_has_a_name() {
        assert_eq!(Invoke::http("GET", "/").run(hello::MODULE).json()["hello"], "world");
    }
}
