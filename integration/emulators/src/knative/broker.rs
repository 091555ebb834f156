//! A broker's reaction to the reply to an event that it delivered: it sends on the event in it, repeats, or gives up.

use crate::cloudevents::Event;
use crate::wire::Answer;

/// The outcome of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The delivery is done, and no event follows.
    Done,
    /// The delivery is done, and this event goes on.
    Reply(Event),
    /// The delivery is done, but the reply is neither empty nor an event.
    Malformed(String),
    /// The delivery is to be repeated, with growing pauses.
    Again,
    /// The delivery is given up, and the event goes to the dead letters.
    GivenUp,
}

impl Delivery {
    /// Reads the outcome from an answer.
    pub fn of(answer: &Answer) -> Delivery {
        match answer.status {
            200..300 if answer.body.is_empty() && answer.header("ce-id").is_none() => Delivery::Done,
            200..300 => match structured(answer).unwrap_or_else(|| Event::read(answer)) {
                Ok(event) => Delivery::Reply(event),
                Err(why) => Delivery::Malformed(why),
            },
            404 | 408 | 409 | 429 | 500..600 => Delivery::Again,
            _ => Delivery::GivenUp,
        }
    }
}

/// Returns an event in JSON; `None` if the reply does not say that it is one.
fn structured(answer: &Answer) -> Option<Result<Event, String>> {
    answer.header("content-type").filter(|kind| kind.starts_with("application/cloudevents+json"))?;
    let read = || {
        let event: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        let members = event.as_object().ok_or("no object")?;
        let mut attributes = Vec::new();
        for (name, value) in members.iter().filter(|(name, _)| !matches!(&***name, "data" | "data_base64")) {
            attributes.push((name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
        let all = ["specversion", "id", "source", "type"].iter().all(|name| members.contains_key(*name));
        let data = members.get("data").map(|data| data.to_string().into_bytes()).unwrap_or_default();
        if all { Ok(Event { attributes, data }) } else { Err("an attribute is missing".to_owned()) }
    };
    Some(read())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        Answer { status, headers: crate::wire::headers(headers), body: body.into(), closes: false }
    }

    #[test]
    fn replies_are_told_apart() {
        let all = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];
        let json = [("Content-Type", "application/cloudevents+json; charset=utf-8")];
        assert_eq!(Delivery::of(&answer(204, &[], "")), Delivery::Done);
        assert_eq!(Delivery::of(&answer(202, &[], "")), Delivery::Done);
        assert!(matches!(Delivery::of(&answer(200, &all, "x")), Delivery::Reply(event) if event.data == b"x"));
        let event = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{}}"#;
        assert!(matches!(Delivery::of(&answer(200, &json, event)), Delivery::Reply(event) if event.data == b"{}"));
        for malformed in
            [answer(200, &[], "x"), answer(200, &json, "{}"), answer(200, &json, "x"), answer(200, &all[1..], "")]
        {
            assert!(matches!(Delivery::of(&malformed), Delivery::Malformed(_)), "{malformed:?}");
        }
        for (status, expected) in [
            (500, Delivery::Again),
            (503, Delivery::Again),
            (429, Delivery::Again),
            (404, Delivery::Again),
            (400, Delivery::GivenUp),
            (422, Delivery::GivenUp),
            (302, Delivery::GivenUp),
        ] {
            assert_eq!(Delivery::of(&answer(status, &all, "x")), expected, "{status}");
        }
    }
}
