//! Both runtimes under AWS' own emulator.

use crate::needs::{over_both, rie};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use libtest_mimic::Trial;
use platform_emulators::rie::{Options, Rie};
use platform_emulators::wire::Answer;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    let needs = rie();
    let mut trials = Vec::new();
    let mut add = |name: &str, behaviour: fn(&Path, &'static Runtime) -> Result<(), String>| {
        over_both(&mut trials, &needs, name, behaviour);
    };
    add("rie_a_thousand_events_come_back_byte_for_byte", thousand);
    add("rie_the_c_function_answers_too", c_function);
    add("rie_an_error_is_answered_and_the_next_call_works", error);
    add("rie_a_panic_is_answered_and_the_next_call_works", panic);
    add("rie_a_passed_deadline_is_answered_and_the_next_call_works", timeout);
    add("rie_a_failed_start_is_answered_with_its_reason", init_failure);
    add("rie_a_reply_of_five_megabytes_passes", large);
    add("rie_a_reply_of_seven_megabytes_is_refused_and_the_next_call_works", too_large);
    trials
}

struct Run {
    rie: Rie,
    _deployment: Deployment,
}

impl Run {
    fn start(program: &Path, runtime: &Runtime, function: &str, timeout: Duration) -> Result<Run, String> {
        let deployment = if function == "nowhere" { Deployment::empty() } else { Deployment::of(function) };
        let mut env = deployment.variables();
        env.push(("LAMBDA_TASK_ROOT".to_owned(), deployment.root().display().to_string()));
        let options = Options {
            handler: Some(function.to_owned()),
            env,
            directory: Some(deployment.root().to_owned()),
            timeout,
            ..Options::new(program, &runtime.path)
        };
        let rie = Rie::start(&options).map_err(|error| error.to_string())?;
        Ok(Run { rie, _deployment: deployment })
    }

    fn call(&self, event: &[u8]) -> Result<Answer, String> {
        self.rie.invoke(event, &[]).map_err(|error| format!("{error}; its log:\n{}", self.rie.log()))
    }

    /// Makes the first call, which also starts the runtime. The emulator itself now and then answers it with an empty
    /// 502, and did so for C programs too. That one answer to that one call is no word of the runtime's, and the call
    /// is made once more. The event is one that may run twice.
    fn first_call(&self, event: &[u8]) -> Result<Answer, String> {
        let reply = self.call(event)?;
        if reply.status != 502 || !reply.body.is_empty() {
            return Ok(reply);
        }
        eprintln!("the emulator answered its very first call with an empty 502; that call is made once more");
        self.call(event)
    }

    fn expect(&self, reply: &Answer, body: &[u8]) -> Result<(), String> {
        if reply.status == 200 && reply.body == body {
            return Ok(());
        }
        let at = reply.body.iter().zip(body).position(|(found, sent)| found != sent);
        Err(format!(
            "sent {} bytes, got status {} and {} bytes, the first difference at {at:?}: {:.200}; its log:\n{}",
            body.len(),
            reply.status,
            reply.body.len(),
            String::from_utf8_lossy(&reply.body),
            self.rie.log()
        ))
    }

    /// Returns the members of an error reply.
    fn error(&self, reply: &Answer) -> Result<(String, String), String> {
        let text = String::from_utf8_lossy(&reply.body);
        let json: Value = serde_json::from_slice(&reply.body)
            .map_err(|error| format!("{error}: {} {text:?}; its log:\n{}", reply.status, self.rie.log()))?;
        match (json["errorType"].as_str(), json["errorMessage"].as_str()) {
            (Some(kind), Some(message)) => Ok((kind.to_owned(), message.to_owned())),
            _ => Err(format!("no errorType and errorMessage in {text}")),
        }
    }
}

