//! A runtime under a control plane that hands out events: Tencent SCF's or Huawei FunctionGraph's.

use crate::artifacts::{Runtime, compile_c, workspace};
use crate::deployment::Deployment;
use crate::inspected::Inspected;
use crate::wait;
use platform_emulators::process::{Process, Signal};
use platform_emulators::runtime_api::{Ending, Event, Kind, Outcome, Plane};
use std::path::PathBuf;
use std::sync::OnceLock;

/// A runtime that was started with a function.
pub struct OnPlane {
    /// The control plane that it runs under.
    pub plane: Plane,
    /// The process of the runtime.
    pub process: Process,
    /// The task root of the function.
    pub deployment: Deployment,
}

/// Returns a task root with two C functions. The event of `metadata.metadata` names a header of the platform's, and the
/// reply is its value, or `(none)`. The reply of `metadata.mirror` has the body of the request, and the status 201.
///
/// # Panics
/// The C source does not compile. The message has the compiler's words.
pub fn metadata() -> Deployment {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    let source = workspace().join("integration/tests/c/metadata.c");
    let compile = || compile_c(&source, "libmetadata.so", &[]).unwrap_or_else(|why| panic!("{why}"));
    Deployment::empty().file("libmetadata.so", MODULE.get_or_init(compile))
}

/// Moves the modules of a task root into its folder `functions`, where the only one is found without a name.
///
/// # Panics
/// The folder cannot be made.
pub fn nameless(name: &str) -> Deployment {
    let deployment = Deployment::empty();
    std::fs::create_dir(deployment.path("functions")).expect("there is room for a folder");
    let file = format!("functions/lib{name}.so");
    deployment.file(&file, crate::artifacts::get().module(name))
}

impl OnPlane {
    /// Starts the runtime and does not wait for anything.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn launch(runtime: &Runtime, deployment: Deployment, plane: Plane) -> OnPlane {
        let process = plane.spawn(deployment.command(runtime)).expect("the runtime starts");
        OnPlane { plane, process, deployment }
    }

    /// Waits until a poll is parked.
    ///
    /// # Panics
    /// No poll comes. The message has the output.
    pub fn polling(self) -> OnPlane {
        let parked = self.plane.wait_for(|now| now.parked > 0 || now.ended, wait::limit());
        let polls = parked.as_ref().is_ok_and(|now| now.parked > 0);
        assert!(polls, "it does not poll: {parked:?}; its output:\n{}", self.process.output());
        self
    }

    /// Sends an event that must succeed, and returns the outcome.
    ///
    /// # Panics
    /// It ends in anything but a result. The message has the output.
    pub fn call(&self, event: impl Into<Event>) -> Outcome {
        let outcome = self.plane.invoke(event);
        let output = self.process.output();
        assert_eq!(outcome.kind, Kind::Result, "{}; its output:\n{output}", outcome.text());
        outcome
    }

    /// Sends an event to `inspect`.
    ///
    /// # Panics
    /// The reply is not one of `inspect`.
    pub fn inspect(&self, event: impl Into<Event>) -> Inspected {
        Inspected::read(&self.call(event).body)
    }

    /// Returns method and path of every request so far.
    pub fn asked(&self) -> Vec<String> {
        self.plane.journal().iter().map(platform_emulators::runtime_api::Seen::line).collect()
    }

    /// Waits until the runtime has written these words.
    ///
    /// # Panics
    /// It does not. The message has its last lines.
    pub fn until_said(&self, words: &str) {
        let said = self.process.wait_for_line(|line| line.contains(words), wait::limit());
        said.unwrap_or_else(|late| panic!("{words:?}: {late}"));
    }

    /// Ends the process, and returns all that it has ever said.
    ///
    /// # Panics
    /// It does not end.
    pub fn last_words(&self) -> String {
        self.process.signal(Signal::Kill).expect("the signal is sent");
        self.process.wait(wait::limit()).expect("nothing survives it");
        self.process.output()
    }

    /// Refuses new connections and resets the old ones.
    pub fn go_down(&self) {
        self.plane.refuse();
        self.plane.cut(Ending::Reset);
    }

    /// Asserts that no rule of the protocol was broken.
    ///
    /// # Panics
    /// A rule was broken. The message has every breach.
    pub fn assert_clean(&self) {
        assert_eq!(self.plane.violations(), Vec::<String>::new(), "output:\n{}", self.process.output());
    }
}
