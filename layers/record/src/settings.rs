//! The configuration of the layer.

use handlers_sdk::{Config, Error, Redact, Share};
use serde::Deserialize;
use std::path::PathBuf;

/// The invocations that are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Of {
    /// Those that fail, and those with a status of 500 and more.
    Failures,
    /// Every single invocation.
    All,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    of: Of,
    sample_rate: Share,
    folder: Option<PathBuf>,
    max_bytes: usize,
    max_files: usize,
    redact_keys: Vec<String>,
    redact_patterns: Vec<String>,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            of: Of::Failures,
            sample_rate: Share::default(),
            folder: None,
            max_bytes: 64 << 10,
            max_files: 100,
            redact_keys: Vec::new(),
            redact_patterns: Vec::new(),
        }
    }
}

/// The whole configuration of the layer.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) of: Of,
    pub(crate) sample: Share,
    /// The folder; `None` for a line of the log.
    pub(crate) folder: Option<PathBuf>,
    /// The most bytes of a body, and of an event.
    pub(crate) max_bytes: usize,
    pub(crate) max_files: usize,
    pub(crate) redact: Redact,
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        if written.max_files == 0 {
            return Err(config.mistake("maxFiles", "a number over zero", 0));
        }
        if let Some(folder) = &written.folder {
            std::fs::create_dir_all(folder).map_err(|error| {
                config.mistake("folder", "a folder that can be written to", format!("{}: {error}", folder.display()))
            })?;
        }
        Ok(Settings {
            of: written.of,
            sample: written.sample_rate,
            folder: written.folder,
            max_bytes: written.max_bytes,
            max_files: written.max_files,
            redact: Redact::new(&written.redact_keys, written.redact_patterns),
        })
    }
}
