//! The command `completions`, which writes the completions of a shell for `cargo faas` and `cargo-faas`.

use crate::command_line;
use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use clap_complete::{Shell, generate};
use std::process::ExitCode;

/// The lines behind those for `cargo-faas`, by which bash completes `cargo faas` as well.
const OF_CARGO_IN_BASH: &str = include_str!("completions/cargo.bash");

/// The same lines for fish.
const OF_CARGO_IN_FISH: &str = include_str!("completions/cargo.fish");

/// Write what a shell needs to complete commands and options
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let mut text = Vec::new();
        // A shell completes the program's name, and not the name that the program shows to people. The lines for bash look
        // for the options of commands under other words than they set if there is a dash in the name.
        let name = if self.shell == Shell::Bash { "cargo_faas" } else { "cargo-faas" };
        let mut definition = command_line::definition().bin_name(name);
        generate(self.shell, &mut definition, name, &mut text);
        let mut text = String::from_utf8(text).map_err(|error| Failure::new("completions", error))?;
        match self.shell {
            Shell::Bash => {
                text = text.replace("-o default cargo_faas\n", "-o default cargo-faas\n");
                text.push_str(OF_CARGO_IN_BASH);
            }
            Shell::Fish => text.push_str(OF_CARGO_IN_FISH),
            // In zsh, cargo's own completion calls a function `_cargo-faas` where there is one.
            _ => {}
        }
        screen.line(text.trim_end());
        Ok(ExitCode::SUCCESS)
    }
}
