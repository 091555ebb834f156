//! The interface of the control plane: it blocks, and needs no async runtime.

use super::server::{Shared, start};
use super::state::{Rules, State};
use super::{Ending, Endpoint, Event, Fault, Kind, Outcome, Seen, Snapshot};
use crate::acceptor::Command;
use crate::process::Process;
use crate::wait::TimedOut;
use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A running control plane; it ends when this is dropped.
pub struct Plane {
    shared: Arc<Shared>,
    commands: mpsc::UnboundedSender<Command>,
    address: SocketAddr,
    variables: Vec<(String, String)>,
    thread: Option<JoinHandle<()>>,
}

/// An event without an outcome yet.
pub struct Pending {
    shared: Arc<Shared>,
    id: String,
}

impl Plane {
    /// Starts a control plane on a free loopback port. `variables` are those of a process that is told of this address.
    pub(crate) fn start(
        rules: Rules,
        variables: impl FnOnce(SocketAddr) -> Vec<(String, String)>,
    ) -> io::Result<Plane> {
        let shared = Arc::new(Shared::new(State::new(rules)));
        let (commands, receiver) = mpsc::unbounded_channel();
        let (address, thread) = start(Arc::clone(&shared), receiver)?;
        Ok(Plane { shared, commands, address, variables: variables(address), thread: Some(thread) })
    }

    /// Returns the address at which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts a process with the platform's variables, and over them those that the command was given; nothing else but
    /// `PATH`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(&self, mut command: std::process::Command) -> io::Result<Process> {
        let own: Vec<_> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).envs(own).stdin(Stdio::null());
        let generation = self.shared.change(State::begin);
        let shared = Arc::clone(&self.shared);
        let process = Process::spawn(command, move |_| shared.change(|state| state.exited(generation)))?;
        let watched = process.watched();
        self.shared.change(|state| state.set_process(watched));
        Ok(process)
    }

    /// Sends an event, and returns at once.
    pub fn submit(&self, event: impl Into<Event>) -> Pending {
        let event = event.into();
        let id = self.shared.change(|state| state.submit(event));
        Pending { shared: Arc::clone(&self.shared), id }
    }

    /// Sends an event and waits for its outcome.
    pub fn invoke(&self, event: impl Into<Event>) -> Outcome {
        self.submit(event).wait()
    }

    /// Waits until the control plane is in such a state.
    ///
    /// # Errors
    /// The error is [`TimedOut`] at the limit, with the present state.
    pub fn wait_for(&self, wanted: impl Fn(&Snapshot) -> bool, limit: Duration) -> Result<Snapshot, TimedOut> {
        let found = self.shared.wait_until(limit, |state| Some(state.snapshot()).filter(|now| wanted(now)));
        found.ok_or_else(|| TimedOut { what: format!("{:?}", self.snapshot()), limit })
    }

    /// Returns the present state.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.look(State::snapshot)
    }

    /// Returns every request so far.
    pub fn journal(&self) -> Vec<Seen> {
        self.shared.look(|state| state.journal.clone())
    }

    /// Returns how often an event was handed out.
    pub fn deliveries(&self, id: &str) -> usize {
        self.shared.look(|state| state.deliveries(id))
    }

    /// Returns every breach of the protocol so far.
    pub fn violations(&self) -> Vec<String> {
        self.shared.look(|state| state.violations.clone())
    }

    /// Lets the next call of that kind fail which no earlier fault meets.
    pub fn fault(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.change(|state| state.script.push((endpoint, fault)));
    }

    /// Ends every connection, and returns when they have ended.
    pub fn cut(&self, ending: Ending) {
        let cut = self.shared.change(|state| state.cut(ending));
        let gone = |state: &State| cut.iter().all(|number| !state.is_connected(*number)).then_some(());
        // The connections end as soon as the server's thread comes to it.
        let _ = self.shared.wait_until(Duration::from_secs(60), gone);
    }

    /// Refuses connections from here on; those that are open stay.
    pub fn refuse(&self) {
        let (done, refused) = oneshot::channel();
        // Neither fails while the server's thread runs.
        let _ = self.commands.send(Command::Refuse(done));
        let _ = refused.blocking_recv();
    }

    /// Takes connections again, at the same address.
    ///
    /// # Errors
    /// The address has been taken.
    pub fn listen(&self) -> io::Result<()> {
        let (done, listening) = oneshot::channel();
        let _ = self.commands.send(Command::Listen(done));
        listening.blocking_recv().unwrap_or(Ok(()))
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Pending {
    /// Returns its request id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the outcome.
    pub fn wait(self) -> Outcome {
        let patience = self.shared.look(State::patience);
        let outcome = self.shared.wait_until(patience, |state| state.outcome(&self.id));
        outcome.unwrap_or_else(|| {
            let deliveries = self.shared.look(|state| state.deliveries(&self.id));
            Outcome { kind: Kind::Unanswered, id: self.id.clone(), body: Vec::new(), deliveries }
        })
    }
}
