//! A layer that stands around functions: it writes a header on each reply, and logs how each invocation ended. The
//! function beside it is there to try it with.

use handlers_sdk::{Config, Error, Failure, Invocation, Layer, Recovery, ReplyHead, function, layer};

/// The layer. Its configuration, `{"header": "x-served-by"}`, is in `layers` of a serverless.yml or in the variable
/// `FAAS_LAYER_@VARIABLE@_STAMP`.
pub struct Stamp {
    header: String,
}

#[layer(name = "stamp")]
impl Layer for Stamp {
    fn create(config: &Config) -> Result<Self, Error> {
        let header = config.get("header")?.unwrap_or_else(|| "x-served-by".to_owned());
        Ok(Stamp { header })
    }

    /// Runs when the head of a reply is about to be fixed, that of a stream too.
    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        head.set_header(&self.header, "@NAME@")
    }

    fn after_invoke(&self, _: &mut Invocation<'_>) -> Result<(), Error> {
        handlers_sdk::info!("it went well");
        Ok(())
    }

    fn invoke_failed(&self, _: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        handlers_sdk::warn!("it failed: {}", failure.kind);
        Ok(Recovery::Pass)
    }
}

/// A function for the layer to stand around.
#[function(trigger = "http")]
pub fn try_it() -> &'static str {
    "hello"
}

#[cfg(test)]
mod tests {
    use super::{Stamp, try_it};
    use handlers_sdk::testing::{App, Invoke};

    #[test]
    fn a_reply_carries_the_header_that_the_configuration_says() {
        for (config, header) in [("", "x-served-by"), (r#"{"header":"x-by"}"#, "x-by")] {
            let app = App::builder().configured(Stamp::MODULE, config).module(try_it::MODULE).start().expect("it starts");
            let answer = app.invoke(Invoke::http("GET", "/"));
            assert_eq!((answer.text().as_str(), answer.header(header)), ("hello", Some("@NAME@")));
            app.close();
        }
    }
}
