//! A local platform with one unit's runtime on it, for `dev`, `invoke` and `check`. What differs between platforms is
//! behind [`Stage`]; which there are is one table.

mod aws;
mod handout;
mod piped;
mod plain;
mod serving;

use crate::failure::Failure;
use crate::reply::error_words;
use faas_core::platform::named;
use platform_emulators::ports::find_free_port;
use platform_emulators::process::Process;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The names and values of headers, in order.
pub(crate) type Headers = Vec<(String, String)>;

/// The limit for everything that should happen at once, such as a start or a stop.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The call of a function.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The request id, where the platform takes one.
    pub(crate) request_id: String,
    /// The function that is to serve it; `None` leaves that to the platform.
    pub(crate) function: Option<String>,
    /// The request or event of the call.
    pub(crate) input: CallInput,
    /// The time that the call has, where the platform sets one for each; `None` for the usual one.
    pub(crate) deadline: Option<Duration>,
}

/// The content of a call.
#[derive(Clone, Debug)]
pub(crate) enum CallInput {
    /// A client's request.
    Request(ClientRequest),
    /// An event, as the platform sends it.
    Event(Vec<u8>),
}

/// A client's request.
#[derive(Clone, Debug)]
pub(crate) struct ClientRequest {
    /// The method of the request.
    pub(crate) method: String,
    /// The path and query of the request.
    pub(crate) target: String,
    /// The headers of the request.
    pub(crate) headers: Headers,
    /// The body of the request.
    pub(crate) body: Vec<u8>,
}

/// The outcome of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// The status that a client gets; 200 for an event that went well.
    pub(crate) status: u16,
    /// The headers that a client gets.
    pub(crate) headers: Headers,
    /// The body that a client gets.
    pub(crate) body: Vec<u8>,
    /// The reason of a failure, as the platform says it; `None` if the call went well.
    pub(crate) failure: Option<String>,
    /// The request id that the platform chose; `None` if it is that of the call.
    pub(crate) request_id: Option<String>,
}

impl Reply {
    /// Makes the reply of an event: of a failure the status is 500, and its reason the body, or the platform's word for
    /// the outcome where there is no body.
    pub(crate) fn of_event(body: Vec<u8>, is_well: bool, outcome: &dyn fmt::Debug) -> Reply {
        if is_well {
            return Reply { status: 200, body, ..Reply::default() };
        }
        let failure = if body.is_empty() { format!("{outcome:?}") } else { error_words(&body) };
        Reply { status: 500, body, failure: Some(failure), ..Reply::default() }
    }

    /// Makes the reply of a call that came to no runtime, since each left before.
    pub(crate) fn left() -> Reply {
        Reply::failed(502, "the runtime has left before the call came")
    }

    /// Makes the reply of a call that failed.
    pub(crate) fn failed(status: u16, why: impl Into<String>) -> Reply {
        let why = why.into();
        let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
        Reply { status, headers, body: why.clone().into_bytes(), failure: Some(why), request_id: None }
    }
}

/// The listener to which a stage tells of a process that it starts for one call.
pub(crate) type Started<'s> = &'s dyn Fn(&Process);

/// A platform with a runtime on it. Every method may be called from several threads.
pub(crate) trait Stage: Send + Sync {
    /// Sends a call and blocks until its outcome. Returns `None`, and has sent nothing, if the runtime has left instead of
    /// asking for a call, as one does after a function that hung. `started` is told of a process that is started for this
    /// call alone, beside the one that the stage began with.
    fn send(&self, call: &Call, started: Started<'_>) -> Option<Reply>;
    /// Lends the process that runs now: of several, the one of the newest call.
    fn with_process(&self, look: &mut dyn FnMut(&Process));
    /// Lends each process, where calls have one each.
    fn with_all(&self, look: &mut dyn FnMut(&Process)) {
        self.with_process(look);
    }
    /// Returns `true` if the process is ready before the first event. It is `false` if each event has a process of its
    /// own, which is ready only with it.
    fn is_ready_before_events(&self) -> bool {
        true
    }
    /// Returns breaches of the platform's protocol that were seen, in words. Not every emulator looks for them.
    fn breaches(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The settings that a stage is made with.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The file of the runtime.
    pub(crate) runtime: PathBuf,
    /// The folder of the unit.
    pub(crate) root: PathBuf,
    /// The name of the function, or of the unit.
    pub(crate) name: String,
    /// The variables of the process, over the platform's own.
    pub(crate) environment: Vec<(String, String)>,
    /// The time that an invocation may take.
    pub(crate) timeout: Duration,
}

impl Setting {
    /// Returns the same for a process to which nobody sends anything any more when it is told to leave. It does not
    /// wait for clients that have not heard of that yet, unless its own variables say so.
    pub(crate) fn without_clients(mut self) -> Setting {
        const LAME_DUCK: &str = "FAAS_LAME_DUCK";
        if self.environment.iter().all(|(name, _)| name != LAME_DUCK) {
            self.environment.push((LAME_DUCK.to_owned(), "0".to_owned()));
        }
        self
    }

    /// Returns the variable by which the runtime keeps the limit of an invocation where no platform tells it one; `None`
    /// if it is said already.
    pub(crate) fn limit(&self) -> Option<(&'static str, String)> {
        const TIMEOUT: &str = "FAAS_TIMEOUT";
        let is_said = self.environment.iter().any(|(name, _)| name == TIMEOUT);
        (!is_said).then(|| (TIMEOUT, format!("{}ms", self.timeout.as_millis())))
    }

    /// Returns the time for which a client waits for an answer: beyond the runtime's own limit, so that the runtime tells
    /// of it.
    pub(crate) fn patience(&self) -> Duration {
        self.timeout + PATIENCE
    }

    /// Returns the command of the runtime, with the variables that are not the platform's.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.runtime);
        command.current_dir(&self.root).envs(self.environment.iter().cloned());
        command
    }
}

/// A platform that has a stage.
pub(crate) struct Platform {
    /// The platform's name in `FAAS_PLATFORM`.
    pub(crate) name: &'static str,
    /// The folder of its samples.
    pub(crate) samples: &'static str,
    /// Starts a runtime on it, and returns when it is ready.
    pub(crate) start: fn(&Setting) -> Result<Box<dyn Stage>, String>,
}

impl Platform {
    /// Returns `true` if the platform tells each event how long it has, and not the function alone.
    pub(crate) fn sets_deadlines(&self) -> bool {
        matches!(self.name, "aws-lambda" | "fn")
    }

