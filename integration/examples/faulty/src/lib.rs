//! Everything that can go wrong, chosen by the event: `{"do":"panic"}`, or over HTTP `/?do=panic`.
//!
//! | `do` | then |
//! |---|---|
//! | `error` | the function's own error `Faulty.Error`; with `status`, for HTTP, a reply of that status |
//! | `foreign` | an error of the standard library's, returned by `?`, with an address in its text |
//! | `panic` | a panic |
//! | `sleep` | it waits `ms`; without `ms`, a second longer than the deadline allows |
//! | `spin` | it never ends and never looks up |
//! | `reply` | a JSON text of `bytes` bytes, quotes included |
//! | `thread` | a thread of its own panics, and nobody asks how it ended |
//! | `exit` | the process ends with `code` |
//! | `hoard` | it asks for more memory than there is |
//! | `abort` | the process dies |
//! | anything else | the reply `"fine"` |
//!
//! With the configured value `FAULTY_START` of `error`, `panic` or `abort` it does that when it starts.
#![forbid(unsafe_code)]

use handlers_sdk::{Error, FaasContext, PhaseContext, Reply, function};
use serde::Deserialize;
use std::time::{Duration, Instant};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    r#do: String,
    ms: Option<u64>,
    bytes: Option<usize>,
    status: Option<u16>,
    code: i32,
}

impl Wish {
    fn of(ctx: &FaasContext) -> Wish {
        if let Some(http) = ctx.http().filter(|http| http.query("do").is_some()) {
            let number = |name| http.query(name).and_then(|text| text.parse::<u64>().ok());
            return Wish {
                r#do: http.query("do").unwrap_or_default().to_owned(),
                ms: number("ms"),
                bytes: number("bytes").and_then(|bytes| usize::try_from(bytes).ok()),
                status: number("status").and_then(|status| u16::try_from(status).ok()),
                code: number("code").and_then(|code| i32::try_from(code).ok()).unwrap_or_default(),
            };
        }
        serde_json::from_slice(ctx.body()).unwrap_or_default()
    }
}

fn wait(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

fn start(ctx: PhaseContext) -> Result<(), Error> {
    match ctx.env("FAULTY_START") {
        Some("error") => Err(Error::new("Faulty.Start", "asked not to start")),
        Some("panic") => panic!("asked to panic at the start"),
        Some("abort") => std::process::abort(),
        _ => Ok(()),
    }
}

/// Carries out the order of the event.
#[function(blocking, start = start)]
pub fn faulty(ctx: FaasContext) -> Result<Reply, Error> {
    let wish = Wish::of(&ctx);
    match wish.r#do.as_str() {
        "error" => {
            let error = Error::new("Faulty.Error", "asked for an error");
            return Err(wish.status.into_iter().fold(error, Error::with_status));
        }
        "foreign" => Err(std::io::Error::other("no route to 10.0.0.7:6379"))?,
        "panic" => panic!("asked for a panic"),
        "sleep" => {
            let past = || ctx.remaining().unwrap_or_default() + Duration::from_secs(1);
            wait(wish.ms.map_or_else(past, Duration::from_millis));
        }
        "spin" => loop {
            std::hint::spin_loop();
        },
        "reply" => {
            let mut text = vec![b'x'; wish.bytes.unwrap_or(5 << 20).max(2)];
            text[0] = b'"';
            text.pop();
            text.push(b'"');
            return Ok(Reply::value(text));
        }
        "thread" => {
            let thread = std::thread::Builder::new().name("faulty".to_owned());
            // It has panicked before the reply is made, so that a reader of the log finds it.
            let _ = thread.spawn(|| panic!("asked for a panic elsewhere")).map(std::thread::JoinHandle::join);
        }
        "exit" => std::process::exit(wish.code),
        "hoard" => {
            let hoard = vec![1_u8; usize::MAX >> 2];
            return Ok(Reply::value(hoard));
        }
        "abort" => std::process::abort(),
        _ => {}
    }
    Ok(Reply::value("\"fine\""))
}

#[cfg(test)]
mod tests {
    use super::faulty;
    use handlers_sdk::testing::{App, Invoke};

    #[test]
    fn it_fails_as_it_is_asked_to() {
        let app = App::builder().module(faulty::MODULE).start().expect("starts");
        assert_eq!(app.invoke(Invoke::event(r#"{"do":"error"}"#)).failed.expect("fails").kind, "Faulty.Error");
        assert_eq!(app.invoke(Invoke::event(r#"{"do":"foreign"}"#)).failed.expect("fails").kind, "std::io::Error");
        assert_eq!(app.invoke(Invoke::event(r#"{"do":"panic"}"#)).failed.expect("fails").kind, "Panic");
        assert_eq!(app.invoke(Invoke::http("GET", "/?do=error&status=409")).status(), 409);
        assert_eq!(app.invoke(Invoke::event(r#"{"do":"sleep","ms":1}"#)).text(), "\"fine\"");
        assert_eq!(app.invoke(Invoke::event("no wish")).text(), "\"fine\"");
        app.close();
    }

    #[test]
    fn a_reply_is_a_json_text_of_that_size() {
        let answer = Invoke::event(r#"{"do":"reply","bytes":5000000}"#).run(faulty::MODULE);
        assert_eq!(answer.body.len(), 5_000_000);
        assert!(answer.text().starts_with("\"x") && answer.text().ends_with("x\""));
    }

    #[test]
    fn it_may_refuse_to_start() {
        for (how, words) in
            [("error", "Faulty.Start: function faulty: asked not to start"), ("panic", "asked to panic at the start")]
        {
            let why = App::builder().module(faulty::MODULE).config("FAULTY_START", how).start().expect_err("refuses");
            assert!(why.contains(words), "{why}");
        }
    }
}
