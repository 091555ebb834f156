//! Huawei Cloud FunctionGraph: the runtime API of event functions, API Gateway in front of it, and what the platform
//! adds to the requests of an HTTP function.
//!
//! ```no_run
//! use platform_emulators::huawei_functiongraph::{self, Options};
//! use platform_emulators::runtime_api::Kind;
//! use std::process::Command;
//!
//! let plane = huawei_functiongraph::start(Options::default())?;
//! let _process = plane.spawn(Command::new("target/debug/bootstrap"))?;
//! assert_eq!(plane.invoke(r#"{"n":1}"#).kind, Kind::Result);
//! assert_eq!(plane.violations(), Vec::<String>::new());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Sources: FunctionGraph's developer guide and a partner's published runtimes. Whether a poll is held is not
//! documented, so both are offered. Only the status 200 is documented, so the refusals here are this emulator's own.

mod front;
mod web;

pub use front::{Reply, Request, apig, event};
pub use web::Web;

use crate::runtime_api::{Call, Plane, Rules, Times};
use std::io;
use std::path::PathBuf;

/// The properties of a function.
#[derive(Clone, Debug)]
pub struct Options {
    /// The limits of time. The process is told the limit in whole seconds.
    pub times: Times,
    /// The text of `RUNTIME_TIMEOUT`; `None` for the limit.
    pub timeout: Option<String>,
    /// The configured handler.
    pub handler: String,
    /// The folder of the code; `None` leaves the variable out.
    pub code_root: Option<PathBuf>,
    /// `true` if a poll is held until there is an event.
    pub holds_polls: bool,
    /// `true` if the function has an agency, whose keys are sent.
    pub agency: bool,
    /// The longest result, in bytes.
    pub max_result: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            times: Times::default(),
            timeout: None,
            handler: "bootstrap".to_owned(),
            code_root: None,
            holds_polls: true,
            agency: false,
            max_result: 6 << 20,
        }
    }
}

impl Options {
    /// Returns the variables that all kinds of functions have in common.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut list = vec![
            ("RUNTIME_PROJECT_ID", "project-1".to_owned()),
            ("RUNTIME_FUNC_NAME", "graph-function".to_owned()),
            ("RUNTIME_FUNC_VERSION", "latest".to_owned()),
            ("RUNTIME_PACKAGE", "default".to_owned()),
            ("RUNTIME_HANDLER", self.handler.clone()),
            ("RUNTIME_TIMEOUT", self.timeout.clone().unwrap_or_else(|| self.times.limit.as_secs().to_string())),
            ("RUNTIME_USERDATA", "{}".to_owned()),
            ("RUNTIME_CPU", "0.3".to_owned()),
            ("RUNTIME_MEMORY", "128".to_owned()),
            ("RUNTIME_MAX_RESP_BODY_SIZE", self.max_result.to_string()),
            ("RUNTIME_ROOT", "/home/snuser/runtime".to_owned()),
            ("RUNTIME_LOG_DIR", "/home/snuser/log".to_owned()),
        ];
        list.extend(self.code_root.iter().map(|root| ("RUNTIME_CODE_ROOT", root.display().to_string())));
        list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The keys of the agency, as headers of an event.
pub const KEYS: [(&str, &str); 4] = [
    ("X-CFF-Access-Key", "temporary-access-key"),
    ("X-CFF-Secret-Key", "temporary-secret-key"),
    ("X-CFF-Security-Token", "temporary-security-token"),
    ("X-CFF-Auth-Token", "temporary-auth-token"),
];

/// Starts the runtime API of an event function.
///
/// # Errors
/// There is no free port.
pub fn start(options: Options) -> io::Result<Plane> {
    let agency = options.agency;
    let rules = Rules {
        route,
        headers: Box::new(move |id| {
            let own = [("X-Cff-Request-Id", id), ("X-CFF-Invoke-Type", "sync"), ("Content-Type", "application/json")];
            let keys = if agency { &KEYS[..] } else { &[] };
            own.iter().chain(keys).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        }),
        awaits_ready: false,
        holds_polls: options.holds_polls,
        hands_out_again: false,
        max_result: options.max_result,
        times: options.times.clone(),
    };
    Plane::start(rules, |address| {
        let mut variables = options.variables();
        variables.push(("RUNTIME_API_ADDR".to_owned(), address.to_string()));
        variables
    })
}

fn route(method: &str, path: &str) -> Result<Call, u16> {
    let Some(rest) = path.strip_prefix("/v1/runtime/invocation/") else { return Err(404) };
    let id = |id: &str| (!id.is_empty() && !id.contains('/')).then(|| id.to_owned());
    let (expected, call) = if rest == "request" {
        ("GET", Call::Poll)
    } else if let Some(id) = rest.strip_prefix("response/").and_then(id) {
        ("POST", Call::Answer { id: Some(id), is_error: false })
    } else if let Some(id) = rest.strip_prefix("error/").and_then(id) {
        ("POST", Call::Answer { id: Some(id), is_error: true })
    } else {
        return Err(404);
    };
    if method == expected { Ok(call) } else { Err(405) }
}
