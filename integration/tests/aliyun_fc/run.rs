//! A runtime in an instance of Function Compute.

use integration::artifacts::{Runtime, compile_c, workspace};
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::{limit, until};
use platform_emulators::aliyun_fc::{Answer, Event, Fc, Kind, Options};
use platform_emulators::ports::free_port;
use std::path::PathBuf;
use std::sync::OnceLock;

/// An instance, and the folder of its code.
pub(crate) struct OnFc {
    pub(crate) fc: Fc,
    pub(crate) deployment: Deployment,
}

/// Returns a code folder with the functions of `fc.c`.
pub(crate) fn told() -> Deployment {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    let source = workspace().join("integration/tests/aliyun_fc/fc.c");
    let module = MODULE.get_or_init(|| compile_c(&source, "libfc.so", &[]).unwrap_or_else(|why| panic!("{why}")));
    Deployment::empty().file("libfc.so", module)
}

impl OnFc {
    /// Starts the process on a port of its own and does not wait for anything.
    pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, options: Options) -> OnFc {
        let options = Options { port: free_port(), code: deployment.root().to_owned(), patience: limit(), ..options };
        let fc = Fc::spawn(deployment.command(runtime), options).expect("the runtime starts");
        OnFc { fc, deployment }
    }

    /// Starts the runtime and waits until the platform may send calls.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, options: Options) -> OnFc {
        let run = OnFc::launch(runtime, deployment, options);
        run.fc.dial().unwrap_or_else(|why| panic!("{why}"));
        run
    }

    /// Starts an example function, and waits until the platform may send calls.
    pub(crate) fn of(runtime: &Runtime, function: &str) -> OnFc {
        OnFc::named(runtime, Deployment::of(function), function, Options::default())
    }

    /// Starts one of several functions of a library, and waits until the platform may send calls.
    pub(crate) fn named(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> OnFc {
        OnFc::start(runtime, deployment, Options { handler: handler.to_owned(), ..options })
    }

    /// Sends an event that must succeed.
    pub(crate) fn call(&self, event: impl Into<Event>) -> Answer {
        let answer = self.fc.invoke(event);
        assert_eq!(answer.kind, Kind::Success, "{}; its output:\n{}", answer.text(), self.output());
        answer
    }

    /// Sends an event to `inspect`.
    pub(crate) fn inspect(&self, event: impl Into<Event>) -> Inspected {
        Inspected::read(&self.call(event).body)
    }

    /// Asks the function `told`, and returns its answers, a line each.
    pub(crate) fn told(&self, asked: &[&str]) -> Vec<String> {
        let lines = self.call(asked.join("\n").as_str()).text();
        lines.lines().map(str::to_owned).collect()
    }

    /// Returns how often a line has been written.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.fc.process().lines().iter().filter(|other| other.text == line).count()
    }

    /// Waits until a line has been written that often.
    pub(crate) fn until(&self, line: &str, times: usize) {
        let what = format!("{line:?} {times} times");
        let seen = until(&what, self.fc.process(), || (self.count(line) >= times).then_some(()));
        seen.unwrap_or_else(|why| panic!("{why}"));
    }

    pub(crate) fn output(&self) -> String {
        self.fc.process().output()
    }

    /// Asserts that no rule of the protocol was broken.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.fc.violations(), Vec::<String>::new(), "output:\n{}", self.output());
    }
}
