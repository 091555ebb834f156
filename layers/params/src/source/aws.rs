//! AWS' extension for parameters and secrets, which stands beside a function and answers on a port of its own.
//!
//! `GET /secretsmanager/get?secretId=<id>` and `GET /systemsmanager/parameters/get?name=<name>&withDecryption=true`,
//! each with the session's token in `X-Aws-Parameters-Secrets-Token`, answer as `GetSecretValue` and `GetParameter` do
//! (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html>,
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-integration-lambda-extensions.html>). Not
//! documented, and therefore taken from the errors of the two services: that a name which is not there is 400 or 404
//! with the error's name in the body.

use super::{Found, Reach, Source, Unknown, escaped, field, field_of_text, json};
use handlers_sdk::service::http::ClientRequest;
use handlers_sdk::{Config, Secret};

/// AWS' extension, as it is configured.
#[derive(Debug)]
pub(crate) struct Aws {
    pub(crate) endpoint: String,
    pub(crate) token: Option<Secret>,
    /// The text before every name, such as `/shop/`.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

/// The kind of value that it is asked for.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A secret, or one field of it.
    Secret(Option<String>),
    Parameter,
}

/// The errors by which the services say that there is no such name.
const NOTHING: [&str; 2] = ["ResourceNotFoundException", "ParameterNotFound"];

/// Returns the address of the extension for a configuration that names no address.
pub(crate) fn endpoint(config: &Config) -> String {
    let port = config.env("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT").unwrap_or("2773");
    format!("http://localhost:{port}")
}

impl Source for Aws {
    fn ask(&self, name: &str, reach: &Reach) -> Result<Found, Unknown> {
        let name = escaped(&format!("{}{name}", self.path));
        let target = match self.kind {
            Kind::Secret(_) => format!("/secretsmanager/get?secretId={name}"),
            Kind::Parameter => format!("/systemsmanager/parameters/get?name={name}&withDecryption=true"),
        };
        let token = self.token.as_ref().ok_or_else(|| Unknown::new("there is no AWS_SESSION_TOKEN"))?;
        let request = ClientRequest::get(format!("{}{target}", self.endpoint));
        let reply = reach.send(request.header("x-aws-parameters-secrets-token", token.reveal()))?;
        if reply.status() == 400 && NOTHING.iter().any(|nothing| reply.text().contains(nothing)) {
            return Ok(Found::Nothing);
        }
        let Some(found) = json(&reply)? else { return Ok(Found::Nothing) };
        match &self.kind {
            Kind::Parameter => Ok(field(found.get("Parameter").and_then(|parameter| parameter.get("Value")))),
            Kind::Secret(wanted) => {
                let text = found.get("SecretString").and_then(|text| text.as_str());
                let text =
                    text.ok_or_else(|| Unknown::new("the secret has no SecretString: binary ones are not read"))?;
                wanted.as_ref().map_or_else(|| Ok(Found::Value(text.into())), |wanted| field_of_text(text, wanted))
            }
        }
    }
}
