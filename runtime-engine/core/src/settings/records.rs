//! The settings of calls for the records of a batch. By which rule a function is called is
//! [`records`](crate::records)' matter.

use super::{BadSetting, Env};

/// The outcome of a batch of which some records failed: the setting `FAAS_RECORD_FAILURES`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordFailures {
    /// The failed records are reported to the platform one by one; if it takes no such report, the batch fails.
    #[default]
    Report,
    /// The whole batch fails.
    Fail,
    /// The failed records have their lines in the log, and the batch has succeeded.
    Log,
}

impl RecordFailures {
    /// Its words, in the order of the variants.
    pub const WORDS: [&'static str; 3] = ["report", "fail", "log"];

    /// Returns the rule that goes by this word; `None` for a word that is no rule's.
    pub(crate) fn parse(word: &str) -> Option<RecordFailures> {
        let place = RecordFailures::WORDS.iter().position(|known| *known == word)?;
        [RecordFailures::Report, RecordFailures::Fail, RecordFailures::Log].get(place).copied()
    }
}

/// The settings of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordSettings {
    /// The number of records of a batch that run at once; `None` if it depends on the function.
    pub concurrency: Option<usize>,
    /// The outcome of a batch of which some records failed.
    pub failures: RecordFailures,
}

impl RecordSettings {
    /// Reads them.
    pub(super) fn read(env: &Env<'_>) -> Result<RecordSettings, BadSetting> {
        Ok(RecordSettings { concurrency: env.count("FAAS_RECORD_CONCURRENCY")?, failures: failures(env)? })
    }
}

fn failures(env: &Env<'_>) -> Result<RecordFailures, BadSetting> {
    const NAME: &str = "FAAS_RECORD_FAILURES";
    let Some(value) = env.get(NAME) else { return Ok(RecordFailures::default()) };
    RecordFailures::parse(value.trim()).ok_or_else(|| BadSetting::new(NAME, &value, "report, fail or log"))
}
