//! A runtime in a pod of OpenFaaS, in the watchdog's place or behind it.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::{limit, until};
use platform_emulators::openfaas::{Call, Options, Pod, Watchdog};
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use platform_emulators::wire::Answer;
use std::path::PathBuf;
use std::process::Command;

/// A pod, and the folder it was made of.
pub(crate) struct InPod {
    pub(crate) pod: Pod,
    pub(crate) deployment: Deployment,
    pub(crate) metrics: u16,
}

/// A watchdog, and the folder it was made of.
pub(crate) struct BehindWatchdog {
    pub(crate) watchdog: Watchdog,
    pub(crate) deployment: Deployment,
}

fn command(runtime: &Runtime, deployment: &Deployment, handler: &str) -> Command {
    let mut command = Command::new(&runtime.path);
    command.current_dir(deployment.root()).env("FAAS_ROOT", deployment.root()).env("FAAS_HANDLER", handler);
    command.envs(deployment.variables());
    command
}

impl InPod {
    /// Starts the process with ports and a folder for temporary files of its own, and waits for nothing.
    pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> InPod {
        let temporary = deployment.path("tmp");
        std::fs::create_dir(&temporary).expect("a folder can be made");
        let options = Options { port: free_port(), temporary, patience: limit(), ..options };
        let metrics = free_port();
        let mut command = command(runtime, &deployment, handler);
        // Only a watchdog would mark a container as one of OpenFaaS.
        command.env("FAAS_PLATFORM", "openfaas").env("FAAS_HOST", "127.0.0.1");
        command.env("FAAS_METRICS_PORT", metrics.to_string());
        let pod = Pod::spawn(command, options).expect("the runtime starts");
        InPod { pod, deployment, metrics }
    }

    /// Starts the runtime, and waits until calls would come.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> InPod {
        let run = InPod::launch(runtime, deployment, handler, options);
        run.pod.wait_until_healthy().unwrap_or_else(|why| panic!("{why}"));
        run
    }

    /// Returns a function of the examples with nothing special about it.
    pub(crate) fn of(runtime: &Runtime, function: &str) -> InPod {
        InPod::start(runtime, Deployment::of(function), function, Options::default())
    }

    /// Makes a call that has to have an answer.
    pub(crate) fn call(&self, call: &Call) -> Answer {
        self.pod.call(call).unwrap_or_else(|error| panic!("{error}; output:\n{}", self.output()))
    }

    /// Makes a POST that has to have an answer.
    pub(crate) fn post(&self, body: &[u8]) -> Answer {
        self.call(&Call::post("/", body))
    }

    /// Sends a probe, and returns its status.
    pub(crate) fn probe(&self, method: &str, path: &str) -> u16 {
        let answer = self.pod.probe(method, path);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}; output:\n{}", self.output())).status
    }

    pub(crate) fn lock_file(&self) -> PathBuf {
        self.deployment.path("tmp/.lock")
    }

    /// Asks it to leave, and waits until it has begun to.
    pub(crate) fn terminate(&self) {
        self.pod.terminate().expect("the signal is sent");
        let begun = self.pod.process().wait_for_line(|line| line.contains("stopping: "), limit());
        begun.unwrap_or_else(|why| panic!("{why}"));
    }

    /// Waits until it has left in order.
    pub(crate) fn assert_left(&self) {
        let status = self.pod.wait().unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(status.code(), Some(0), "{}", self.output());
    }

    pub(crate) fn output(&self) -> String {
        self.pod.process().output()
    }

    /// Asserts that no rule of the contract was broken.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.pod.violations(), Vec::<String>::new(), "output:\n{}", self.output());
    }
}

impl BehindWatchdog {
    /// Starts the process on a port of its own, as the watchdog does.
    pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> BehindWatchdog {
        let options = Options { upstream: free_port(), patience: limit(), ..options };
        let watchdog = Watchdog::spawn(command(runtime, &deployment, handler), options).expect("the runtime starts");
        BehindWatchdog { watchdog, deployment }
    }

    /// Starts the runtime, and waits until it listens.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> BehindWatchdog {
        let run = BehindWatchdog::launch(runtime, deployment, handler, options);
        let listening = run.watchdog.process().wait_for_line(|line| line.contains("listening on"), limit());
        listening.unwrap_or_else(|why| panic!("{why}"));
        run
    }

    /// Makes a call that has to be taken.
    pub(crate) fn call(&self, call: &Call) -> Answer {
        self.watchdog.call(call).expect("the watchdog takes calls")
    }

    pub(crate) fn output(&self) -> String {
        self.watchdog.process().output()
    }
}

/// Returns a deployment whose calls may take as long as a test does.
pub(crate) fn patient() -> Options {
    Options { exec_timeout: "10m".to_owned(), ..Options::default() }
}

/// Waits until `count` handlers of `probe.hold` run.
pub(crate) fn until_held(process: &Process, count: usize) {
    let held = || process.lines().iter().filter(|line| line.text == "holding").count() >= count;
    until(&format!("{count} handlers hold"), process, || held().then_some(())).unwrap_or_else(|why| panic!("{why}"));
}
