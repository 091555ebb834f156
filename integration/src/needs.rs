//! Foreign programs: their places, and trials that need one. `.ci/foreign` brings them.

use crate::artifacts::{self, Runtime};
use libtest_mimic::{Arguments, Failed, Trial};
use platform_emulators::process::tell_if_it_fails;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A program that a test needs.
#[derive(Clone, Debug)]
pub struct Foreign {
    name: &'static str,
    found: Result<PathBuf, String>,
    /// `true` if it is there and may not do its work here, which no installation changes.
    barred: bool,
}

impl Foreign {
    /// Returns the path of the program; `None` if it is not there.
    pub fn path(&self) -> Option<PathBuf> {
        self.found.as_ref().ok().cloned()
    }

    /// Returns the program for a test that calls `other` as well: without either, the test is listed as ignored.
    pub fn and(self, other: Foreign) -> Foreign {
        if self.found.is_ok() && other.found.is_err() { other } else { self }
    }

    /// Bars the program unless `try_it` succeeds.
    pub fn if_it(self, try_it: impl FnOnce(&Path) -> Result<(), String>) -> Foreign {
        match self.found.as_deref().map(try_it) {
            Ok(Err(why)) => Foreign { found: Err(why), barred: true, ..self },
            _ => self,
        }
    }
}

/// Runs the trials of a test binary. As Rust's own harness does, it runs as many at once as `--test-threads` says, or
/// `RUST_TEST_THREADS`, or as there are processors.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let from_environment = || std::env::var("RUST_TEST_THREADS").ok().and_then(|text| text.parse().ok());
    arguments.test_threads = arguments.test_threads.or_else(from_environment);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Returns AWS' emulator: in `FAAS_FOREIGN_DIR`, else in the target folder's `foreign`.
pub fn rie() -> Foreign {
    let found = platform_emulators::rie::find(&artifacts::target());
    Foreign {
        name: "aws-lambda-rie",
        found: found.map_err(|path| format!("it is not at {}", path.display())),
        barred: false,
    }
}

/// Returns a program beside the emulator, or in `PATH`.
pub fn program(name: &'static str) -> Foreign {
    let beside =
        std::env::var_os("FAAS_FOREIGN_DIR").map_or_else(|| artifacts::target().join("foreign"), PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(beside).chain(std::env::split_paths(&path));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    Foreign {
        name,
        found: found.ok_or_else(|| "it is neither in target/foreign nor in PATH".to_owned()),
        barred: false,
    }
}

/// Returns a folder of other people's packages beside the emulator.
pub fn folder(name: &'static str) -> Foreign {
    let beside =
        std::env::var_os("FAAS_FOREIGN_DIR").map_or_else(|| artifacts::target().join("foreign"), PathBuf::from);
    let path = beside.join(name);
    let found =
        if path.join("complete").is_file() { Ok(path) } else { Err(format!("it is not at {}", path.display())) };
    Foreign { name, found, barred: false }
}

/// Returns a target of the compiler's, by its triple: `rustup target add` brings it.
pub fn rust_target(triple: &'static str) -> Foreign {
    let sysroot = std::process::Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let path = Path::new(&sysroot).join("lib/rustlib").join(triple);
    let found = if path.is_dir() { Ok(path) } else { Err(format!("it is not at {}", path.display())) };
    Foreign { name: triple, found, barred: false }
}

/// Returns the schemas of deployment files that are in no registry: `FAAS_SCHEMAS`, else beside the repository. Nothing
/// installs them, so a test without them is ignored in every case.
pub fn schemas() -> Foreign {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/schemas");
    let path = std::env::var_os("FAAS_SCHEMAS").map_or(beside, PathBuf::from);
    let is_there = path.join("aliyun-fc3.json").is_file();
    let found = if is_there { Ok(path.clone()) } else { Err(format!("they are not at {}", path.display())) };
    Foreign { name: "schemas", found, barred: !is_there }
}

/// The behaviour that a trial shows. It is given the foreign program and the runtime under test.
pub trait Behaviour: Fn(&Path, &'static Runtime) -> Result<(), String> + Send + 'static {}

impl<F: Fn(&Path, &'static Runtime) -> Result<(), String> + Send + 'static> Behaviour for F {}

/// Adds one behaviour over both runtimes.
pub fn over_both(trials: &mut Vec<Trial>, needs: &Foreign, name: &str, behaviour: impl Behaviour + Clone) {
    over_full(trials, needs, name, behaviour.clone());
    trials.push(trial(needs, &format!("{name}::light_bootstrap"), || artifacts::get().light_bootstrap(), behaviour));
}

/// Adds one behaviour that the light runtime does not have.
pub fn over_full(trials: &mut Vec<Trial>, needs: &Foreign, name: &str, behaviour: impl Behaviour) {
    trials.push(trial(needs, &format!("{name}::bootstrap"), || artifacts::get().bootstrap(), behaviour));
}

/// Adds one behaviour that no runtime has a part in.
pub fn once(
    needs: &Foreign,
    name: &str,
    behaviour: impl FnOnce(&Path) -> Result<(), String> + Send + 'static,
) -> Trial {
    let Foreign { name: program, found, barred } = needs.clone();
    let absent = found.is_err();
    let trial = always(name, move || {
        let path = found.map_err(|why| format!("needs {program}: {why}; .ci/foreign brings it"))?;
        behaviour(&path)
    });
    let required = std::env::var("FAAS_REQUIRE").is_ok_and(|required| required == "all");
    trial.with_kind(format!("needs {program}")).with_ignored_flag(barred || absent && !required)
}

/// Adds one behaviour that needs nothing of others. If it fails, the processes that it has started are told of.
pub fn always<E: Into<Failed>>(name: &str, behaviour: impl FnOnce() -> Result<(), E> + Send + 'static) -> Trial {
    Trial::test(name, move || tell_if_it_fails(behaviour).map_err(Into::into))
}

fn trial(needs: &Foreign, name: &str, runtime: fn() -> &'static Runtime, behaviour: impl Behaviour) -> Trial {
    once(needs, name, move |path| behaviour(path, runtime()))
}
