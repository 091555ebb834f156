//! A runtime under SCF's control plane, and one as a web function.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::on_plane::OnPlane;
use integration::wait::limit;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use platform_emulators::runtime_api::Times;
use platform_emulators::tencent_scf::{self, Options};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

/// Returns times that no test runs into.
pub(crate) fn patient() -> Times {
    Times { limit: limit() * 2, kill_after: Some(limit() * 4), init_limit: limit() * 4, patience: limit() * 4 }
}

/// Starts an event function and does not wait for anything.
pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: Option<&str>, times: Times) -> OnPlane {
    let options = Options {
        times,
        handler: handler.map(str::to_owned),
        code_root: Some(deployment.root().to_owned()),
        ..Options::default()
    };
    OnPlane::launch(runtime, deployment, tencent_scf::start(options).expect("there is a free port"))
}

/// Starts an event function that is named as its library, and waits for its first poll.
pub(crate) fn start(runtime: &Runtime, function: &str) -> OnPlane {
    launch(runtime, Deployment::of(function), Some(function), patient()).polling()
}

/// Returns the command of a web function: the platform's variables without those of the runtime API, and nothing else
/// but `PATH`.
pub(crate) fn web_command(runtime: &Runtime, deployment: &Deployment, handler: &str) -> Command {
    let options = Options {
        handler: Some(handler.to_owned()),
        code_root: Some(deployment.root().to_owned()),
        ..Options::default()
    };
    let mut command = deployment.command(runtime);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs(options.variables()).envs(deployment.variables()).stdin(Stdio::null());
    command
}

/// Starts a web function on a port of its own, and does not wait for anything.
pub(crate) fn launch_web(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    let port = free_port();
    let mut command = web_command(runtime, &deployment, handler);
    command.env("PORT", port.to_string()).env("FAAS_READINESS_PATH", "/readyz");
    let process = Process::spawn(command, |_| ()).expect("the runtime starts");
    OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }
}

/// Starts a web function and waits until it is ready.
pub(crate) fn start_web(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    launch_web(runtime, deployment, handler).ready()
}
