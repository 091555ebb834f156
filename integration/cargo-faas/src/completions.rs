//! The command `completions`, which writes the completions of a shell for `cargo faas` and `cargo-faas`.

use crate::command_line;
use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use clap_complete::{Shell, generate};
use std::process::ExitCode;

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
        // A shell completes the program's name, and not the name that the program shows to people.
        let mut definition = command_line::definition().bin_name("cargo-faas");
        generate(self.shell, &mut definition, "cargo-faas", &mut text);
        let text = String::from_utf8(text).map_err(|error| Failure::new("completions", error))?;
        screen.line(text.trim_end());
        Ok(ExitCode::SUCCESS)
    }
}
