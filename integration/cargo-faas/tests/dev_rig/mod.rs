//! `cargo faas dev` over a deployment folder, in a place of its own.
#![allow(dead_code, reason = "each test binary uses its part of it")]

use integration::artifacts::{self, Runtime};
use integration::client::{Client, Reply};
use integration::wait;
use platform_emulators::process::{Process, Signal};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A running `cargo faas dev`, with the only folder that it may leave files in.
pub(crate) struct Rig {
    /// The process of the tool.
    pub(crate) dev: Process,
    /// The address that the tool serves at.
    pub(crate) address: SocketAddr,
    /// The folder that holds the deployment folder `dep` and the folder `tmp` for temporary files.
    pub(crate) folder: TempDir,
}

/// A unit of a deployment folder: its name, the names of its libraries, and the text of its manifest.
pub(crate) type Unit<'u> = (&'u str, &'u [&'u str], &'u str);

/// Fills a deployment folder with these units.
pub(crate) fn fill(folder: &Path, units: &[Unit<'_>]) {
    for (name, libraries, manifest) in units {
        let root = folder.join(name);
        std::fs::create_dir_all(&root).expect("a folder can be made");
        for library in *libraries {
            let from = artifacts::get().module(library);
            std::fs::copy(from, root.join(format!("lib{library}.so"))).expect("a library can be copied");
        }
        std::fs::write(root.join("faas.json"), manifest).expect("a manifest can be written");
    }
}

/// Returns the tool, with a folder of its own for temporary files and nothing of the caller's that decides anything.
pub(crate) fn tool(folder: &Path) -> Command {
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).expect("a folder can be made");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
    command.env("TMPDIR", temporary).current_dir(folder).env("NO_COLOR", "1").env_remove("CARGO_TARGET_DIR");
    command
}

impl Rig {
    /// Serves these units under `bootstrap`.
    pub(crate) fn start(units: &[Unit<'_>], more: &[&str]) -> Rig {
        Rig::under(artifacts::get().bootstrap(), units, more, &[])
    }

    /// Serves these units under a runtime, with variables for it.
    pub(crate) fn under(runtime: &Runtime, units: &[Unit<'_>], more: &[&str], variables: &[(&str, &str)]) -> Rig {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fill(&folder.path().join("dep"), units);
        Rig::begin(runtime, folder, more, variables)
    }

    /// Serves the deployment folder `dep` of this folder under `bootstrap`.
    pub(crate) fn serve(folder: TempDir, more: &[&str]) -> Rig {
        Rig::begin(artifacts::get().bootstrap(), folder, more, &[])
    }

    fn begin(runtime: &Runtime, folder: TempDir, more: &[&str], variables: &[(&str, &str)]) -> Rig {
        let mut command = tool(folder.path());
        command.args(["dev", "--port", "0", "--deployment", "dep", "--runtime"]).arg(&runtime.path);
        command.arg("--span").arg(artifacts::get().module("layer_span")).args(more).envs(variables.iter().copied());
        let dev = Process::spawn(command, |_| ()).expect("the tool starts");
        let address = serving(&dev);
        let rig = Rig { dev, address, folder };
        rig.line("deployed  1, ");
        rig
    }

    /// Returns the deployment folder.
    pub(crate) fn deployment(&self) -> PathBuf {
        self.folder.path().join("dep")
    }

    /// Puts another deployment in the place of the one that is there, by two renames. Between them there is no
    /// deployment for a moment.
    pub(crate) fn replace(&self, units: &[Unit<'_>]) {
        let (next, old) = (self.folder.path().join("next"), self.folder.path().join("old"));
        fill(&next, units);
        std::fs::rename(self.deployment(), &old).expect("the old one is moved away");
        std::fs::rename(&next, self.deployment()).expect("the new one is moved there");
        std::fs::remove_dir_all(&old).expect("the old one is removed");
    }

    /// Waits for a line of the tool's output.
    pub(crate) fn line(&self, wanted: &str) -> String {
        let found = self.dev.wait_for_line(|line| line.contains(wanted), wait::limit() * 3);
        found.unwrap_or_else(|timed_out| panic!("no line with {wanted:?}: {timed_out}"))
    }

    /// Sends one request on a connection of its own.
    pub(crate) fn call(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Reply {
        let called = Client::connect(self.address).and_then(|mut client| client.call(method, target, headers, body));
        called.unwrap_or_else(|error| panic!("{method} {target}: {error}\n{}", self.dev.output()))
    }

    /// Sends a GET request on a connection of its own.
    pub(crate) fn get(&self, target: &str) -> Reply {
        self.call("GET", target, "", b"")
    }

    /// Returns the JSON of a part of the console for programs.
    pub(crate) fn api(&self, path: &str) -> Value {
        let reply = self.get(&format!("/_faas/api/{path}"));
        serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{path}: {error}: {}", reply.text()))
    }

    /// Asks until the condition holds.
    pub(crate) fn until<T>(&self, what: &str, probe: impl FnMut() -> Option<T>) -> T {
        wait::until(what, &self.dev, probe).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Returns the invocation that the wanted words describe, once it has ended.
    pub(crate) fn invocation(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let number = self.until("the invocation ends", || {
            let all = self.api("invocations");
            let found = all.as_array()?.iter().find(|one| one["running"] == false && wanted(one))?;
            found["number"].as_u64()
        });
        self.api(&format!("invocations/{number}"))
    }

    /// Returns the number of every process of the deployment that serves.
    pub(crate) fn pids(&self) -> Vec<u64> {
        let state = self.api("state");
        state["processes"].as_array().into_iter().flatten().filter_map(|process| process["pid"].as_u64()).collect()
    }

    /// Sends Ctrl-C, and waits for the end that has to follow, with nothing left behind.
    pub(crate) fn leave(self) {
        let pids = self.pids();
        self.dev.signal(Signal::Int).expect("the signal is sent");
        let status = self.dev.wait(wait::limit()).expect("it leaves");
        assert_eq!(status.code(), Some(0), "{}", self.dev.output());
        self.left_nothing(&pids);
    }

    /// Waits until processes that were killed are gone.
    pub(crate) fn until_gone(&self, pids: &[u64]) {
        let end = std::time::Instant::now() + wait::limit();
        while pids.iter().any(|pid| is_there(*pid)) && std::time::Instant::now() < end {
            std::thread::yield_now();
        }
    }

    /// Checks that no process and no file is left.
    pub(crate) fn left_nothing(&self, pids: &[u64]) {
        assert!(!pids.is_empty());
        for pid in pids {
            assert!(!is_there(*pid), "{pid} still runs:\n{}", self.dev.output());
        }
        let left: Vec<_> = files(&self.folder.path().join("tmp"));
        assert!(left.is_empty(), "{left:?}");
        let announced: Vec<_> =
            files(self.folder.path()).into_iter().filter(|name| name.contains("faas-dev")).collect();
        assert!(announced.is_empty(), "{announced:?}");
    }
}

/// Returns the address in the line by which the tool tells it.
pub(crate) fn serving(dev: &Process) -> SocketAddr {
    let line = dev.wait_for_line(|line| line.starts_with("serving "), wait::limit());
    let line = line.unwrap_or_else(|timed_out| panic!("{timed_out}"));
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
    address.unwrap_or_else(|| panic!("no address in {line:?}"))
}

/// Returns `true` if a process runs. One that has ended without being waited for does not count.
fn is_there(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect()
}
