//! The command `events`: the events of every trigger of every platform, which the SDK's test kit has as well. They are
//! listed, printed, and sent by `invoke --sample`.

use crate::failure::Failure;
use crate::screen::Screen;
use crate::stage::ClientRequest;
use clap::{Args, Subcommand};
use faas_core::platform::named;
use handlers_sdk::testing::{Sample, samples};
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;

/// List the events of all platforms, or print one
#[derive(Debug, Args)]
pub(crate) struct Events {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the names of all events, with platform, trigger and source
    List {
        /// Only those of which the name, the platform or the trigger is or begins with this
        about: Option<String>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Print an event as its platform sends it
    Print {
        /// Its name, as `aws/sqs`
        name: String,
    },
}

impl Events {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        match &self.what {
            What::List { about, json } => list(about.as_deref(), *json, screen),
            What::Print { name } => {
                let sample = find(name)?;
                let mut out = std::io::stdout().lock();
                // A reader that has seen enough is no failure.
                let _ = out.write_all(sample.bytes()).and_then(|()| out.flush());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn list(about: Option<&str>, as_json: bool, screen: Screen) -> Result<ExitCode, Failure> {
    let found: Vec<&Sample> = samples().iter().filter(|sample| about.is_none_or(|about| fits(sample, about))).collect();
    if found.is_empty() {
        let why = format!("there is none of {:?}; `cargo faas events list` names all", about.unwrap_or_default());
        return Err(Failure::new("event", why));
    }
    if as_json {
        let one = |sample: &&Sample| {
            json!({
                "name": sample.name(),
                "platform": sample.platform(),
                "trigger": sample.trigger(),
                "source": sample.source(),
                "isRequest": sample.is_request(),
                "bytes": sample.bytes().len(),
            })
        };
        screen.line(&format!("{:#}", json!({"events": found.iter().map(one).collect::<Vec<_>>()})));
        return Ok(ExitCode::SUCCESS);
    }
    for sample in found {
        let line = format!("{:28}{:22}{:12}{}", sample.name(), sample.platform(), sample.trigger(), sample.source());
        screen.line(line.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns `true` if the name, the platform or the trigger of an event is or begins with a word, or if the word is
/// another one for the platform, as `--platform` takes it.
fn fits(sample: &Sample, about: &str) -> bool {
    let words = [sample.name(), sample.platform(), sample.trigger()];
    words.iter().any(|word| word.starts_with(about))
        || sample.name().ends_with(&format!("/{about}"))
        || named(about).is_some_and(|names| names.word == sample.platform())
}

/// Returns an event by its name.
///
/// # Errors
/// There is no such event. The message names those of the same platform or trigger.
pub(crate) fn find(name: &str) -> Result<&'static Sample, Failure> {
    if let Some(found) = samples().iter().find(|sample| sample.name() == name) {
        return Ok(found);
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
    let is_near = |sample: &&Sample| sample.name().split('/').any(|part| parts.contains(&part));
    let near: Vec<&str> = samples().iter().filter(is_near).map(Sample::name).collect();
    let near = if near.is_empty() {
        "`cargo faas events list` names all".to_owned()
    } else {
        format!("there are: {}", near.join(", "))
    };
    Err(Failure::new("event", format!("there is no event {name:?}; {near}")))
}

/// Reads a sample that its platform sends as a request: a request line, headers, an empty line, the body.
pub(crate) fn request_of(sample: &Sample) -> ClientRequest {
    let text = sample.bytes();
    let end = text.windows(2).position(|two| two == b"\n\n").unwrap_or(text.len());
    let head = String::from_utf8_lossy(&text[..end]).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    ClientRequest { method, target, headers, body: text.get(end + 2..).unwrap_or_default().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_known_by_each_word_that_the_option_takes() {
        for (word, platform) in [("fc", "aliyun-fc"), ("scf", "tencent-scf"), ("aws-lambda", "aws-lambda")] {
            let found: Vec<&Sample> = samples().iter().filter(|sample| fits(sample, word)).collect();
            assert!(!found.is_empty() && found.iter().all(|sample| sample.platform() == platform), "{word}: {found:?}");
        }
        assert!(samples().iter().all(|sample| !fits(sample, "mars")));
    }

    #[test]
    fn an_event_that_is_not_there_names_those_that_are_near() {
        assert_eq!(find("aws/sqs").unwrap().trigger(), "queue");
        let error = find("sqs").unwrap_err().to_string();
        assert!(error.contains("there are: aws/sqs"), "{error}");
        let error = find("nothing").unwrap_err().to_string();
        assert!(error.ends_with("`cargo faas events list` names all"), "{error}");
    }
}
