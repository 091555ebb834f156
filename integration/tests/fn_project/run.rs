//! A runtime in a container of Fn's.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::limit;
use platform_emulators::fn_project::{Agent, Call, Options, Outcome};
use platform_emulators::process::Process;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitStatus;
use tempfile::TempDir;

/// A container with its agent.
pub(crate) struct OnFn {
    pub(crate) agent: Agent,
    pub(crate) deployment: Deployment,
    /// The folder they share; it has to outlive both.
    _folder: TempDir,
}

/// Returns a folder for the socket, open to every user as the platform's is.
pub(crate) fn shared_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("iofs-").tempdir().expect("a temporary folder can be made");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("it is ours");
    folder
}

impl OnFn {
    /// Starts the runtime with these options and does not wait for anything.
    pub(crate) fn launch(
        runtime: &Runtime,
        deployment: Deployment,
        handler: &str,
        with: impl FnOnce(Options) -> Options,
    ) -> OnFn {
        OnFn::launch_in(shared_folder(), runtime, deployment, handler, with)
    }

    /// Starts the runtime in a folder of the test's own, and does not wait for anything.
    pub(crate) fn launch_in(
        folder: TempDir,
        runtime: &Runtime,
        deployment: Deployment,
        handler: &str,
        with: impl FnOnce(Options) -> Options,
    ) -> OnFn {
        let deployment = deployment.env("FAAS_HANDLER", handler);
        let options = Options::in_folder(folder.path().to_owned());
        let options = with(Options { start_limit: limit(), patience: limit(), ..options });
        let agent = Agent::spawn(deployment.command(runtime), options).expect("the runtime starts");
        OnFn { agent, deployment, _folder: folder }
    }

    /// Starts the runtime and connects to its socket.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnFn {
        OnFn::launch(runtime, deployment, handler, |options| options).connected()
    }

    /// Connects as soon as the socket appears.
    pub(crate) fn connected(mut self) -> OnFn {
        self.agent.connect().unwrap_or_else(|why| panic!("{why}"));
        self
    }

    /// Makes a call through the agent.
    pub(crate) fn call(&mut self, call: &Call) -> Outcome {
        self.agent.call(call)
    }

    /// Makes a call with nothing but these bytes.
    pub(crate) fn plain(&mut self, body: &str) -> Outcome {
        self.agent.call(&Call::plain(body))
    }

    pub(crate) fn process(&self) -> &Process {
        self.agent.process()
    }

    /// Asserts that no rule of the protocol was broken.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.agent.violations(), Vec::<String>::new(), "output:\n{}", self.process().output());
    }

    /// Waits for the end of the process.
    pub(crate) fn left(&self) -> ExitStatus {
        self.process().wait(limit()).unwrap_or_else(|why| panic!("it does not leave: {why}"))
    }

    /// Returns the names in the shared folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.agent.folder()).expect("the folder is there");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}
