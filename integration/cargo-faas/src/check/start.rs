//! Starts a package as its platform does: what the platform starts, under the platform's emulator and in its
//! environment, and measures how long it takes until it is ready.

use crate::package::platforms::Packaging;
use crate::stage::{self, PATIENCE, PLAIN_HTTP, Setting};
use platform_emulators::openwhisk::{Init, Proxy, Started};
use platform_emulators::process::{Process, Signal};
use std::path::Path;
use std::time::Duration;

/// The time that the runtime may take to leave.
const LEAVE: Duration = Duration::from_secs(10);

/// The handler that a platform names where there is no manifest with a name.
const HANDLER: &str = "bootstrap";

/// Platforms for which a process is ready as soon as it listens, which it does before its functions have started.
const READY_WHEN_LISTENING: [&str; 5] = ["aliyun-fc", "azure-functions", "google-cloud", "knative", "vefaas"];

/// Starts the package in the folder `root`, and ends it again. `name` is that of its manifest, if it has one.
///
/// Returns the time from the start of its process until functions and layers have started: until it asks for its first
/// event, or its probe answers 200. Some platforms have no such sign: one begins to send when the port is open, another
/// starts a process for an event. There it is started once more on plain HTTP, which has one.
///
/// # Errors
/// It was not ready. The text is what it said.
pub(crate) fn start(
    root: &Path,
    packaging: &Packaging,
    name: Option<&str>,
    environment: &[(String, String)],
) -> Result<Duration, String> {
    let own = packaging.environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let setting = Setting {
        runtime: root.join(packaging.boot),
        root: root.to_owned(),
        name: name.unwrap_or(HANDLER).to_owned(),
        environment: own.chain(environment.iter().cloned()).collect(),
        timeout: PATIENCE,
    };
    let mut setting = setting.without_clients();
    match packaging.platform {
        "openwhisk" => return below_a_proxy(&setting),
        "yandex" => {}
        platform => {
            let took = on(platform, &setting)?;
            if !READY_WHEN_LISTENING.contains(&platform) {
                return Ok(took);
            }
        }
    }
    setting.environment.push(("FAAS_PLATFORM".to_owned(), PLAIN_HTTP.to_owned()));
    on(PLAIN_HTTP, &setting)
}

/// Starts the package on a platform, and returns how long that took.
fn on(platform: &str, setting: &Setting) -> Result<Duration, String> {
    let platform = stage::platform(platform).map_err(|failure| failure.to_string())?;
    let stage = (platform.start)(setting)?;
    let mut took = Duration::ZERO;
    stage.with_process(&mut |process| {
        took = process.age();
        end(process);
    });
    Ok(took)
}

/// Starts a package as OpenWhisk does: it is unpacked and started by the proxy of a stock image, which waits for a word
/// of it.
fn below_a_proxy(setting: &Setting) -> Result<Duration, String> {
    let proxy = Proxy::new(Started { patience: PATIENCE, ..Started::default() });
    let init = setting.environment.iter().fold(Init::default(), |init, (name, value)| init.env(name, value));
    // What is sent counts as unpacked already, and may not be empty.
    let said =
        proxy.init(&Init { code: "UEsDBA==".to_owned(), binary: true, ..init }, &setting.runtime, Path::new("/"));
    if said.status != 200 {
        return Err(format!("{}{}", proxy.with_child(Process::output), String::from_utf8_lossy(&said.body).trim_end()));
    }
    Ok(proxy.with_child(|process| {
        let took = process.age();
        end(process);
        took
    }))
}

fn end(process: &Process) {
    // A process that has ended by itself cannot be asked to.
    let _ = process.signal(Signal::Term);
    let _ = process.wait(LEAVE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_at_once_is_quoted() {
        let folder = tempfile::tempdir().expect("there is room");
        let plain = Packaging::of("http").expect("it is one");
        let error = start(folder.path(), plain, None, &[]).expect_err("there is no program");
        assert!(error.contains("No such file"), "{error}");
        let program = Packaging { boot: "false", ..*plain };
        let error = start(Path::new("/bin"), &program, None, &[]).expect_err("it does not serve");
        assert!(error.contains("ended before it was ready: exit status: 1"), "{error}");
    }
}
