//! The configuration of the layer.

use handlers_sdk::{Config, Error};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The whole configuration of the layer.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Settings {
    /// The names of timers: rules and schedules of EventBridge, triggers of Function Compute, SCF and FunctionGraph.
    pub(crate) timers: Vec<String>,
    /// The members of warm-up events, beside those that are known.
    pub(crate) events: Vec<Map<String, Value>>,
    /// The paths of requests that warm up.
    pub(crate) paths: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        let paths = ["/_ah/warmup", "/admin/warmup"].map(str::to_owned).to_vec();
        Settings { timers: Vec::new(), events: Vec::new(), paths }
    }
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let settings: Settings = config.deserialize()?;
        if let Some(index) = settings.paths.iter().position(|path| !path.starts_with('/')) {
            let found = format!("{:?}", settings.paths[index]);
            return Err(config.mistake(&format!("paths[{index}]"), "a path such as /warmup", found));
        }
        if let Some(index) = settings.events.iter().position(Map::is_empty) {
            let expected = "members of a warm-up event, such as {\"source\":\"my-warmer\"}";
            return Err(config.mistake(&format!("events[{index}]"), expected, "{}, which every event has"));
        }
        if let Some(index) = settings.timers.iter().position(String::is_empty) {
            return Err(config.mistake(&format!("timers[{index}]"), "the name of a timer", "\"\""));
        }
        Ok(settings)
    }
}
