//! A call, and the outcome for its caller: the agent's reading of the answer, and for a request that of the trigger's
//! server.

use crate::wire::{Answer, Headers};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A client's request that a trigger passes on.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method of the request.
    pub method: String,
    /// The whole address, or from the path on.
    pub url: String,
    /// The client's headers; the content type goes bare, all others with a prefix.
    pub headers: Headers,
}

/// A call of the function.
#[derive(Clone, Debug)]
pub struct Call {
    /// The id of the call, `Fn-Call-Id`.
    pub id: String,
    /// The deadline from now on, for `Fn-Deadline`; `None` leaves the header out.
    pub deadline: Option<Duration>,
    /// The request of a client; `None` for a bare call.
    pub request: Option<Request>,
    /// The further headers of the call, as they are.
    pub headers: Headers,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The size of the chunks in which it is sent, in bytes; `None` sends it with a length.
    pub chunks: Option<usize>,
}

impl Call {
    /// Returns a call with these bytes.
    pub fn plain(body: impl Into<Vec<u8>>) -> Call {
        Call {
            id: "01CALLEMULATED00000000000".to_owned(),
            deadline: Some(Duration::from_secs(30)),
            request: None,
            headers: Vec::new(),
            body: body.into(),
            chunks: None,
        }
    }

    /// Returns a request through a trigger.
    pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Call {
        let headers = crate::wire::headers(headers);
        let request = Request { method: method.to_owned(), url: url.to_owned(), headers };
        Call { request: Some(request), ..Call::plain(body) }
    }

    /// Returns the call with another limit.
    pub fn within(self, limit: Duration) -> Call {
        Call { deadline: Some(limit), ..self }
    }

    /// Returns the call with one more header of the call itself.
    pub fn with(mut self, name: &str, value: &str) -> Call {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn headers(&self) -> Headers {
        let mut all: Vec<(String, String)> =
            vec![("Host".to_owned(), "localhost".to_owned()), ("Fn-Call-Id".to_owned(), self.id.clone())];
        if let Some(limit) = self.deadline {
            all.push(("Fn-Deadline".to_owned(), rfc3339(SystemTime::now() + limit)));
        }
        if let Some(request) = &self.request {
            all.push(("Fn-Intent".to_owned(), "httprequest".to_owned()));
            all.push(("Fn-Http-Method".to_owned(), request.method.clone()));
            all.push(("Fn-Http-Request-Url".to_owned(), request.url.clone()));
            for (name, value) in &request.headers {
                let bare = name.eq_ignore_ascii_case("content-type");
                all.push((if bare { name.clone() } else { format!("Fn-Http-H-{name}") }, value.clone()));
            }
        }
        all.extend(self.headers.iter().cloned());
        all
    }
}

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call was handled, and the caller gets this answer.
    Success(Answer),
    /// The function failed, and the caller gets 502. The body is seen by the agent alone.
    Failed(String),
    /// The container reports that time was up, and the caller gets 504. The body is seen by the agent alone.
    TimedOut(String),
    /// The container answers with another status, and is shut down.
    Breach(u16),
    /// The connection broke, or no answer came in time. The container is shut down.
    Broken(String),
}

impl Outcome {
    pub(super) fn of(call: &Call, answer: Answer) -> Outcome {
        match answer.status {
            200 if call.request.is_some() => Outcome::Success(passed_on(answer)),
            200 => Outcome::Success(answer),
            502 => Outcome::Failed(answer.text()),
            504 => Outcome::TimedOut(answer.text()),
            status => Outcome::Breach(status),
        }
    }

    /// Returns the answer to a call that was handled.
    ///
    /// # Panics
    /// The call was not handled.
    pub fn answer(self) -> Answer {
        match self {
            Outcome::Success(answer) => answer,
            other => panic!("the call was not handled: {other:?}"),
        }
    }
}

/// Returns an answer as the trigger's server passes it on: prefixed headers lose their prefix, and all others are
/// dropped but two.
fn passed_on(answer: Answer) -> Answer {
    let status = answer.header("fn-http-status").and_then(|text| text.parse().ok()).unwrap_or(200);
    let kept = |(name, value): &(String, String)| {
        let lower = name.to_ascii_lowercase();
        match lower.strip_prefix("fn-http-h-") {
            Some(_) => Some((name["fn-http-h-".len()..].to_owned(), value.clone())),
            None if lower == "content-type" || lower == "fn-call-id" => Some((name.clone(), value.clone())),
            None => None,
        }
    };
    Answer { status, headers: answer.headers.iter().filter_map(kept).collect(), ..answer }
}

