//! Google's Secret Manager, with the token of the service account that the process runs as.
//!
//! `GET /v1/projects/<project>/secrets/<name>/versions/latest:access` answers `{"payload":{"data":<base64>}}`
//! (<https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access>); the token is
//! from the metadata server (<https://cloud.google.com/compute/docs/access/authenticate-workloads#applications>).

use super::bearer::Bearer;
use super::{Found, Reach, Source, Unknown, json};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use handlers_sdk::Config;
use handlers_sdk::service::http::ClientRequest;

/// The secrets of a project.
pub(crate) struct Google {
    endpoint: String,
    project: String,
    bearer: Bearer,
}

impl Google {
    pub(crate) fn new(config: &Config, endpoint: String, project: String) -> Google {
        let host = config.env("GCE_METADATA_HOST").unwrap_or("metadata.google.internal");
        let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
        let bearer = Bearer::new(ClientRequest::get(url).header("metadata-flavor", "Google"));
        Google { endpoint, project, bearer }
    }
}

/// Returns the bytes of a secret; `None` if the text is no base64 (RFC 4648, section 4). Padding may be missing, and bits
/// that make no whole byte are dropped.
fn decoded(text: &str) -> Option<Vec<u8>> {
    const READER: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    READER.decode(text).ok()
}

impl Source for Google {
    fn ask(&self, name: &str, reach: &Reach) -> Result<Found, Unknown> {
        // Names of secrets have neither slashes nor dots.
        if name.contains(['/', '.']) {
            return Ok(Found::Nothing);
        }
        let url = format!("{}/v1/projects/{}/secrets/{name}/versions/latest:access", self.endpoint, self.project);
        let reply = self.bearer.send(ClientRequest::get(url), reach)?;
        let Some(found) = json(&reply)? else { return Ok(Found::Nothing) };
        let data = found.get("payload").and_then(|payload| payload.get("data")).and_then(|data| data.as_str());
        let value = data.and_then(decoded).ok_or_else(|| Unknown::new("it answers no payload"))?;
        Ok(Found::Value(value))
    }
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn base64_is_undone() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob")] {
            assert_eq!(decoded(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!((decoded("Zm 9v"), decoded("Zm9vY")), (None, None));
    }
}
