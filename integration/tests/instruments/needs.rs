//! Instruments: the check for one, trials that need one, and a command under one.

use integration::artifacts::{self, Runtime};
use libtest_mimic::Trial;
use std::process::{Command, Stdio};

/// The need of a test, and the reason why it is missing.
#[derive(Clone)]
pub(crate) struct Need {
    name: &'static str,
    found: Result<(), String>,
}

/// Makes a need that is met if this command succeeds.
pub(crate) fn need(name: &'static str, program: &str, arguments: &[&str]) -> Need {
    let tried = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let found = match tried {
        Err(error) => Err(format!("{program}: {error}")),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim_end())),
    };
    Need { name, found }
}

/// Makes a need that is met if an empty program builds and runs with those flags of the C compiler.
pub(crate) fn need_of_compiler(name: &'static str, flags: &str) -> Need {
    let script = format!(
        "folder=$(mktemp -d) && trap 'rm -rf \"$folder\"' EXIT && \
         echo 'int main(void) {{ return 0; }}' | cc {flags} -x c -o \"$folder/empty\" - && \"$folder/empty\""
    );
    need(name, "sh", &["-c", &script])
}

impl Need {
    /// Returns the need of a test that needs another one as well: without either, the test is listed as ignored.
    pub(crate) fn and(&self, other: Need) -> Need {
        if self.found.is_ok() && other.found.is_err() { other } else { self.clone() }
    }

    /// Returns a test that needs it; it fails by panicking.
    pub(crate) fn trial(&self, name: &str, behaviour: impl FnOnce() + Send + 'static) -> Trial {
        let Need { name: needed, found } = self.clone();
        let absent = found.is_err();
        let trial = Trial::test(name, move || {
            found.map_err(|why| format!("needs {needed}: {why}"))?;
            behaviour();
            Ok(())
        });
        let required = std::env::var("FAAS_REQUIRE").is_ok_and(|required| required == "all");
        trial.with_kind(format!("needs {needed}")).with_ignored_flag(absent && !required)
    }

    /// Returns the tests over both runtimes.
    pub(crate) fn over_both(&self, name: &str, behaviour: fn(&'static Runtime)) -> [Trial; 2] {
        [
            self.trial(&format!("{name}::bootstrap"), move || behaviour(artifacts::get().bootstrap())),
            self.trial(&format!("{name}::light_bootstrap"), move || behaviour(artifacts::get().light_bootstrap())),
        ]
    }
}

/// Returns a command under another one: `prefix` is the program with its arguments in front. The variables are those
/// that the command itself was given.
pub(crate) fn under(prefix: &[&str], command: &Command) -> Command {
    let (program, arguments) = prefix.split_first().expect("a program");
    let mut outer = Command::new(program);
    outer.args(arguments).arg(command.get_program()).args(command.get_args()).stdin(Stdio::null()).env_clear();
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}