/// Returns the breaches in an answer that the agent lets pass.
pub(super) fn breaches(call: &Call, answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["Fn-Fdk-Version", "Fn-Fdk-Runtime"] {
        if answer.header(name).is_none_or(str::is_empty) {
            found.push(format!("an answer without {name}"));
        }
    }
    if !matches!(answer.status, 200 | 502 | 504) {
        found.push(format!("status {}", answer.status));
    }
    if answer.closes {
        found.push("the connection is closed after an answer".to_owned());
    }
    let is_request = call.request.is_some();
    if !is_request || answer.status != 200 {
        for (name, _) in &answer.headers {
            if name.to_ascii_lowercase().starts_with("fn-http-") {
                found.push(format!("{name} in the answer to what is no request"));
            }
        }
        return found;
    }
    if answer.all("fn-http-status").len() != 1 {
        found.push("not one Fn-Http-Status".to_owned());
    }
    const OWN: [&str; 6] =
        ["content-type", "content-length", "transfer-encoding", "connection", "date", "fn-http-h-content-type"];
    for (name, _) in &answer.headers {
        let lower = name.to_ascii_lowercase();
        if lower == "fn-http-h-content-type" || !(lower.starts_with("fn-") || OWN.contains(&&*lower)) {
            found.push(format!("a header that the client does not get: {name}"));
        }
    }
    found
}

/// Returns a moment as the agent writes it, in UTC and whole milliseconds.
fn rfc3339(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, of_day) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (mut year, mut day) = (1970, days);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = |year| if leap(year) { 366 } else { 365 };
    while day >= length(year) {
        day -= length(year);
        year += 1;
    }
    let months = [31, length(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= months[month] {
        day -= months[month];
        month += 1;
    }
    format!(
        "{year:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        month + 1,
        day + 1,
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60,
        since.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        Answer { status, headers: crate::wire::headers(headers), body: b"body".to_vec(), closes: false }
    }

    const FDK: [(&str, &str); 2] = [("Fn-Fdk-Version", "x/1"), ("Fn-Fdk-Runtime", "x")];

    #[test]
    fn moments_are_written_in_utc() {
        let at = |millis| rfc3339(UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400_007), "2000-02-29T00:00:00.007Z");
        assert_eq!(at(1_735_689_599_999), "2024-12-31T23:59:59.999Z");
    }

    #[test]
    fn only_three_statuses_leave_the_container_alive() {
        let call = Call::plain("");
        assert!(matches!(Outcome::of(&call, answer(200, &[])), Outcome::Success(_)));
        assert_eq!(Outcome::of(&call, answer(502, &[])), Outcome::Failed("body".into()));
        assert_eq!(Outcome::of(&call, answer(504, &[])), Outcome::TimedOut("body".into()));
        for status in [201, 404, 500, 503] {
            assert_eq!(Outcome::of(&call, answer(status, &[])), Outcome::Breach(status));
            assert_eq!(breaches(&call, &answer(status, &FDK)), [format!("status {status}")]);
        }
    }

    #[test]
    fn a_client_gets_what_is_prefixed_and_nothing_else() {
        let call = Call::request("GET", "/", &[("Accept", "*/*"), ("Content-Type", "a/b")], "");
        let sent = call.headers();
        let has = |name: &str, value: &str| sent.contains(&(name.to_owned(), value.to_owned()));
        assert!(has("Fn-Http-H-Accept", "*/*") && has("Content-Type", "a/b") && has("Fn-Intent", "httprequest"));
        let from =
            answer(200, &[FDK[0], FDK[1], ("Fn-Http-Status", "201"), ("fn-http-h-Location", "/x"), ("X-Lost", "1")]);
        assert_eq!(breaches(&call, &from), ["a header that the client does not get: X-Lost"]);
        let Outcome::Success(got) = Outcome::of(&call, from) else { panic!("it was handled") };
        assert_eq!((got.status, got.headers), (201, vec![("Location".to_owned(), "/x".to_owned())]));
    }

    #[test]
    fn what_is_missing_is_noticed() {
        let call = Call::request("GET", "/", &[], "");
        assert_eq!(
            breaches(&call, &answer(200, &[("Fn-Http-H-Content-Type", "a/b")])),
            [
                "an answer without Fn-Fdk-Version",
                "an answer without Fn-Fdk-Runtime",
                "not one Fn-Http-Status",
                "a header that the client does not get: Fn-Http-H-Content-Type"
            ]
        );
        let plain = breaches(&Call::plain(""), &answer(200, &[FDK[0], FDK[1], ("Fn-Http-Status", "200")]));
        assert_eq!(plain, ["Fn-Http-Status in the answer to what is no request"]);
    }
}
