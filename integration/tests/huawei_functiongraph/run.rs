//! A runtime under FunctionGraph's control plane, and one as a server of HTTP functions or of an image.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::on_plane::OnPlane;
use integration::wait::limit;
use platform_emulators::huawei_functiongraph::{self, Options};
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use platform_emulators::runtime_api::Times;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

/// Returns times that no test runs into.
pub(crate) fn patient() -> Times {
    Times { limit: limit() * 2, kill_after: Some(limit() * 4), init_limit: limit() * 4, patience: limit() * 4 }
}

/// Starts an event function and does not wait for anything.
pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> OnPlane {
    let options = Options { handler: handler.to_owned(), code_root: Some(deployment.root().to_owned()), ..options };
    OnPlane::launch(runtime, deployment, huawei_functiongraph::start(options).expect("there is a free port"))
}

/// Returns a function with times that no test runs into.
pub(crate) fn options() -> Options {
    Options { times: patient(), ..Options::default() }
}

/// Starts an event function that is named as its library, and waits for its first poll.
pub(crate) fn start(runtime: &Runtime, function: &str) -> OnPlane {
    launch(runtime, Deployment::of(function), function, options()).polling()
}

/// Returns the command of a process that is sent requests: the platform's variables without the address of the runtime
/// API, and nothing else but `PATH`.
pub(crate) fn server_command(runtime: &Runtime, deployment: &Deployment, handler: &str) -> Command {
    let options =
        Options { handler: handler.to_owned(), code_root: Some(deployment.root().to_owned()), ..Options::default() };
    let mut command = deployment.command(runtime);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs(options.variables()).envs(deployment.variables()).stdin(Stdio::null());
    command
}

/// Starts an HTTP function on a port of its own, and does not wait for anything.
pub(crate) fn launch_http(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    let port = free_port();
    let mut command = server_command(runtime, &deployment, handler);
    command.env("PORT", port.to_string()).env("FAAS_READINESS_PATH", "/readyz");
    let process = Process::spawn(command, |_| ()).expect("the runtime starts");
    OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }
}

/// Starts an HTTP function and waits until it is ready.
pub(crate) fn start_http(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    launch_http(runtime, deployment, handler).ready()
}

/// Starts an event function of an image and waits until it is ready.
pub(crate) fn start_image(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    launch_http(runtime, deployment.env("FAAS_HUAWEI_MODE", "event"), handler).ready()
}
