//! HashiCorp Vault, and servers with the same interface: the key/value engine, version 2.
//!
//! `GET /v1/<mount>/data/<path>` with `X-Vault-Token` answers `{"data":{"data":{<field>:<value>},"metadata":{…}}}`; a
//! path that is not there, or whose version was deleted, is 404
//! (<https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>, "Read secret version").

use super::{Found, Reach, Source, Unknown, field, json};
use handlers_sdk::Secret;
use handlers_sdk::service::http::ClientRequest;
use std::path::PathBuf;

/// A Vault, as it is configured.
#[derive(Debug)]
pub(crate) struct Vault {
    pub(crate) address: String,
    pub(crate) mount: String,
    pub(crate) token: Option<Secret>,
    /// A file that an agent keeps the token in. It is read each time, since the agent renews it.
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) namespace: Option<String>,
    /// The field of every path. It is `None` if the last part of a name is its field.
    pub(crate) field: Option<String>,
}

impl Vault {
    fn token(&self) -> Result<Secret, Unknown> {
        if let Some(path) = &self.token_file {
            let read = std::fs::read_to_string(path);
            return read
                .map(|text| Secret::from(text.trim().to_owned()))
                .map_err(|error| Unknown::new(format!("the token of {}: {error}", path.display())));
        }
        self.token.clone().ok_or_else(|| Unknown::new("there is no token"))
    }
}

impl Source for Vault {
    fn ask(&self, name: &str, reach: &Reach) -> Result<Found, Unknown> {
        let (path, key) = match &self.field {
            Some(field) => (name, field.as_str()),
            None => match name.rsplit_once('/') {
                Some(parts) => parts,
                // The name has no path, so there is nothing that it could be a field of.
                None => return Ok(Found::Nothing),
            },
        };
        let url = format!("{}/v1/{}/data/{path}", self.address, self.mount);
        let request =
            ClientRequest::get(url).header("x-vault-token", self.token()?.reveal()).header("x-vault-request", "true");
        let with = |request: ClientRequest, namespace: &String| request.header("x-vault-namespace", namespace);
        let reply = reach.send(self.namespace.iter().fold(request, with))?;
        let found = json(&reply)?;
        Ok(field(found.as_ref().and_then(|found| found.get("data")?.get("data")?.get(key))))
    }
}
