//! A runtime as an action container, and below the proxy of the stock images.

use integration::artifacts::{Runtime, compile_c, workspace};
use integration::deployment::Deployment;
use integration::wait::{limit, until};
use platform_emulators::openwhisk::{Activation, Init, Invoker, Options, Outcome, Proxy, Said, Started};
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The platform's words in place of a result that is not an object.
pub(crate) const NO_RESULT: &str = "The action did not return a dictionary or array.";

/// Returns a folder with the functions of `action.c`.
pub(crate) fn action() -> Deployment {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    let source = workspace().join("integration/tests/openwhisk/action.c");
    let module = MODULE.get_or_init(|| compile_c(&source, "libaction.so", &[]).unwrap_or_else(|why| panic!("{why}")));
    Deployment::empty().file("libaction.so", module)
}

/// A container, and the folder it was made of.
pub(crate) struct Container {
    pub(crate) invoker: Invoker,
    pub(crate) deployment: Deployment,
}

impl Container {
    /// Starts the process on a port of its own.
    pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> Container {
        let options = Options { port: free_port(), patience: limit(), ..options };
        let mut command = Command::new(&runtime.path);
        command.current_dir(deployment.root()).env("FAAS_HANDLER", handler).env("FAAS_HOST", "127.0.0.1");
        // On the platform the port is always the same. Code that comes with the initialisation lies in the folder that goes
        // with the test, also where the process is killed.
        command.env("PORT", options.port.to_string()).env("TMPDIR", deployment.root()).envs(deployment.variables());
        let invoker = Invoker::spawn(command, options).expect("the runtime starts");
        Container { invoker, deployment }
    }

    /// Starts the runtime, and initialises it.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> Container {
        let run = Container::launch(runtime, deployment, handler, options);
        let answer = run.invoker.init(&Init::default()).unwrap_or_else(|error| panic!("{error}\n{}", run.output()));
        assert_eq!((answer.status, answer.text().as_str()), (200, "{\"ok\":true}\n"), "{}", run.output());
        run
    }

    /// Returns a function of the examples with nothing special about it.
    pub(crate) fn of(runtime: &Runtime, function: &str) -> Container {
        Container::start(runtime, Deployment::of(function), function, Options::default())
    }

    /// Sends arguments, and returns the outcome.
    pub(crate) fn run(&self, value: &str) -> Outcome {
        self.invoker.run(&Activation::of(value))
    }

    /// Sends arguments that lead to a result.
    pub(crate) fn result(&self, value: &str) -> Value {
        match self.run(value) {
            Outcome::Success(result) => result,
            other => panic!("{other:?}; output:\n{}", self.output()),
        }
    }

    /// Returns the arguments for `action.hold`.
    pub(crate) fn until_file(&self, name: &str) -> String {
        serde_json::json!({ "go": self.deployment.path(name) }).to_string()
    }

    /// Lets the call go that holds.
    pub(crate) fn let_go(&self, name: &str) {
        std::fs::write(self.deployment.path(name), "").expect("a handler is let go");
    }

    /// Asks it to leave, and waits until it has begun to.
    pub(crate) fn terminate(&self) {
        self.invoker.terminate().expect("the signal is sent");
        let begun = self.invoker.process().wait_for_line(|line| line.contains("stopping: "), limit());
        begun.unwrap_or_else(|why| panic!("{why}"));
    }

    pub(crate) fn output(&self) -> String {
        self.invoker.process().output()
    }

    /// Asserts that no rule of the contract was broken.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.invoker.violations(), Vec::<String>::new(), "output:\n{}", self.output());
    }
}

/// Waits until `count` calls of `action.hold` run.
pub(crate) fn until_held(process: &Process, count: usize) {
    let held = || process.lines().iter().filter(|line| line.text == "holding").count() >= count;
    until(&format!("{count} handlers hold"), process, || held().then_some(())).unwrap_or_else(|why| panic!("{why}"));
}

/// Returns the error that an action reports of itself, which keeps its container.
pub(crate) fn own_error_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::ApplicationError(said) => said["error"].as_str().unwrap_or_default().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Returns the error in an outcome that is the developer's.
pub(crate) fn error_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::DeveloperError(502, said) => said["error"].as_str().unwrap_or_default().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Moves the libraries of the deployment to the folder where they are found without a name.
fn functions(deployment: Deployment) -> Deployment {
    let folder = deployment.path("functions");
    std::fs::create_dir(&folder).expect("a folder can be made");
    for file in std::fs::read_dir(deployment.root()).expect("it is a folder").filter_map(Result::ok) {
        if file.file_name().to_string_lossy().ends_with(".so") {
            std::fs::rename(file.path(), folder.join(file.file_name())).expect("it stays in its folder");
        }
    }
    deployment
}

/// A proxy with its child, and the folder that was made of.
pub(crate) struct Below {
    pub(crate) proxy: Proxy,
    _deployment: Deployment,
    program: PathBuf,
    /// The name of the action, where it is not the emulator's own.
    action: Option<&'static str>,
}

/// The name of an action of the service `shop` with several functions, none of which is called so.
const OF_PACKAGE: &str = "/guest/shop-dev/shop-dev-shop";

impl Below {
    /// Returns a proxy that has been sent nothing yet.
    pub(crate) fn new(runtime: &Runtime, deployment: Deployment, options: Started) -> Below {
        let exec = workspace().join("integration/tests/openwhisk/exec");
        let deployment = functions(deployment).file("bootstrap", &runtime.path).file("exec", &exec);
        let program = deployment.path("exec");
        Below {
            proxy: Proxy::new(Started { patience: limit(), ..options }),
            _deployment: deployment,
            program,
            action: None,
        }
    }

    /// Returns a proxy with a child that has been started from a package, entry point and all.
    pub(crate) fn of_package(deployment: Deployment) -> Below {
        let program = deployment.path("exec");
        let proxy = Proxy::new(Started { patience: limit(), ..Started::default() });
        let run = Below { proxy, _deployment: deployment, program, action: Some(OF_PACKAGE) };
        let said = run.init(Init::default().env("__OW_ACTION_NAME", OF_PACKAGE));
        assert_eq!(said.status, 200, "{}; output:\n{}", said.json(), run.output());
        run
    }

    /// Sends the content of an upload: the child starts, in a folder that has nothing to do with it.
    pub(crate) fn init(&self, init: Init) -> Said {
        self.proxy.init(&Init { code: "UEsDBA==".to_owned(), binary: true, ..init }, &self.program, Path::new("/"))
    }

    /// Returns a proxy with a child that has started.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, init: Init) -> Below {
        let run = Below::new(runtime, deployment, Started::default());
        let said = run.init(init);
        assert_eq!(said.status, 200, "{}; output:\n{}", said.json(), run.output());
        run
    }

    /// Returns a function of the examples with nothing special about it.
    pub(crate) fn of(runtime: &Runtime, function: &str) -> Below {
        Below::start(runtime, Deployment::of(function), Init::default())
    }

    /// Returns a proxy with one of the functions of `action.c`.
    pub(crate) fn action(runtime: &Runtime, function: &str) -> Below {
        Below::start(runtime, action(), Init::default().env("FAAS_HANDLER", &format!("action.{function}")))
    }

    /// Sends arguments, and returns the proxy's answer.
    pub(crate) fn run(&self, value: &str) -> Said {
        let activation = Activation::of(value);
        let action = self.action.map_or(activation.action, str::to_owned);
        self.proxy.run(&Activation { action, ..activation })
    }

    pub(crate) fn output(&self) -> String {
        self.proxy.with_child(Process::output)
    }
}
