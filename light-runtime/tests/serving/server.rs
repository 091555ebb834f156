//! A running `light-bootstrap`, and the modules it is started with.

use crate::client::Client;
use crate::gate::Gate;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

/// The time after which a wait is a failure.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    child: Mutex<Child>,
    pub(crate) address: SocketAddr,
    lines: Mutex<Receiver<String>>,
}

/// Returns the folder with the modules, which is built once.
fn modules() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("modules-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["echo", "slow"] {
            let status = Command::new("cc")
                .args(["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I"])
                .arg(source.join("../handlers-sdk/abi/include"))
                .arg("-o")
                .arg(folder.join(format!("lib{name}.so")))
                .arg(source.join(format!("tests/modules/{name}.c")))
                .status();
            assert!(status.expect("a C compiler named cc").success(), "{name}.c does not build");
        }
        folder
    })
}

/// Returns the command of the program, without the caller's environment.
pub(crate) fn command(handler: &str, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_light-bootstrap"));
    configure(&mut command, handler, env);
    command
}

fn configure(command: &mut Command, handler: &str, env: &[(&str, &str)]) {
    command.env_clear().envs([("PORT", "0"), ("FAAS_HOST", "127.0.0.1"), ("FAAS_HANDLER", handler)]);
    command.env("FAAS_ROOT", modules()).envs(env.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
}

impl Server {
    pub(crate) fn echo(env: &[(&str, &str)]) -> Server {
        Server::launch(command("echo.echo", env))
    }

    pub(crate) fn slow(gate: &Gate, env: &[(&str, &str)]) -> Server {
        let config = gate.config();
        let mut all = vec![("FAAS_CONFIG", config.as_str())];
        all.extend_from_slice(env);
        Server::launch(command("slow.slow", &all))
    }

    /// Starts a server whose function has work after its response.
    pub(crate) fn late(gate: &Gate) -> Server {
        Server::launch(command("slow.late", &[("FAAS_CONFIG", &gate.config())]))
    }

    /// Starts a server that may have at most `files` descriptors.
    pub(crate) fn slow_with_files(gate: &Gate, files: u32, env: &[(&str, &str)]) -> Server {
        let config = gate.config();
        let mut all = vec![("FAAS_CONFIG", config.as_str())];
        all.extend_from_slice(env);
        let mut command = Command::new("/bin/sh");
        let program = env!("CARGO_BIN_EXE_light-bootstrap");
        command.args(["-c", &format!("ulimit -n {files} && exec '{program}'")]);
        configure(&mut command, "slow.slow", &all);
        Server::launch(command)
    }

    pub(crate) fn launch(mut command: Command) -> Server {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let address = loop {
            let line = lines.recv_timeout(LIMIT).expect("it says where it listens");
            if let Some((_, address)) = line.split_once("listening on ") {
                break address.parse().unwrap();
            }
        };
        Server { child: Mutex::new(child), address, lines: Mutex::new(lines) }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits until the process ends by itself.
    pub(crate) fn exit(&self) -> ExitStatus {
        let mut child = self.child.lock().unwrap();
        // The output ends with the process; that is an event to wait on with a limit.
        let lines = self.lines.lock().unwrap();
        while lines.recv_timeout(LIMIT).is_ok() {}
        match child.try_wait().unwrap() {
            Some(status) => status,
            None => {
                let _ = child.kill();
                let status = child.wait().unwrap();
                assert!(status.code().is_some(), "it does not leave");
                status
            }
        }
    }

    /// Waits for a log line that holds this text.
    pub(crate) fn log_line(&self, part: &str) -> String {
        let lines = self.lines.lock().unwrap();
        loop {
            let line = lines.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("no line with {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}
