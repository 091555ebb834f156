//! Serves the requests of a platform or a probe that are not invocations, once the process has started: for its health,
//! and for steps of its life.
//!
//! Modules may take their time here: it is done on threads of its own, beside those that run invocations.

use super::Server;
use super::link::{Link, State as LinkState};
use crate::runtime_files;
use faas_core::failure::Failure;
use faas_core::log::Level;
use faas_core::parking::block_on;
use faas_core::platform::{LocalResponse, Signal, State};
use faas_core::serve::{Manner, response_head};
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The connections that wait for the answer to a probe of health.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// `true` while the layers are asked.
    running: bool,
    waiting: Vec<Arc<Link>>,
}

/// The time that layers may take to say how they are.
const HEALTH: Duration = Duration::from_secs(5);

impl Server {
    /// Returns the stage of the process.
    pub(super) fn state(&self) -> State {
        if self.closed.load(SeqCst) {
            State::Closed
        } else if self.shutdown.deadlines().is_stopping() {
            State::Stopping
        } else {
            State::Ready
        }
    }

    /// Does the work of a request that is not an invocation, on a connection that is claimed, and answers there.
    /// Without a signal it is a probe of health, which has a time limit.
    pub(super) fn run_errand(self: &Arc<Self>, link: &Arc<Link>, manner: Manner, signal: Option<Signal>) {
        let Some(signal) = signal else { return self.probe(link, manner) };
        link.lock().errand = Some((manner, u64::MAX));
        let (server, link) = (self.clone(), link.clone());
        self.background.run(move || {
            let answer = server.do_errand(Some(signal));
            server.answer_errands(&[link], &answer);
        });
    }

    /// Answers a probe of health. One look at the layers serves all probes that come meanwhile: one that is stuck costs
    /// one thread.
    fn probe(self: &Arc<Self>, link: &Arc<Link>, manner: Manner) {
        let until = self.timers.after(HEALTH);
        link.lock().errand = Some((manner, until));
        self.timers.enter(until, link.token);
        let mut probes = self.probes();
        probes.waiting.push(link.clone());
        if std::mem::replace(&mut probes.running, true) {
            return;
        }
        drop(probes);
        let server = self.clone();
        self.background.run(move || {
            let answer = server.do_errand(None);
            let mut probes = server.probes();
            probes.running = false;
            let waiting = std::mem::take(&mut probes.waiting);
            drop(probes);
            server.answer_errands(&waiting, &answer);
        });
    }

