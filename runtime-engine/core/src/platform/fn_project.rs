//! Fn Project and Oracle Functions.

use super::{Opened, Row, http};
use crate::settings::{BadSetting, Env, Settings};

/// The platform's word.
pub const NAME: &str = "fn";

/// The platform's row.
pub const ROW: Row = Row { name: NAME, marks: "", mark, open };

fn mark(_: &Env<'_>) -> Option<&'static str> {
    None
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<Opened, BadSetting> {
    http::open(env, settings)
}
