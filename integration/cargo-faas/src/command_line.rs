//! The command line as a whole: cargo's way of calling a subcommand, the command that stands for none, and where
//! colours are.

use crate::Command;
use clap::{ColorChoice, CommandFactory, Parser};
use std::ffi::OsString;

/// Builds functions and layers and runs them on this machine, under the platforms' own protocols and the real runtime.
///
/// Without a command it is `dev`: serves the functions of this project until Ctrl-C.
///
/// Exit codes: 0 done, 1 a step failed, 2 wrong usage, 129 SIGHUP ended invoke or a dev that did not serve yet, 130
/// Ctrl-C did or a second one ended dev, 143 SIGTERM did.
#[derive(Debug, Parser)]
#[command(name = "cargo-faas", bin_name = "cargo faas", version, max_term_width = 100, infer_subcommands = false)]
#[command(color = ColorChoice::Auto, styles = clap::builder::Styles::styled())]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

/// Reads arguments; wrong usage and `--help` end the process, with 2 and 0.
pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> Command {
    match try_read(arguments) {
        Ok(command) => command,
        Err(error) => error.exit(),
    }
}

/// Returns the definition from which shells complete.
pub(crate) fn definition() -> clap::Command {
    CommandLine::command()
}

fn try_read(arguments: impl Iterator<Item = OsString>) -> Result<Command, clap::Error> {
    let mut list: Vec<OsString> = arguments.collect();
    // The command `cargo faas …` runs `cargo-faas faas …`: cargo hands the subcommand's own name on.
    if list.get(1).is_some_and(|first| first == "faas") {
        list.remove(1);
    }
    if let Some(command) = CommandLine::try_parse_from(&list)?.command {
        return Ok(command);
    }
    let dev = list.into_iter().take(1).chain(["dev".into()]);
    let command = CommandLine::try_parse_from(dev)?.command;
    command
        .ok_or_else(|| CommandLine::command().error(clap::error::ErrorKind::MissingSubcommand, "a command is missing"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Reads the arguments behind the program's name.
    pub(crate) fn read(arguments: &[&str]) -> Result<Command, clap::Error> {
        try_read(std::iter::once("cargo-faas").chain(arguments.iter().copied()).map(OsString::from))
    }

    #[test]
    fn the_definition_holds() {
        definition().debug_assert();
    }

    #[test]
    fn the_help_lists_the_exit_codes_that_are_documented() {
        let help = definition().get_long_about().map(ToString::to_string).unwrap_or_default();
        let listed = help.split("Exit codes: ").nth(1).expect("the help has them").trim_end_matches('.');
        let listed: Vec<&str> = listed.split(", ").filter_map(|part| part.split(' ').next()).collect();
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tool.md")).unwrap();
        let section = page.split("## Exit codes").nth(1).expect("the page has them");
        let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
        let rows = rows.map_while(|line| line.strip_prefix("| ")?.split(' ').next());
        assert_eq!(listed, rows.collect::<Vec<_>>());
    }

    #[test]
    fn nothing_given_is_dev_and_cargo_may_hand_its_subcommand_on() {
        assert!(matches!(read(&[]), Ok(Command::Dev(_))));
        assert!(matches!(read(&["faas"]), Ok(Command::Dev(_))));
        assert!(matches!(read(&["faas", "invoke"]), Ok(Command::Invoke(_))));
    }

    #[test]
    fn contradictions_are_usage_errors() {
        for wrong in [
            &["dev", "--event", "a.json"][..],
            &["invoke", "--port", "80"],
            &["invoke", "--light", "--runtime", "x"],
            &["invoke", "--timeout", "0"],
            &["invoke", "--event", "a", "--sample", "aws/sqs"],
            &["invoke", "--release", "--profile", "x"],
            &["invoke", "--env", "FAAS_HANDLER=x"],
            &["invoke", "--env", "X"],
            &["--once"],
            &["hello"],
            &["explain"],
            &["check", "--opt", "stage"],
        ] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }
}
