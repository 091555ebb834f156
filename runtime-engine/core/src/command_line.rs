//! The programs' answers to arguments. A runtime is told everything by its environment; a person who tries the program
//! asks for help or for its version.

use crate::settings::KNOWN;
use faas_abi::{MAJOR, MINOR};
use std::fmt::Write;

/// The argument that asks for the declarations of a library. The next one is its path.
pub const DESCRIBE: &str = "--describe";

/// Returns the answer to the first argument of a program called `program`, if it asks for help (`--help`, `-h`) or for
/// the version (`--version`, `-V`). The program prints it, adds nothing and exits with 0. It is `None` for any other
/// argument and without an argument: then the program runs. Platforms may pass arguments that mean nothing to a
/// runtime, such as a handler.
pub fn answer(program: &str, first: Option<&str>) -> Option<String> {
    match first? {
        "--version" | "-V" => Some(format!("{program} {} (contract {MAJOR}.{MINOR})\n", env!("CARGO_PKG_VERSION"))),
        "--help" | "-h" => Some(help(program)),
        _ => None,
    }
}

fn help(program: &str) -> String {
    let mut text = format!(
        "{program} runs a function and its layers on the platform that the environment says.\n\n\
         It takes no arguments but --help, --version and --describe LIBRARY, which writes as JSON what a library\n\
         declares, and runs nothing. The function is FAAS_HANDLER, else what the platform names, else the only\n\
         module in the folder functions. Settings are environment variables:\n\n"
    );
    let layer = [("FAAS_LAYER_<NAME>", "the configuration of a layer, JSON")];
    for (name, means) in KNOWN.iter().chain(&layer) {
        let _ = writeln!(text, "  {name:<24}{means}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_setting_and_the_version_is_one_line() {
        for argument in ["--help", "-h"] {
            let help = answer("bootstrap", Some(argument)).expect("an answer");
            assert!(help.starts_with("bootstrap runs ") && help.ends_with('\n'), "{help}");
            assert!(KNOWN.iter().all(|(name, means)| help.contains(name) && help.contains(means)), "{help}");
            assert!(help.contains("FAAS_LAYER_<NAME>") && help.lines().all(|line| line.len() <= 120), "{help}");
        }
        for argument in ["--version", "-V"] {
            let version = answer("light-bootstrap", Some(argument)).expect("an answer");
            assert_eq!(version, format!("light-bootstrap {} (contract 1.1)\n", env!("CARGO_PKG_VERSION")));
        }
    }

    #[test]
    fn anything_else_runs_the_program() {
        for argument in [None, Some(""), Some("shop.order"), Some("help"), Some("--Help"), Some("--verbose")] {
            assert_eq!(answer("bootstrap", argument), None, "{argument:?}");
        }
    }
}
