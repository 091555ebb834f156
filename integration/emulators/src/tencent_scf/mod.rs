//! Tencent Cloud SCF: the runtime API of event functions, the fronts that make events of clients' requests, and what
//! the platform adds to the requests of a web function.
//!
//! ```no_run
//! use platform_emulators::runtime_api::Kind;
//! use platform_emulators::tencent_scf::{self, Options};
//! use std::process::Command;
//!
//! let plane = tencent_scf::start(Options::default())?;
//! let _process = plane.spawn(Command::new("target/debug/bootstrap"))?;
//! assert_eq!(plane.invoke(r#"{"n":1}"#).kind, Kind::Result);
//! assert_eq!(plane.violations(), Vec::<String>::new());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Sources: SCF's help pages on custom runtimes, triggers and web functions, and the vendor's samples. Only the status
//! 200 is documented, so the refusals here are this emulator's own.

mod front;
mod web;

pub use front::{Reply, Request, gateway, url};
pub use web::Web;

use crate::runtime_api::{Call, Plane, Rules, Times};
use std::io;
use std::path::PathBuf;

/// The most bytes of a result.
pub const MAX_RESULT: usize = 6 << 20;

/// The properties of a function.
#[derive(Clone, Debug)]
pub struct Options {
    /// The limits of time.
    pub times: Times,
    /// The configured handler; `None` for functions without one.
    pub handler: Option<String>,
    /// The folder of the code; `None` leaves the variable out.
    pub code_root: Option<PathBuf>,
    /// The memory limit in MB.
    pub memory_mb: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options { times: Times::default(), handler: None, code_root: None, memory_mb: 128 }
    }
}

impl Options {
    /// Returns the variables that event functions and web functions have in common.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut list = vec![
            ("TENCENTCLOUD_RUNENV", "SCF".to_owned()),
            ("TENCENTCLOUD_REGION", "ap-test".to_owned()),
            ("TENCENTCLOUD_APPID", "1250000000".to_owned()),
            ("TENCENTCLOUD_UIN", "100000000001".to_owned()),
            ("TENCENTCLOUD_SECRETID", "temporary-id".to_owned()),
            ("TENCENTCLOUD_SECRETKEY", "temporary-key".to_owned()),
            ("TENCENTCLOUD_SESSIONTOKEN", "temporary-token".to_owned()),
            ("SCF_FUNCTIONNAME", "scf-function".to_owned()),
            ("SCF_FUNCTIONVERSION", "$LATEST".to_owned()),
            ("SCF_NAMESPACE", "default".to_owned()),
            ("_SCF_SERVER_PORT", "28902".to_owned()),
        ];
        list.extend(self.handler.iter().map(|handler| ("_HANDLER", handler.clone())));
        list.extend(self.code_root.iter().map(|root| ("USER_CODE_ROOT", root.display().to_string())));
        list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Starts the runtime API of an event function.
///
/// # Errors
/// There is no free port.
pub fn start(options: Options) -> io::Result<Plane> {
    let (memory, limit) = (options.memory_mb, options.times.limit.as_millis());
    let rules = Rules {
        route,
        headers: Box::new(move |id| {
            let fields = [("request_id", id.to_owned()), ("memory_limit_in_mb", memory.to_string())];
            let more = [("time_limit_in_ms", limit.to_string()), ("Content-Type", "application/json".to_owned())];
            fields.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
        }),
        awaits_ready: true,
        holds_polls: true,
        hands_out_again: true,
        max_result: MAX_RESULT,
        times: options.times.clone(),
    };
    Plane::start(rules, |address| {
        let mut variables = options.variables();
        variables.push(("SCF_RUNTIME_API".to_owned(), address.ip().to_string()));
        variables.push(("SCF_RUNTIME_API_PORT".to_owned(), address.port().to_string()));
        variables
    })
}

fn route(method: &str, path: &str) -> Result<Call, u16> {
    let (expected, call) = match path {
        "/runtime/init/ready" => ("POST", Call::Ready),
        "/runtime/invocation/next" => ("GET", Call::Poll),
        "/runtime/invocation/response" => ("POST", Call::Answer { id: None, is_error: false }),
        "/runtime/invocation/error" => ("POST", Call::Answer { id: None, is_error: true }),
        _ => return Err(404),
    };
    if method == expected { Ok(call) } else { Err(405) }
}