/// Returns deterministic bytes that repeat nowhere near.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Returns the event of a round: texts and bytes from nothing to 5.9 MB, many of them above the 2 KiB from which the
/// emulator hands events out chunked.
fn event(round: usize) -> Vec<u8> {
    let seed = round as u64;
    match round {
        100 | 400 | 700 => return noise(seed, 5_900_000),
        250 | 550 => return noise(seed, 1 << 20),
        _ => {}
    }
    match round % 10 {
        0 => Vec::new(),
        1 => format!("{{\"round\":{round},\"text\":\"gr\u{fc}\u{df} \u{4f60}\u{597d} \u{1f600}\\u0000 <&>\"}}")
            .into_bytes(),
        2 => vec![b"\"x7[ \0\xff"[round / 10 % 7]],
        3 => noise(seed, 2047 + round / 10 % 3),
        4 => noise(seed, 2049 + round * 7),
        5 => noise(seed, 64 << 10),
        6 => format!("\"{}\"", "\u{1f980}\u{e9}".repeat(round)).into_bytes(),
        7 => noise(seed, 1 + round / 2),
        8 => format!("{{\"n\":{round}}}").into_bytes(),
        _ => noise(seed, 100_000),
    }
}

fn thousand(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = Run::start(program, runtime, "echo", Duration::from_secs(60))?;
    run.expect(&run.first_call(b"\"warm\"")?, b"\"warm\"")?;
    for round in 0..1000 {
        let event = event(round);
        run.expect(&run.call(&event)?, &event).map_err(|why| format!("round {round}: {why}"))?;
    }
    Ok(())
}

fn c_function(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = Run::start(program, runtime, "echo-c", Duration::from_secs(60))?;
    run.expect(&run.first_call(b"{\"n\":1}")?, b"{\"n\":1}")?;
    for size in [0, 1, 5_000, 5_900_000] {
        let event = noise(7, size);
        run.expect(&run.call(&event)?, &event)?;
    }
    Ok(())
}

fn fails_then_works(program: &Path, runtime: &Runtime, event: &str) -> Result<Vec<(String, String)>, String> {
    let run = Run::start(program, runtime, "faulty", Duration::from_secs(60))?;
    let mut errors = Vec::new();
    run.first_call(faulty::FINE.as_bytes())?;
    for _ in 0..2 {
        let failed = run.call(event.as_bytes())?;
        errors.push(run.error(&failed)?);
        let fine = run.call(faulty::FINE.as_bytes())?;
        run.expect(&fine, b"\"fine\"").map_err(|why| format!("the call after it: {why}"))?;
    }
    Ok(errors)
}

fn error(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let errors = fails_then_works(program, runtime, faulty::ERROR)?;
    let named = errors.iter().all(|(kind, message)| kind == "Faulty.Error" && message == "asked for an error");
    if named { Ok(()) } else { Err(format!("{errors:?}")) }
}

fn panic(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let errors = fails_then_works(program, runtime, faulty::PANIC)?;
    let named = errors.iter().all(|(kind, _)| kind.contains("Panic"));
    if named { Ok(()) } else { Err(format!("{errors:?}")) }
}

fn large(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = Run::start(program, runtime, "faulty", Duration::from_secs(60))?;
    run.first_call(faulty::FINE.as_bytes())?;
    let expected = [b"\"", &vec![b'x'; 4_999_998][..], b"\""].concat();
    run.expect(&run.call(faulty::FIVE_MB.as_bytes())?, &expected)
}

fn too_large(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let errors = fails_then_works(program, runtime, faulty::SEVEN_MB)?;
    let named = errors.iter().all(|(kind, _)| kind == "Function.ResponseSizeTooLarge");
    if named { Ok(()) } else { Err(format!("{errors:?}")) }
}

fn timeout(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    for event in [faulty::SLEEP, faulty::SPIN] {
        let run = Run::start(program, runtime, "faulty", Duration::from_secs(2))?;
        run.first_call(faulty::FINE.as_bytes())?;
        let late = run.call(event.as_bytes())?;
        let text = String::from_utf8_lossy(&late.body).to_lowercase();
        // The runtime's own report comes first; the emulator's stands in when the machine stalled the runtime.
        if !text.contains("function.timedout") && !text.contains("timed out") {
            return Err(format!("{event}: {} {text:?}; its log:\n{}", late.status, run.rie.log()));
        }
        let fine = run.call(faulty::FINE.as_bytes())?;
        run.expect(&fine, b"\"fine\"").map_err(|why| format!("the call after {event}: {why}"))?;
    }
    Ok(())
}

fn init_failure(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = Run::start(program, runtime, "nowhere", Duration::from_secs(60))?;
    let (kind, message) = run.error(&run.first_call(b"{}")?)?;
    if kind.starts_with("Runtime.") && message.contains("libnowhere.so") {
        return Ok(());
    }
    Err(format!("{kind}: {message}; its log:\n{}", run.rie.log()))
}
