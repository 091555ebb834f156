//! The command `schema`: the JSON schema that editors check a yml with.

use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use serverless_spec::schema;
use std::process::ExitCode;

/// Write the JSON schema that editors check a serverless.yml with
#[derive(Debug, Args)]
pub(crate) struct Schema {}

impl Schema {
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as every command")]
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        screen.line(&format!("{:#}", schema::schema()));
        Ok(ExitCode::SUCCESS)
    }
}
