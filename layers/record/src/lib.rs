//! Writes invocations down, without their secrets, so that they can be looked at and sent again: into files of a
//! folder, or as lines of the log.
//!
//! The README has the form of a recording and the table of its configuration.
#![forbid(unsafe_code)]

mod folder;
mod recording;
mod settings;

use folder::Folder;
use handlers_sdk::{Config, Error, Failure, Invocation, Layer, Phase, Recovery, layer};
use settings::{Of, Settings};

/// The layer, as it is configured.
#[derive(Debug)]
pub struct Record {
    config: Config,
    settings: Settings,
    folder: Option<Folder>,
}

impl Record {
    fn write(&self, invocation: &Invocation<'_>, failure: Option<&Failure<'_>>) {
        let settings = &self.settings;
        if !settings.sample.takes() {
            return;
        }
        let marker = if self.folder.is_none() { Some("recording") } else { None };
        let recording = recording::of(invocation, failure, &settings.redact, settings.max_bytes, marker);
        match &self.folder {
            None => self.config.emit(recording.as_bytes()),
            Some(folder) => {
                if let Err(dropped) = folder.write(invocation.request_id(), recording) {
                    handlers_sdk::warn!({ dropped = dropped }, "the disk is too slow: a recording was dropped");
                }
            }
        }
    }

    fn flush(&self) {
        if let Some(folder) = &self.folder {
            folder.flush();
        }
    }
}

#[layer(name = "record")]
impl Layer for Record {
    fn create(config: &Config) -> Result<Self, Error> {
        let settings = Settings::read(config)?;
        let folder = settings.folder.clone().map(|path| Folder::new(path, settings.max_files));
        Ok(Record { config: *config, settings, folder })
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let failed = invocation.reply_status().is_some_and(|status| status >= 500);
        if failed || self.settings.of == Of::All {
            self.write(invocation, None);
        }
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        self.write(invocation, Some(failure));
        Ok(Recovery::Pass)
    }

    fn suspend(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.flush();
        Ok(())
    }

    fn after_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.flush();
        Ok(())
    }
}
