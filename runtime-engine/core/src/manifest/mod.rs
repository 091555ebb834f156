//! `faas.json`, the manifest: which functions one process serves, and how. `docs/manifest.md` is its contract.
//!
//! The text is read in place, without a tree, and all its mistakes are found at once. What a process makes of it is
//! [`functions`](crate::functions)' matter: nothing here finds a library or makes a function.
//!
//! | file | holds |
//! |---|---|
//! | `keys` | every key there is, with what its value has to be |
//! | `read` | objects, texts, numbers and words; the unit and its functions |
//! | `events` | what a function serves |
//! | `whole` | what only the whole text shows: names that occur twice, events with two owners |
//! | `mistake` | what is wrong and where |
//! | `secrets` | where secrets stand by name, and what takes the place of the names |

mod events;
mod keys;
mod mistake;
mod read;
mod secrets;
mod whole;

pub use keys::{
    BUS, EVENT, FENCE, FUNCTION, HTTP, LAYER, MANIFEST, ManifestKey, ManifestObject, RAW, RECORDS, ROUTING, SOURCE,
    STORAGE, TIMER,
};
pub use mistake::{Mistake, Position};
pub use secrets::Secrets;

use crate::settings::{LayerName, RecordFailures};
use crate::trigger::Kind;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The version of the format that is read.
pub const VERSION: u64 = 1;

/// The most bytes of a text: 16 MiB.
pub const MOST_BYTES: usize = 16 << 20;

/// The most functions of one manifest.
pub const MOST_FUNCTIONS: usize = 10_000;

/// The longest duration: a year, far from what clocks cannot add.
pub const LONGEST: Duration = Duration::from_secs(8760 * 3600);

/// Holds everything that a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The name of the unit; empty if it is not said.
    pub name: String,
    /// The digest of the file that the manifest was made from, as it stands; empty if it is not said.
    pub digest: String,
    /// The layers around every function, outermost first.
    pub layers: Vec<LayerName>,
    /// `true` if a slash at the end makes another path.
    pub strict_slash: bool,
    /// `true` if the case of letters makes no other path.
    pub caseless: bool,
    /// The index of the function that serves the events that no other one claims; `None` if it is not set.
    pub default: Option<usize>,
    /// The functions, at least one.
    pub functions: Vec<FunctionSpec>,
    /// The secrets that stand in it by name, once they have been looked for.
    pub secrets: Secrets,
}

/// One function of a manifest.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FunctionSpec {
    /// Its name, which no other function of the manifest has.
    pub name: String,
    /// The code: `library` or `library.function`, a [`Name`](crate::modules::Name).
    pub handler: String,
    /// Its configuration, the JSON text as it was written; empty if it is not said.
    pub config: String,
    /// Its variables of the environment, in the order of the text, each name once.
    pub environment: Vec<(String, String)>,
    /// The limit of an invocation: `Some(None)` is no limit, `None` if the manifest does not set it.
    pub timeout: Option<Option<Duration>>,
    /// The number of its invocations that run at once, at least 1; `None` if the manifest does not set it.
    pub concurrency: Option<usize>,
    /// The moment at which the function starts.
    pub start: StartWhen,
    /// The layers around this function alone, outermost first.
    pub layers: Vec<LayerName>,
    /// The rule by which it is left alone because it keeps failing.
    pub fence: FenceSetting,
    /// The settings of its calls for the records of a batch.
    pub records: RecordSpec,
    /// The events that the function serves.
    pub events: Vec<EventSpec>,
}

/// The values of the configuration and of the environment are left out, since they may be secrets.
impl fmt::Debug for FunctionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<&str> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("FunctionSpec")
            .field("name", &self.name)
            .field("handler", &self.handler)
            .field("config", &format_args!("{} bytes", self.config.len()))
            .field("environment", &variables)
            .field("timeout", &self.timeout)
            .field("concurrency", &self.concurrency)
            .field("start", &self.start)
            .field("layers", &self.layers)
            .field("fence", &self.fence)
            .field("records", &self.records)
            .field("events", &self.events)
            .finish()
    }
}

/// The settings under the key `records`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordSpec {
    /// The number of records of a batch that run at once, at least 1; `None` if the manifest does not set it.
    pub concurrency: Option<usize>,
    /// The outcome of a batch of which some records failed; `None` if the manifest does not set it.
    pub failures: Option<RecordFailures>,
}

/// Returns the name of a timer that has none, the one of that number among the timers of its function, from 1: `sweep-timer`,
/// `sweep-timer-2`. What deploys a timer and what runs it both know it by this name.
pub fn timer_name(function: &str, number: usize) -> String {
    if number == 1 { format!("{function}-timer") } else { format!("{function}-timer-{number}") }
}

/// Says when a function starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartWhen {
    /// It starts with the process.
    #[default]
    Eager,
    /// It starts on its first invocation.
    Lazy,
}

/// The rule by which a function is left alone because it keeps failing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FenceSetting {
    /// The runtime's default holds.
    #[default]
    Default,
    /// The function is never fenced.
    Off,
    /// The function is left alone after that many failures in a row, for that time.
    Of {
        /// Failures in a row, at least 1.
        failures: u32,
        /// The time that the function is left alone, more than 0.
        pause: Duration,
    },
}

/// One entry of a function's `events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSpec {
    /// Its position in the text, for mistakes that only a router finds.
    pub position: Position,
    /// The rule that says which events of that kind are meant.
    pub filter: EventFilter,
}

/// The rule that says which events a function serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFilter {
    /// Requests of a method and a path.
    Http {
        /// The path, which begins with `/`; `None` for every path.
        path: Option<String>,
        /// The methods, in capitals, each once. An empty list stands for every method.
        methods: Vec<Cow<'static, str>>,
    },
    /// Events of any other kind.
    Other {
        /// The kind, which is never [`Kind::Http`].
        kind: Kind,
        /// The name of the source; `None` for every source.
        source: Option<String>,
        /// The type of an event of a bus; `None` for every type.
        event_type: Option<String>,
    },
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// The list has all mistakes of the text, in its order, and at least one. A text that is no JSON has one, and so
    /// has one of another version.
    pub fn read(text: &[u8]) -> Result<Manifest, Vec<Mistake>> {
        read::read(text)
    }

    /// Reads the events that a function of a module is written for. They are its `faas_function.triggers`, an array
    /// like the `events` of a function here. Positions count from the beginning of that text.
    ///
    /// # Errors
    /// The list has all mistakes of the text, in its order, and at least one.
    pub fn read_triggers(text: &[u8]) -> Result<Vec<EventSpec>, Vec<Mistake>> {
        read::read_triggers(text)
    }
}
