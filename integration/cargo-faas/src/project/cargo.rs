//! Builds packages with a nested cargo whose progress is shown as it is, and takes the paths of its results from its
//! messages: a target folder is never guessed at.

use super::metadata::{cargo, is_cdylib};
use crate::failure::Failure;
use crate::screen::Screen;
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The cargo command that compiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Builder {
    /// The command `cargo build`.
    #[default]
    Cargo,
    /// The command `cargo zigbuild`: another architecture, or an older glibc, by zig's linker.
    Zigbuild,
}

impl Builder {
    fn subcommand(self) -> &'static str {
        match self {
            Builder::Cargo => "build",
            Builder::Zigbuild => "zigbuild",
        }
    }
}

/// A file that cargo made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    /// The name of the package that it belongs to.
    pub(crate) package: String,
    /// The binary's name; `None` for a shared library.
    pub(crate) binary: Option<String>,
    /// The path of the file.
    pub(crate) file: PathBuf,
}

/// One nested build.
#[derive(Debug)]
pub(crate) struct CargoBuild<'a> {
    /// The folder that cargo runs in, whose configuration it takes.
    pub(crate) folder: &'a Path,
    /// The packages to build; none for those that cargo builds by itself.
    pub(crate) packages: &'a [String],
    /// The name of cargo's profile.
    pub(crate) profile: &'a str,
    /// The target triple; `None` for cargo's own default.
    pub(crate) target: Option<&'a str>,
    /// The command that compiles.
    pub(crate) builder: Builder,
    /// The further arguments of cargo.
    pub(crate) more: &'a [OsString],
}

impl CargoBuild<'_> {
    /// Runs it as it is. Returns all files that were made, dependencies included.
    ///
    /// # Errors
    /// Cargo cannot be started or has failed. Its output is on the terminal.
    pub(crate) fn run(&self) -> Result<Vec<Artifact>, Failure> {
        self.run_as(|_| {})
    }

    /// Runs it after `change` has changed the command.
    ///
    /// # Errors
    /// It fails as [`run`](CargoBuild::run) does.
    pub(crate) fn run_as(&self, change: impl FnOnce(&mut Command)) -> Result<Vec<Artifact>, Failure> {
        let failed = |why: String| Failure::new("build", why);
        let subcommand = self.builder.subcommand();
        let mut command = cargo(self.folder);
        // What the compiler says comes by the messages, so that it can be kept beside being shown.
        let form = if Screen::new().has_error_colours() { "json-diagnostic-rendered-ansi" } else { "json" };
        // Cargo's bar may stand on the line.
        let has_bar = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|name| name != "dumb");
        let clear = if has_bar { "\r\u{1b}[K" } else { "" };
        command.args([subcommand, &format!("--message-format={form}"), "--profile", self.profile]);
        command.args(self.packages.iter().flat_map(|package| ["-p", package]));
        command.args(self.target.iter().flat_map(|target| ["--target", target]));
        command.args(self.more);
        change(&mut command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("cargo cannot be started: {error}")))?;
        let messages = child.stdout.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines());
        let (mut made, mut errors) = (Vec::new(), String::new());
        for message in messages.map_while(Result::ok).filter_map(|line| read(&line)) {
            match message {
                Message::Made(artifact) => made.push(artifact),
                Message::Said { text, is_error } => {
                    // A closed output is no reason to stop a build.
                    let _ = write!(std::io::stderr().lock(), "{clear}{text}");
                    if is_error {
                        errors.push_str(&without_colours(&text));
                    }
                }
            }
        }
        let status = child.wait().map_err(|error| failed(error.to_string()))?;
        if !status.success() {
            let needs = self.target.map(needs).unwrap_or_default();
            let failure = failed(format!("cargo {subcommand} ended with {status}; what it said is above{needs}"));
            return Err(failure.after(&errors));
        }
        Ok(made)
    }
}

/// Returns the end of a message about a failed build for a target: what it takes to build for another processor. It is
/// empty for this machine's own.
pub(crate) fn needs(target: &str) -> String {
    let triple = target.split('.').next().unwrap_or(target);
    if triple.split('-').next() == Some(std::env::consts::ARCH) {
        return String::new();
    }
    format!(
        ". A build for {triple} needs `rustup target add {triple}`, and zig, which links for any processor: \
         `pip install ziglang cargo-zigbuild`"
    )
}

/// A message of cargo's that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Message {
    /// A file was made.
    Made(Artifact),
    /// The compiler said something, as it is shown to people.
    Said { text: String, is_error: bool },
}

/// Reads a message of cargo's; `None` if it does not matter here.
fn read(message: &str) -> Option<Message> {
    let message: Value = serde_json::from_str(message).ok()?;
    match message["reason"].as_str()? {
        "compiler-message" => {
            let said = &message["message"];
            Some(Message::Said { text: said["rendered"].as_str()?.to_owned(), is_error: said["level"] == "error" })
        }
        "compiler-artifact" => artifact(&message).map(Message::Made),
        _ => None,
    }
}

/// Returns a text without the sequences of a terminal's colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, behind)| behind))
}

