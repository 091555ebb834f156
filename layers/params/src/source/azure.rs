//! Azure's Key Vault, with the token of the identity that the process runs as.
//!
//! `GET /secrets/<name>?api-version=7.4` answers `{"value":…}`
//! (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>); the token is from the endpoint that
//! App Service, Functions and Container Apps name in the environment
//! (<https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>).

use super::bearer::Bearer;
use super::{Found, Reach, Source, Unknown, field, json};
use handlers_sdk::Config;
use handlers_sdk::service::http::ClientRequest;

/// A vault of Azure's, as it is configured.
pub(crate) struct Azure {
    vault: String,
    /// The source of tokens; `None` if the environment names no identity.
    bearer: Option<Bearer>,
}

impl Azure {
    pub(crate) fn new(config: &Config, vault: String) -> Azure {
        let bearer = config.env("IDENTITY_ENDPOINT").zip(config.secret("IDENTITY_HEADER")).map(|(endpoint, header)| {
            let url = format!("{endpoint}?resource=https%3A%2F%2Fvault.azure.net&api-version=2019-08-01");
            Bearer::new(ClientRequest::get(url).header("x-identity-header", header.reveal()))
        });
        Azure { vault, bearer }
    }
}

impl Source for Azure {
    fn ask(&self, name: &str, reach: &Reach) -> Result<Found, Unknown> {
        // Names of secrets consist of letters, digits and `-`.
        if name.contains(['/', '.', '_']) {
            return Ok(Found::Nothing);
        }
        let bearer = self.bearer.as_ref();
        let bearer =
            bearer.ok_or_else(|| Unknown::new("the process has no identity: there is no IDENTITY_ENDPOINT"))?;
        let reply = bearer.send(ClientRequest::get(format!("{}/secrets/{name}?api-version=7.4", self.vault)), reach)?;
        Ok(field(json(&reply)?.as_ref().and_then(|found| found.get("value"))))
    }
}
