//! ActionLoop: a child of the stock proxy, which hands each activation down as a line on standard input and reads a
//! line from descriptor 3. Standard output and error are logs; the proxy marks their ends itself.

use super::{Activations, BodyFrom, Outcome, error, in_words, outcome};
use crate::failure::Failure;
use crate::http1::Message;
use crate::invocation::{Invocation, InvocationMetadata};
use crate::platform::{Feed, Piping};
use crate::process::Process;
use crate::settings::{Env, Settings};

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub(super) struct ActionLoop {
    /// `true` if the proxy waits for a word after start. If it does not, that word would be taken for the first answer.
    acknowledges: bool,
    activations: Activations,
}

impl ActionLoop {
    pub(super) fn read(env: &Env<'_>, settings: &Settings) -> ActionLoop {
        let activations = Activations::read(env, settings);
        ActionLoop { acknowledges: env.get("__OW_WAIT_FOR_ACK").is_some(), activations }
    }
}

impl Piping for ActionLoop {
    fn feed(&self) -> Feed {
        Feed::Lines
    }

    fn answers_to(&self) -> i32 {
        3
    }

    fn started(&self, result: Result<(), &Failure>, out: &mut Vec<u8>) {
        if self.acknowledges {
            out.extend_from_slice(if result.is_ok() { b"{\"ok\":true}\n" } else { b"{\"ok\":false}\n" });
        }
    }

    fn event(&self, process: &Process, input: &[u8]) -> Result<(Message, InvocationMetadata), Vec<u8>> {
        self.activations.activation(process, input).map_err(|what| {
            let mut line = Vec::new();
            error(&what, &mut line);
            line.push(b'\n');
            line
        })
    }

    fn answer(&self, invocation: &Invocation, out: &mut Vec<u8>) -> bool {
        let mut scratch = Vec::new();
        let body = match outcome(invocation, &mut scratch) {
            // What is no result is the proxy's to refuse, which answers 502 to it.
            Outcome::Result(BodyFrom::Reply) | Outcome::NoResult => invocation.reply().as_slice(),
            Outcome::Result(BodyFrom::Scratch) | Outcome::Failed => &scratch,
        };
        // An empty line is no answer to the proxy, and it would wait for one.
        let body = if body.trim_ascii().is_empty() { b"null" } else { body };
        out.reserve(body.len() + 1);
        // In JSON a line feed stands between values and never in a string: without it, the text means the same. What is
        // no JSON is refused with it or without.
        for part in body.split(|byte| *byte == b'\n') {
            out.extend_from_slice(part);
        }
        out.push(b'\n');
        true
    }

    fn failed(&self, _: &[u8], failure: &Failure, out: &mut Vec<u8>) {
        error(&in_words(failure), out);
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{invocation, opened, process, reply};
    use super::*;
    use crate::platform::Protocol;
    use faas_abi::REPLY_RAW;

    fn child(pairs: &[(&str, &str)]) -> Box<dyn Piping> {
        let mut all = vec![("__OW_PROXY_VERSION", "1.0")];
        all.extend_from_slice(pairs);
        match opened(&all).expect("the variables fit").1.protocol {
            Protocol::Piping(piping) => piping,
            other => panic!("it has a pipe, not {other:?}"),
        }
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("text")
    }

    #[test]
    fn it_reads_lines_and_answers_on_the_third_descriptor() {
        let child = child(&[]);
        assert_eq!((child.feed(), child.answers_to()), (Feed::Lines, 3));
    }

    #[test]
    fn the_start_is_acknowledged_only_where_somebody_waits_for_that() {
        let failure = Failure::new("Faulty.Start", "no");
        let said = |child: &dyn Piping, result| {
            let mut out = Vec::new();
            child.started(result, &mut out);
            String::from_utf8(out).expect("text")
        };
        for pairs in [&[][..], &[("__OW_WAIT_FOR_ACK", "")]] {
            assert_eq!(said(&*child(pairs), Ok(())), "");
            assert_eq!(said(&*child(pairs), Err(&failure)), "");
        }
        let waited_for = child(&[("__OW_WAIT_FOR_ACK", "1")]);
        assert_eq!(said(&*waited_for, Ok(())), "{\"ok\":true}\n");
        assert_eq!(said(&*waited_for, Err(&failure)), "{\"ok\":false}\n");
    }

    #[test]
    fn what_is_no_activation_is_answered_with_one_line_of_json() {
        let (process, _) = process();
        for input in ["\"quote\nd\"", "", "nothing", "[1]"] {
            let line = child(&[]).event(&process, input.as_bytes()).expect_err(input);
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "{input}");
            assert!(text(&line).starts_with("{\"error\":\"") && line.ends_with(b"\"}\n"), "{}", text(&line));
        }
    }

    #[test]
    fn an_answer_is_one_line_whatever_it_looked_like() {
        let (process, _) = process();
        for (result, expected) in [
            ("{\n  \"a\": \"x\\ny\"\n}", "{  \"a\": \"x\\ny\"}\n"),
            ("[]", "[]\n"),
            ("", "{}\n"),
            ("7", "7\n"),
            ("\"text\"", "\"text\"\n"),
            ("two\nlines", "twolines\n"),
            (" \n", "null\n"),
        ] {
            let child = child(&[]);
            let (message, metadata) = child.event(&process, br#"{"value":{"a":1}}"#).expect("an activation");
            let mut invocation = invocation(&process, message, metadata);
            reply(&mut invocation, REPLY_RAW, result);
            let mut out = Vec::new();
            assert!(child.answer(&invocation, &mut out), "it goes on");
            assert_eq!(text(&out), expected);
        }
    }

    #[test]
    fn a_failure_is_a_line_and_the_process_goes_on() {
        let (process, _) = process();
        let child = child(&[]);
        let (message, metadata) = child.event(&process, b"{}").expect("an activation");
        let mut invocation = invocation(&process, message, metadata);
        let failure = Failure::new("Shop.Closed", "come\n\"later\"");
        invocation.set_failure(failure.clone());
        let (mut answered, mut failed) = (Vec::new(), Vec::new());
        assert!(child.answer(&invocation, &mut answered));
        child.failed(b"a1", &failure, &mut failed);
        assert_eq!(text(&answered), "{\"error\":\"Shop.Closed: come\\n\\\"later\\\"\"}\n");
        assert_eq!(answered, failed);
    }
}
