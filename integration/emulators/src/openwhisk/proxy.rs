//! The proxy of the stock images: it starts the action as its child with an environment that it has made up itself,
//! waits for its acknowledgement if it was told to, hands activations down a line each and takes a line for each.

use super::activation::{Activation, Init};
use super::child::Child;
use crate::process::{Process, Signal};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Mutex;
use std::time::Duration;

/// The time that a child without an acknowledgement has to live.
const ALIVE: Duration = Duration::from_millis(5);

/// An answer of the proxy.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The status of the answer.
    pub status: u16,
    /// The body as it is sent, line feed included.
    pub body: Vec<u8>,
}

impl Said {
    fn error(status: u16, what: &str) -> Said {
        Said { status, body: format!("{}\n", json!({ "error": what })).into_bytes() }
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// The body is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

/// The settings that the child is started with.
#[derive(Clone, Debug)]
pub struct Started {
    /// The setting `OW_WAIT_FOR_ACK` of the proxy: `true` if it waits for an acknowledgement.
    pub wait_for_ack: bool,
    /// The setting `OW_EXECUTION_ENV` of the proxy; empty leaves it out.
    pub execution_env: String,
    /// The variable `__OW_API_HOST` of the container, which the proxy passes on.
    pub api_host: String,
    /// The limit of waits for things that should happen at once.
    pub patience: Duration,
}

impl Default for Started {
    fn default() -> Started {
        Started {
            wait_for_ack: true,
            execution_env: String::new(),
            api_host: "https://ow.example".to_owned(),
            patience: Duration::from_secs(30),
        }
    }
}

/// A proxy, with the action that it has started as its child.
pub struct Proxy {
    options: Started,
    child: Mutex<Option<Child>>,
    initialized: Mutex<bool>,
}

impl Proxy {
    /// Makes a proxy without a child.
    pub fn new(options: Started) -> Proxy {
        Proxy { options, child: Mutex::new(None), initialized: Mutex::new(false) }
    }

    /// Handles `/init`: the code has been unpacked to `program`, and is started in `folder`. Code that is empty is
    /// refused, so an `Init` for this needs some.
    pub fn init(&self, init: &Init, program: &Path, folder: &Path) -> Said {
        let mut initialized = self.initialized.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *initialized {
            return Said::error(403, "Cannot initialize the action more than once.");
        }
        if init.code.is_empty() {
            return Said::error(403, "Missing main/no code to execute.");
        }
        let child = match Child::spawn(program, folder, &self.environment(init)) {
            Ok(child) => child,
            Err(error) => return Said::error(502, &format!("cannot start action: {error}")),
        };
        let refusal = self.refuses(&child);
        *self.child() = Some(child);
        if let Some(why) = refusal {
            return Said::error(502, &format!("cannot start action: {why}"));
        }
        *initialized = true;
        Said { status: 200, body: b"{\"ok\":true}\n".to_vec() }
    }

    /// Returns the reason why the start has failed; `None` if it has not.
    fn refuses(&self, child: &Child) -> Option<&'static str> {
        if !self.options.wait_for_ack {
            return child.process.wait(ALIVE).is_ok().then_some("command exited");
        }
        let Some(word) = child.answer(self.options.patience) else {
            return Some("Command exited abruptly during initialization.");
        };
        let ok = serde_json::from_slice::<Value>(&word).ok().and_then(|word| word["ok"].as_bool());
        (ok != Some(true)).then_some("The action did not initialize properly.")
    }

    fn environment(&self, init: &Init) -> Vec<(String, String)> {
        let mut environment = vec![("__OW_PROXY_VERSION".to_owned(), "1.18.0".to_owned())];
        let more = [
            ("__OW_EXECUTION_ENV", self.options.execution_env.as_str()),
            ("__OW_WAIT_FOR_ACK", if self.options.wait_for_ack { "1" } else { "" }),
            ("__OW_API_HOST", &self.options.api_host),
        ];
        let more = more.iter().filter(|(_, value)| !value.is_empty());
        environment.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        environment.extend(init.environment().iter().map(|(name, value)| (name.clone(), text(value))));
        environment
    }

    /// Handles `/run` with an activation.
    pub fn run(&self, activation: &Activation) -> Said {
        self.send(activation.body().as_bytes())
    }

    /// Handles `/run` with any body.
    pub fn send(&self, body: &[u8]) -> Said {
        let mut place = self.child();
        let Some(child) = place.as_ref() else { return Said::error(500, "no action defined yet") };
        if child.process.status().is_some() {
            return Said::error(500, "command exited");
        }
        let line: Vec<u8> = body.iter().copied().filter(|byte| *byte != b'\n').collect();
        // A child that has gone shows below, as the proxy does not look at this.
        let _ = child.write(&line);
        let Some(answer) = child.answer(self.options.patience) else {
            *place = None;
            return Said::error(400, "command exited");
        };
        match serde_json::from_slice::<Value>(&answer) {
            Ok(Value::Object(_) | Value::Array(_)) => Said { status: 200, body: answer },
            _ => Said::error(502, "The action did not return a dictionary or array."),
        }
    }

    /// Looks at the child's process.
    ///
    /// # Panics
    /// There is no child.
    pub fn with_child<T>(&self, look: impl FnOnce(&Process) -> T) -> T {
        look(&self.child().as_ref().expect("there is a child").process)
    }

    /// Returns the lines on descriptor 3 that answer nothing.
    ///
    /// # Panics
    /// There is no child.
    pub fn unasked(&self) -> Vec<String> {
        self.child().as_ref().expect("there is a child").unasked()
    }

    /// Ends the child's input and waits for its exit.
    ///
    /// # Errors
    /// There is no child, or it stays.
    pub fn end(&self) -> io::Result<ExitStatus> {
        let place = self.child();
        let child = place.as_ref().ok_or(io::ErrorKind::NotFound)?;
        child.end();
        child.process.wait(self.options.patience).map_err(|late| io::Error::other(late.to_string()))
    }

    /// Kills the child without notice, as the platform does.
    ///
    /// # Errors
    /// There is no child, or the system refuses the signal.
    pub fn kill(&self) -> io::Result<()> {
        let place = self.child();
        let child = place.as_ref().ok_or(io::ErrorKind::NotFound)?;
        child.process.signal(Signal::Kill)?;
        child.process.wait(self.options.patience).map(drop).map_err(|late| io::Error::other(late.to_string()))
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a proxy over a child that breaks the contract in this way.
    fn proxy(lie: &str, wait_for_ack: bool) -> (Proxy, Said) {
        let patience = Duration::from_millis(if lie == "no-word" { 200 } else { 20_000 });
        let proxy = Proxy::new(Started { wait_for_ack, patience, ..Started::default() });
        let liar = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/openwhisk/liar.sh");
        let init = Init { code: "code".to_owned(), ..Init::default() }.env("LIE", lie);
        let said = proxy.init(&init, &liar, Path::new("/"));
        (proxy, said)
    }

    #[test]
    fn a_good_child_gets_lines_without_line_feeds_and_its_lines_are_the_answers() {
        let (proxy, said) = proxy("", true);
        assert_eq!(said.status, 200);
        let said = proxy.send(b"{\n\"value\":{}\n}");
        assert_eq!((said.status, said.json()), (200, json!({ "got": { "value": {} } })));
        assert_eq!(proxy.unasked(), Vec::<String>::new());
        assert_eq!(proxy.end().expect("it leaves").code(), Some(0));
        assert_eq!(proxy.send(b"{}").status, 500);
    }

    #[test]
    fn a_start_without_the_word_or_with_a_bad_one_has_failed() {
        for lie in ["no-word", "bad-word", "gone"] {
            assert_eq!(proxy(lie, true).1.status, 502, "{lie}");
        }
    }

    #[test]
    fn a_word_that_nobody_waits_for_is_the_first_answer() {
        let (proxy, said) = proxy("", false);
        assert_eq!(said.status, 200);
        assert_eq!(proxy.send(b"1").json(), json!({ "ok": true }));
        assert_eq!(proxy.send(b"2").json(), json!({ "got": 1 }), "every answer is one behind");
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_a_second_line_is_noticed() {
        for lie in ["text", "blank"] {
            assert_eq!(proxy(lie, true).0.send(b"{}").status, 502, "{lie}");
        }
        let (dead, _) = proxy("dies", true);
        assert_eq!((dead.send(b"{}").status, dead.send(b"{}").status), (400, 500));
        let (twice, _) = proxy("twice", true);
        assert_eq!(twice.send(b"{}").status, 200);
        assert_eq!(twice.end().expect("it leaves").code(), Some(0));
        assert_eq!(twice.send(b"{}").status, 500);
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while twice.unasked().is_empty() && std::time::Instant::now() < until {
            std::thread::yield_now();
        }
        assert_eq!(twice.unasked(), ["{}\n"]);
    }
}
