//! Projects without cargo: a folder of C or C++ files, or a Go module, compiled to one shared library by the command
//! that `docs/other-languages.md` names.

use super::Build;
use super::cargo::{Builder, needs};
use crate::failure::Failure;
use crate::interrupt::Scratch;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder that is compiled to one library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Native {
    /// The folder itself.
    pub(crate) folder: PathBuf,
    /// The language that it is written in.
    language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    C,
    Cpp,
    Go,
}

impl Native {
    /// Looks at the files of a folder. Returns `None` if they are of no language that is compiled here.
    pub(crate) fn find(folder: &Path) -> Option<Native> {
        let language = if folder.join("go.mod").is_file() {
            Language::Go
        } else if !sources(folder, &["cpp", "cc", "cxx"]).is_empty() {
            Language::Cpp
        } else if !sources(folder, &["c"]).is_empty() {
            Language::C
        } else {
            return None;
        };
        Some(Native { folder: folder.to_owned(), language })
    }

    /// Returns the library's name: the folder's, with `_` for everything that is no letter or digit.
    pub(crate) fn library(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
    }

    /// Compiles it. Returns the library's file.
    ///
    /// # Errors
    /// The compiler is missing or has failed. Its output is on the terminal.
    pub(crate) fn build(&self, build: &Build) -> Result<PathBuf, Failure> {
        let failed = |why: String| Failure::new("build", why);
        let place = build.target.as_deref().unwrap_or("");
        let folder = self.folder.join("target/faas").join(place).join(&build.profile);
        std::fs::create_dir_all(&folder).map_err(|error| failed(format!("{}: {error}", folder.display())))?;
        let file = folder.join(format!("lib{}.so", self.library()));
        // Go writes a header beside the library.
        let room =
            Scratch::make_in(&folder, ".fresh-").map_err(|error| failed(format!("{}: {error}", folder.display())))?;
        let fresh = room.path().join("fresh.so");
        let mut command = self.command(build, &fresh);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::inherit()).stderr(Stdio::piped()).spawn();
        let needs = build.target.as_deref().map(needs).unwrap_or_default();
        let mut child = child.map_err(|error| failed(format!("{name} cannot be started: {error}{needs}")))?;
        let mut said = String::new();
        let lines = child.stderr.take().into_iter().flat_map(|pipe| BufReader::new(pipe).split(b'\n'));
        for line in lines.map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            // A closed output is no reason to stop a build.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
            said.extend([&line, "\n"]);
        }
        let status = child.wait().map_err(|error| failed(format!("{name}: {error}")))?;
        if !status.success() {
            return Err(failed(format!("{name} ended with {status}; what it said is above{needs}")).after(&said));
        }
        // A copy that is being run keeps its own file.
        std::fs::rename(&fresh, &file).map_err(|error| failed(format!("{}: {error}", file.display())))?;
        Ok(file)
    }

    fn command(&self, build: &Build, fresh: &Path) -> Command {
        let is_optimised = build.profile != "dev";
        let include: Vec<PathBuf> =
            [self.folder.join("include"), sdk_headers()].into_iter().filter(|folder| folder.is_dir()).collect();
        let mut command;
        match self.language {
            Language::C | Language::Cpp => {
                let (variable, plain, standard) = match self.language {
                    Language::C => ("CC", "cc", "-std=c11"),
                    _ => ("CXX", "c++", "-std=c++17"),
                };
                command = compiler(variable, plain, build);
                command.args([standard, "-Wall", "-Wextra", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden"]);
                command.args(if is_optimised { ["-O2", "-g0"] } else { ["-O0", "-g"] });
                if self.language == Language::Cpp && build.builder == Builder::Cargo {
                    command.args(["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]);
                }
                for folder in &include {
                    command.arg("-I").arg(folder);
                }
                command.arg("-o").arg(fresh).args(sources(&self.folder, &["c", "cpp", "cc", "cxx"]));
            }
            Language::Go => {
                let mut flags = "-s -w".to_owned();
                let exports = self.folder.join("exports.map");
                if exports.is_file() {
                    flags.push_str(&format!(" -extldflags=-Wl,--version-script={}", exports.display()));
                }
                let headers: Vec<_> = include.iter().map(|folder| format!("-I{}", folder.display())).collect();
                command = Command::new("go");
                command.args(["build", "-buildmode=c-shared", "-ldflags", &flags, "-o"]).arg(fresh).arg(".");
                command.env("CGO_ENABLED", "1").env("CGO_CFLAGS", headers.join(" "));
                if let Some(target) = &build.target {
                    let compiler = compiler("CC", "cc", build);
                    let words: Vec<OsString> = std::iter::once(compiler.get_program())
                        .chain(compiler.get_args())
                        .map(OsString::from)
                        .collect();
                    command.env("CC", words.join(" ".as_ref())).env("GOOS", "linux").env("GOARCH", go_arch(target));
                }
            }
        }
        command.current_dir(&self.folder);
        command
    }
}

/// Returns the compiler for a target: `CC` (or `CXX`) of that target, zig, or the cross compiler of the distribution's
/// name.
fn compiler(variable: &str, plain: &str, build: &Build) -> Command {
    let Some(target) = &build.target else {
        return Command::new(std::env::var_os(variable).unwrap_or_else(|| plain.into()));
    };
    if let Some(own) = std::env::var_os(format!("{variable}_{}", target.replace('-', "_"))) {
        return Command::new(own);
    }
    // The target `x86_64-unknown-linux-gnu.2.17` is x86_64-linux-gnu.2.17 for zig, and x86_64-linux-gnu for gcc.
    let triple = target.replace("-unknown-", "-");
    if build.builder == Builder::Zigbuild {
        let mut command = Command::new("zig");
        command.args([if plain == "cc" { "cc" } else { "c++" }, "-target", &triple]);
        return command;
    }
    let triple = triple.split('.').next().unwrap_or(&triple);
    Command::new(format!("{triple}-{}", if plain == "cc" { "gcc" } else { "g++" }))
}

/// Returns Go's name of a triple's architecture.
fn go_arch(target: &str) -> &str {
    match target.split('-').next().unwrap_or(target) {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Returns the headers of the contract, where this tool was built from a checkout.
fn sdk_headers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../handlers-sdk/abi/include")
}

/// Returns the files of a folder with one of these endings, in order.
fn sources(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let fits = |path: &PathBuf| path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one));
    let mut files: Vec<PathBuf> = entries.filter(|path| fits(path) && path.is_file()).collect();
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_of_the_language_of_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("my-echo");
        std::fs::create_dir(&root).unwrap();
        assert_eq!(Native::find(&root), None);
        for (file, language) in [("echo.c", Language::C), ("more.cc", Language::Cpp), ("go.mod", Language::Go)] {
            std::fs::write(root.join(file), "").unwrap();
            let found = Native::find(&root).unwrap();
            assert_eq!((found.language, found.library().as_str()), (language, "my_echo"));
        }
    }

    #[test]
    fn compilers_are_named_by_the_target() {
        let build = |target: Option<&str>, builder| Build {
            target: target.map(str::to_owned),
            builder,
            ..Build::new("dev".to_owned(), PathBuf::new())
        };
        let arm = build(Some("aarch64-unknown-linux-gnu"), Builder::Cargo);
        assert_eq!(compiler("FAAS_TEST_CC", "cc", &arm).get_program(), "aarch64-linux-gnu-gcc");
        assert_eq!(compiler("FAAS_TEST_CC", "c++", &build(None, Builder::Cargo)).get_program(), "c++");
        assert_eq!(go_arch("aarch64-unknown-linux-gnu"), "arm64");
    }

    #[test]
    fn a_compiler_that_is_missing_for_another_processor_says_where_one_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("echo.c"), "").unwrap();
        let native = Native::find(folder.path()).unwrap();
        let build = Build {
            target: Some("riscv32-unknown-linux-gnu".to_owned()),
            ..Build::new("dev".to_owned(), PathBuf::new())
        };
        let error = native.build(&build).unwrap_err().to_string();
        assert!(error.contains("riscv32-linux-gnu-gcc cannot be started: "), "{error}");
        assert!(
            error.ends_with("and zig, which links for any processor: `pip install ziglang cargo-zigbuild`"),
            "{error}"
        );
    }
}
