//! `check`: what is wrong with a yml.

use super::{ServiceArgs, answer, read};
use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use std::process::ExitCode;

/// Say what is wrong with a serverless.yml: exit code 0 if nothing is, 1 if there is an error
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    service: ServiceArgs,
}

impl Check {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let found = read::read(&self.service.yml)?;
        answer(&found, &self.service, screen);
        Ok(if found.read.spec.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
