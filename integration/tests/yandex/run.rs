//! A runtime that a script of the bash runtime hands over to.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::limit;
use platform_emulators::yandex::{self, Call, Ended};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// The entry point of the function as it is shipped.
const SCRIPT: &str = "#!/bin/sh\nexec ./bootstrap\n";

/// A function whose script hands over to the runtime.
pub(crate) struct OnYandex {
    pub(crate) deployment: Deployment,
}

impl OnYandex {
    /// Lays the function's folder out.
    pub(crate) fn new(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnYandex {
        let deployment = deployment.file("bootstrap", &runtime.path).env("FAAS_HANDLER", handler);
        let script = deployment.path("handler.sh");
        std::fs::write(&script, SCRIPT).expect("a file can be made");
        std::fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("it is ours");
        OnYandex { deployment }
    }

    /// Makes a folder with an example function.
    pub(crate) fn of(runtime: &Runtime, function: &str) -> OnYandex {
        OnYandex::new(runtime, Deployment::of(function), function)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.deployment.path("handler.sh"));
        command.current_dir(self.deployment.root()).envs(self.deployment.variables());
        command
    }

    /// Begins a call of the function.
    pub(crate) fn begin(&self) -> Call {
        Call::begin(self.command()).expect("the script starts")
    }

    /// Makes a whole call.
    pub(crate) fn call(&self, event: impl AsRef<[u8]>) -> Ended {
        yandex::call(self.command(), event.as_ref(), limit()).expect("the script starts")
    }
}