    fn probes(&self) -> MutexGuard<'_, Probes> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer_errands(&self, links: &[Arc<Link>], answer: &LocalResponse) {
        for link in links {
            self.answer_errand(link, &mut link.lock(), answer);
            self.let_go(link);
        }
        self.end_if_quiet();
    }

    /// Answers the probe of health on this connection, if there is one, because it has taken too long.
    pub(super) fn errand_is_overdue(&self, link: &Link, state: &mut LinkState) {
        let now = self.runtime.process().now_ns();
        if state.errand.is_some_and(|(_, until)| until <= now) {
            let message = format!("layers did not say within {HEALTH:?} how they are");
            self.runtime.process().log.say(Level::Warn, &format!("readiness: {message}"));
            self.answer_errand(link, state, &LocalResponse::text(503, message));
        }
    }

    /// Answers once, and has the connection looked at again.
    fn answer_errand(&self, link: &Link, state: &mut LinkState, answer: &LocalResponse) {
        let Some((manner, _)) = state.errand.take() else { return };
        let manner = self.settled(manner, state.connection.end_upload());
        let mut out = Vec::new();
        response_head::own(&mut out, answer, manner, &self.runtime.process().log);
        state.connection.send(&out);
        state.connection.answered(manner.keep);
        state.claimed = false;
        self.look_again(link);
    }

    /// Runs the step of a signal, or asks the layers for their health, and returns the answer.
    pub(super) fn do_errand(&self, signal: Option<Signal>) -> LocalResponse {
        let Some(signal) = signal else {
            return match self.health() {
                Ok(()) => LocalResponse::text(200, "OK"),
                Err(why) => LocalResponse::text(503, why),
            };
        };
        let result = self.heed(&signal);
        self.protocol.signalled(&signal, result.as_ref().copied())
    }

    fn health(&self) -> Result<(), String> {
        self.runtime.health()?;
        match self.protocol.ready_file() {
            Some(path) if !Path::new(path).exists() => Err(format!("{path} is gone")),
            _ => Ok(()),
        }
    }

    fn heed(&self, signal: &Signal) -> Result<(), Failure> {
        if *signal == Signal::Stop {
            self.closed.store(true, SeqCst);
            self.no_longer_ready();
            if !self.is_quiet_within(self.grace) {
                let message =
                    format!("invocations are still in progress after {:?}: Close is left to the end", self.grace);
                return Err(Failure::new("Runtime.Closing", message));
            }
        }
        block_on(self.runtime.signal(signal))
    }

    /// Waits for the end of all that has been accepted; nothing more is accepted meanwhile.
    fn is_quiet_within(&self, limit: Duration) -> bool {
        let began = Instant::now();
        // The last invocations may still be at their work after the response.
        self.admission.wait_idle(limit) && self.runtime.process().wait_quiet(limit.saturating_sub(began.elapsed()))
    }

    /// Removes the file that says the process is ready.
    pub(super) fn no_longer_ready(&self) {
        if let Some(path) = self.protocol.ready_file() {
            runtime_files::remove(Path::new(path));
        }
    }
}

/// Makes a new file, which never is one that another process has put there or that a link leads to. A plain file that a
/// process before this one left behind is removed first.
fn new_file(path: &Path) -> io::Result<File> {
    let make = || File::options().write(true).create_new(true).mode(0o660).open(path);
    match make() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.symlink_metadata()?.is_file() => {
            std::fs::remove_file(path)?;
            make()
        }
        made => made,
    }
}

/// Makes the file that says that the process takes requests.
///
/// # Errors
/// It cannot be made.
pub(super) fn be_ready(path: Option<&str>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    // A stop that comes now finds the file, or the process leaves before it is made.
    let made = runtime_files::make(Path::new(path), || new_file(Path::new(path)));
    // Its owner and group may use it, whatever the umask says.
    made.and_then(|file| file.set_permissions(Permissions::from_mode(0o660))).map_err(|error| {
        let message = format!("the file that says that the process is ready cannot be made at {path}: {error}");
        Failure::new("Runtime.NoReadyFile", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_says_ready_is_for_owner_and_group_and_goes() {
        let path = std::env::temp_dir().join(format!("faas-ready-{}", std::process::id()));
        be_ready(path.to_str()).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
        runtime_files::remove(&path);
        assert!(!path.exists());
        be_ready(None).unwrap();
    }

    #[test]
    fn the_file_is_new_and_never_what_a_link_leads_to() {
        let name = |name: &str| std::env::temp_dir().join(format!("faas-{name}-{}", std::process::id()));
        let [path, other] = ["lock", "victim"].map(name);
        std::fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let failure = be_ready(path.to_str()).unwrap_err();
        assert_eq!(
            (failure.kind.as_str(), std::fs::read_to_string(&other).unwrap().as_str()),
            ("Runtime.NoReadyFile", "precious")
        );
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "left by a process that was killed").unwrap();
        be_ready(path.to_str()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        runtime_files::remove(&path);
        std::fs::remove_file(&other).unwrap();
    }

    #[test]
    fn without_its_folder_it_cannot_be_made() {
        let failure = be_ready(Some("/no/such/folder/.lock")).unwrap_err();
        let words = "the file that says that the process is ready cannot be made at /no/such/folder/.lock: ";
        assert!(failure.message.starts_with(words), "{failure}");
    }
}