    /// Returns its name in sentences.
    pub(crate) fn title(&self) -> &'static str {
        named(self.name).map_or(self.name, |names| names.title)
    }
}

/// Every platform.
pub(crate) const PLATFORMS: &[Platform] = &[
    Platform { name: "aws-lambda", samples: "aws", start: aws::start },
    Platform { name: "aliyun-fc", samples: "aliyun", start: serving::fc },
    Platform { name: "azure-functions", samples: "azure", start: serving::azure },
    Platform { name: "tencent-scf", samples: "tencent", start: handout::scf },
    Platform { name: "huawei-functiongraph", samples: "huawei", start: handout::functiongraph },
    Platform { name: "google-cloud", samples: "google", start: serving::google },
    Platform { name: "knative", samples: "knative", start: serving::knative },
    Platform { name: "openwhisk", samples: "openwhisk", start: serving::openwhisk },
    Platform { name: "fn", samples: "fn", start: serving::fn_project },
    Platform { name: "openfaas", samples: "openfaas", start: serving::openfaas },
    Platform { name: "vefaas", samples: "vefaas", start: serving::vefaas },
    Platform { name: "yandex", samples: "yandex", start: piped::yandex },
    Platform { name: "azure-container-apps", samples: "azure-container-apps", start: plain::azure_container_apps },
    Platform { name: "kubernetes", samples: "kubernetes", start: plain::kubernetes },
    Platform { name: PLAIN_HTTP, samples: "http", start: plain::http },
];

/// The platform that nothing marks.
pub(crate) const PLAIN_HTTP: &str = "http";

/// Returns the platform of that name or word.
///
/// # Errors
/// No platform has it.
pub(crate) fn platform(word: &str) -> Result<&'static Platform, Failure> {
    let found = named(word).and_then(|names| PLATFORMS.iter().find(|platform| platform.name == names.word));
    found.ok_or_else(|| {
        let names: Vec<&str> = PLATFORMS.iter().map(|platform| platform.name).collect();
        Failure::new("platform", format!("there is no local platform {word:?}; there are {}", names.join(", ")))
    })
}

/// Returns a port for a runtime to listen on.
///
/// # Errors
/// There is none, in words.
fn port() -> Result<u16, String> {
    find_free_port().map_err(|error| format!("a port for the runtime: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_of_the_runtime_has_a_stage() {
        let mut ours: Vec<&str> = PLATFORMS.iter().map(|platform| platform.name).collect();
        ours.sort_unstable();
        assert_eq!(ours, serverless_spec::platform_names().collect::<Vec<_>>());
    }

    #[test]
    fn of_an_event_that_failed_the_status_is_500() {
        let body = br#"{"errorType":"T","errorMessage":"m"}"#;
        for (body, is_well, status, failure) in [
            (&body[..], true, 200, None),
            (&body[..], false, 500, Some("T: m".to_owned())),
            (b"", false, 500, Some("\"Timeout\"".to_owned())),
        ] {
            let reply = Reply::of_event(body.to_vec(), is_well, &"Timeout");
            assert_eq!((reply.status, reply.failure, &reply.body[..]), (status, failure, body));
        }
    }

    #[test]
    fn platforms_are_found_by_name_and_by_alias() {
        assert_eq!(platform("aws").unwrap().name, "aws-lambda");
        assert_eq!(platform("fn").unwrap().title(), "Fn, Oracle Functions");
        let error = platform("mars").unwrap_err().to_string();
        assert!(error.starts_with("platform: there is no local platform \"mars\"; there are aws-lambda, "), "{error}");
    }
}