/// Reads the file that a message tells of; `None` if it is neither a program nor a shared library.
fn artifact(message: &Value) -> Option<Artifact> {
    let package = package_of(message["package_id"].as_str()?)?.to_owned();
    if let Some(file) = message["executable"].as_str() {
        return Some(Artifact {
            package,
            binary: message["target"]["name"].as_str().map(str::to_owned),
            file: file.into(),
        });
    }
    if !is_cdylib(&message["target"]) {
        return None;
    }
    let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
    let file = files.into_iter().find(|file| file.ends_with(".so"))?;
    Some(Artifact { package, binary: None, file: file.into() })
}

/// Returns the name in a package id, which has one of two forms: `…#name@version`, or `…/name#version` where the folder
/// has the package's name.
fn package_of(id: &str) -> Option<&str> {
    let (place, fragment) = id.rsplit_once('#')?;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name),
        None => place.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_from_the_messages_of_binaries_and_modules_alone() {
        let module = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/layers/monitor#layer-monitor@0.1.0",
            "target":{"name":"layer_monitor","kind":["cdylib","rlib"]},"executable":null,
            "filenames":["/t/liblayer_monitor.rlib","/t/liblayer_monitor.so"]}"#;
        let binary = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/runtime-engine#0.1.0",
            "target":{"name":"bootstrap","kind":["bin"]},"executable":"/t/bootstrap","filenames":["/t/bootstrap"]}"#;
        let library = r#"{"reason":"compiler-artifact","package_id":"registry+https://x#serde@1.0.0",
            "target":{"name":"serde","kind":["lib"]},"executable":null,"filenames":["/t/libserde.rlib"]}"#;
        let other = r#"{"reason":"build-finished","success":true}"#;
        let made: Vec<_> = [module, binary, library, other, "warning"].into_iter().filter_map(read).collect();
        let made: Vec<_> = made
            .into_iter()
            .filter_map(|message| if let Message::Made(file) = message { Some(file) } else { None })
            .collect();
        let expected = |package: &str, binary: Option<&str>, file: &str| Artifact {
            package: package.into(),
            binary: binary.map(str::to_owned),
            file: file.into(),
        };
        let module = expected("layer-monitor", None, "/t/liblayer_monitor.so");
        assert_eq!(made, [module, expected("runtime-engine", Some("bootstrap"), "/t/bootstrap")]);
    }

    #[test]
    fn what_the_compiler_says_is_kept_without_colours() {
        let error = r#"{"reason":"compiler-message","message":{"level":"error","rendered":"\u001b[0m\u001b[31merror\u001b[0m: wrong\n"}}"#;
        let Some(Message::Said { text, is_error }) = read(error) else { panic!("it is said") };
        assert_eq!((without_colours(&text).as_str(), is_error), ("error: wrong\n", true));
        let warning = r#"{"reason":"compiler-message","message":{"level":"warning","rendered":"unused\n"}}"#;
        assert_eq!(read(warning), Some(Message::Said { text: "unused\n".to_owned(), is_error: false }));
    }

    #[test]
    fn a_failed_build_for_another_processor_says_what_it_takes() {
        let folder = tempfile::tempdir().expect("there is room");
        let manifest = "[package]\nname = \"wrong\"\nversion = \"0.0.0\"\n[workspace]\n";
        std::fs::create_dir(folder.path().join("src")).expect("there is room");
        std::fs::write(folder.path().join("Cargo.toml"), manifest).expect("there is room");
        std::fs::write(folder.path().join("src/lib.rs"), "compile_error!(\"wrong\");\n").expect("there is room");
        let target_folder = folder.path().join("target");
        let failure = |target: Option<String>| {
            let build = CargoBuild {
                folder: folder.path(),
                packages: &["wrong".to_owned()],
                profile: "dev",
                target: target.as_deref(),
                builder: Builder::Cargo,
                more: &["--quiet".into(), "--target-dir".into(), target_folder.clone().into()],
            };
            build.run().expect_err("it does not build")
        };
        let error = |target| failure(target).to_string();
        let other = if std::env::consts::ARCH == "aarch64" { "x86_64" } else { "aarch64" };
        let said = error(Some(format!("{other}-unknown-linux-gnu")));
        let needs = format!(
            "; what it said is above. A build for {other}-unknown-linux-gnu needs `rustup target add \
             {other}-unknown-linux-gnu`, and zig, which links for any processor: `pip install ziglang cargo-zigbuild`"
        );
        assert!(said.ends_with(&needs), "{said}");
        assert!(error(None).ends_with("; what it said is above"), "it is this machine");
        let whole = failure(None).whole();
        assert!(whole.contains("--> src/lib.rs:1:1"), "those who do not see the terminal are told: {whole}");
        assert_eq!(super::needs(&format!("{}-unknown-linux-gnu.2.17", std::env::consts::ARCH)), "");
    }

    #[test]
    fn both_forms_of_a_package_id_give_the_name() {
        assert_eq!(package_of("path+file:///w/examples/hello#0.1.0"), Some("hello"));
        assert_eq!(package_of("path+file:///w/layers/monitor#layer-monitor@0.1.0"), Some("layer-monitor"));
        assert_eq!(package_of("hello 0.1.0"), None);
    }
}
