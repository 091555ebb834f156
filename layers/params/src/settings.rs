//! The configuration of the layer.

use crate::source::Source;
use crate::source::aws::{self, Aws};
use crate::source::azure::Azure;
use crate::source::files::Files;
use crate::source::google::Google;
use crate::source::plain::Plain;
use crate::source::vault::Vault;
use handlers_sdk::{Config, Error, Secret, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    sources: Vec<WrittenSource>,
    ttl: Span,
    keep: Span,
    timeout: Span,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            sources: Vec::new(),
            ttl: Span(Duration::from_secs(300)),
            keep: Span(Duration::from_secs(3600)),
            timeout: Span(Duration::from_secs(5)),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "from", deny_unknown_fields, rename_all = "camelCase")]
enum WrittenSource {
    #[serde(rename = "files")]
    Files {
        path: String,
        #[serde(default)]
        prefix: String,
    },
    #[serde(rename = "http")]
    Http {
        url: String,
        #[serde(default)]
        headers: BTreeMap<String, Secret>,
        field: Option<String>,
        #[serde(default)]
        prefix: String,
    },
    #[serde(rename = "vault")]
    Vault {
        address: Option<String>,
        mount: Option<String>,
        token: Option<Secret>,
        #[serde(rename = "tokenFile")]
        token_file: Option<String>,
        namespace: Option<String>,
        field: Option<String>,
        #[serde(default)]
        prefix: String,
    },
    #[serde(rename = "aws-secrets")]
    AwsSecrets {
        endpoint: Option<String>,
        field: Option<String>,
        #[serde(default)]
        path: String,
        #[serde(default)]
        prefix: String,
    },
    #[serde(rename = "aws-parameters")]
    AwsParameters {
        endpoint: Option<String>,
        #[serde(default)]
        path: String,
        #[serde(default)]
        prefix: String,
    },
    #[serde(rename = "google-secrets")]
    GoogleSecrets {
        endpoint: Option<String>,
        project: Option<String>,
        #[serde(default)]
        prefix: String,
    },
    #[serde(rename = "azure-secrets")]
    AzureSecrets {
        vault: String,
        #[serde(default)]
        prefix: String,
    },
}

/// A source, and the prefix of the names that it is asked for.
pub(crate) struct Prefixed {
    pub(crate) prefix: String,
    pub(crate) source: Box<dyn Source>,
}

/// The whole configuration of the layer.
pub(crate) struct Settings {
    pub(crate) sources: Vec<Prefixed>,
    /// The time for which a value is as good as new.
    pub(crate) ttl: Duration,
    /// The time for which a value is given while there is no newer one.
    pub(crate) keep: Duration,
    /// The time that a source may take for a name.
    pub(crate) timeout: Duration,
}

/// Returns `true` for a URL, as far as that is known without asking for anything: `http` or `https`, and a host.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(|b| b.is_ascii_graphic()))
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        if written.sources.is_empty() {
            return Err(config.mistake("sources", "a list of at least one source", "none"));
        }
        let (ttl, keep, timeout) = (written.ttl.0, written.keep.0, written.timeout.0);
        if keep < ttl {
            return Err(config.mistake("keep", "a time of at least ttl", format!("{keep:?}")));
        }
        // The runtime has ten seconds for a secret of a manifest.
        if timeout.is_zero() || timeout > Duration::from_secs(60) {
            return Err(config.mistake("timeout", "a time over zero and up to 60s", format!("{timeout:?}")));
        }
        let sources = written.sources.into_iter().enumerate().map(|(at, source)| read(config, at, source));
        Ok(Settings { sources: sources.collect::<Result<_, _>>()?, ttl, keep, timeout })
    }
}

fn read(config: &Config, at: usize, source: WrittenSource) -> Result<Prefixed, Error> {
    let url = |key: &str, text: String| match is_url(&text) {
        true => Ok(text),
        false => {
            Err(config.mistake(&format!("sources[{at}].{key}"), "a URL with http:// or https://", "something else"))
        }
    };
    let (prefix, source): (String, Box<dyn Source>) = match source {
        WrittenSource::Files { path, prefix } => {
            if !path.starts_with('/') {
                let key = format!("sources[{at}].path");
                return Err(config.mistake(&key, "an absolute path of a folder or a file", format!("{path:?}")));
            }
            (prefix, Box::new(Files { path: path.into() }))
        }
        WrittenSource::Http { url: text, headers, field, prefix } => {
            let text = url("url", text)?;
            if !text.contains("{name}") {
                let key = format!("sources[{at}].url");
                return Err(config.mistake(&key, "a URL with {name} in it", "none"));
            }
            (prefix, Box::new(Plain { url: text, headers: headers.into_iter().collect(), field }))
        }
        WrittenSource::Vault { address, mount, token, token_file, namespace, field, prefix } => {
            let address = address.or_else(|| config.env("VAULT_ADDR").map(str::to_owned));
            let address = url("address", address.unwrap_or_default())?.trim_end_matches('/').to_owned();
            let mount = mount.unwrap_or_else(|| "secret".to_owned());
            let token = token.or_else(|| config.secret("VAULT_TOKEN"));
            let namespace = namespace.or_else(|| config.env("VAULT_NAMESPACE").map(str::to_owned));
            if token.is_none() && token_file.is_none() {
                let expected = "a token, a tokenFile, or VAULT_TOKEN in the environment";
                return Err(config.mistake(&format!("sources[{at}].token"), expected, "neither"));
            }
            (
                prefix,
                Box::new(Vault { address, mount, token, token_file: token_file.map(Into::into), namespace, field }),
            )
        }
        WrittenSource::AwsSecrets { endpoint, field, path, prefix } => {
            let endpoint = url("endpoint", endpoint.unwrap_or_else(|| aws::endpoint(config)))?;
            let token = config.secret("AWS_SESSION_TOKEN");
            (prefix, Box::new(Aws { endpoint, token, path, kind: aws::Kind::Secret(field) }))
        }
        WrittenSource::AwsParameters { endpoint, path, prefix } => {
            let endpoint = url("endpoint", endpoint.unwrap_or_else(|| aws::endpoint(config)))?;
            let token = config.secret("AWS_SESSION_TOKEN");
            (prefix, Box::new(Aws { endpoint, token, path, kind: aws::Kind::Parameter }))
        }
        WrittenSource::GoogleSecrets { endpoint, project, prefix } => {
            let endpoint = endpoint.unwrap_or_else(|| "https://secretmanager.googleapis.com".to_owned());
            let project = project.or_else(|| config.env("GOOGLE_CLOUD_PROJECT").map(str::to_owned));
            let project = project.filter(|project| !project.is_empty()).ok_or_else(|| {
                let expected = "a project, or GOOGLE_CLOUD_PROJECT in the environment";
                config.mistake(&format!("sources[{at}].project"), expected, "neither")
            })?;
            (prefix, Box::new(Google::new(config, url("endpoint", endpoint)?, project)))
        }
        WrittenSource::AzureSecrets { vault, prefix } => {
            let vault = url("vault", vault)?.trim_end_matches('/').to_owned();
            (prefix, Box::new(Azure::new(config, vault)))
        }
    };
    Ok(Prefixed { prefix, source })
}
