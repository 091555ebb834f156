//! Google's Secret Manager, with the token of the service account that the process runs as.
//!
//! `GET /v1/projects/<project>/secrets/<name>/versions/latest:access` answers `{"payload":{"data":<base64>}}`
//! (<https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access>); the token is
//! from the metadata server (<https://cloud.google.com/compute/docs/access/authenticate-workloads#applications>).

use super::bearer::Bearer;
use super::{Found, Reach, Source, Unknown, json};
use handlers_sdk::Config;
use handlers_sdk::service::http::Request;

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
        let bearer = Bearer::new(Request::get(url).header("metadata-flavor", "Google"));
        Google { endpoint, project, bearer }
    }
}

/// Undoes base64 (RFC 4648, 4); `None` if the text has a character that is not of its alphabet, or a length that no bytes
/// have. Padding may be missing, and bits that make no whole byte are dropped.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in digits.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(digit), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.extend(u8::try_from(bits >> count & 0xff));
        }
    }
    // A whole digit that is left over is a part of a byte.
    (count < 6).then_some(bytes)
}

impl Source for Google {
    fn ask(&self, name: &str, reach: &Reach) -> Result<Found, Unknown> {
        // Names of secrets have neither slashes nor dots.
        if name.contains(['/', '.']) {
            return Ok(Found::Nothing);
        }
        let url = format!("{}/v1/projects/{}/secrets/{name}/versions/latest:access", self.endpoint, self.project);
        let reply = self.bearer.send(Request::get(url), reach)?;
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
