//! Makes CloudEvents of events in the older form: type, source, subject and data, service by service.

use super::legacy::{Legacy, Push, topic_of};
use super::names::{self, FIREBASE_ANALYTICS, FIREBASE_AUTH, FIREBASE_DATABASE, FIRESTORE, PUBSUB, STORAGE};
use crate::http1::Message;
use crate::json::{Value, ValueKind as Json, Writer};
use crate::log::timestamp;
use crate::trigger::cloudevents::EventRefusal;
use std::borrow::Cow;
use std::time::Duration;

/// A CloudEvent before it is written; its data is JSON.
#[derive(Debug)]
pub(super) struct Event<'a> {
    id: &'a str,
    event_type: &'static str,
    source: String,
    subject: String,
    time: Cow<'a, str>,
    pub(super) data: Vec<u8>,
}

impl Event<'_> {
    /// Returns the names and values of the attributes that the event has.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> + Clone {
        let all = [
            ("specversion", "1.0"),
            ("id", self.id),
            ("source", &self.source),
            ("type", self.event_type),
            ("subject", &self.subject),
            ("time", &self.time),
        ];
        all.into_iter().filter(|(name, value)| !value.is_empty() || !matches!(*name, "subject" | "time"))
    }
}

/// Makes a CloudEvent of an event of the older form.
///
/// # Errors
/// Its type, service or resource has no counterpart.
pub(super) fn of_legacy<'a>(legacy: &'a Legacy<'_>) -> Result<Event<'a>, EventRefusal> {
    let older = &*legacy.event_type;
    let unknown = || EventRefusal::new(format!("no CloudEvent is known for events of type {older:?}"));
    let event_type = names::event_type(older).ok_or_else(unknown)?;
    let service = legacy.service.as_deref().or_else(|| names::service_of_type(older)).ok_or_else(unknown)?;
    let name = &*legacy.name;
    let split = |at: &str| {
        let found = name.find(at).map(|at| (&name[..at], &name[at + 1..])).filter(|(head, _)| !head.is_empty());
        found.ok_or_else(|| EventRefusal::new(format!("the resource {name:?} is none of {service}")))
    };
    let (mut resource, mut subject) = (Cow::Borrowed(name), Cow::Borrowed(""));
    match service {
        STORAGE => {
            let (bucket, object) = split("/objects/")?;
            (resource, subject) = (bucket.into(), without_generation(object).into());
        }
        FIRESTORE => {
            let (database, document) = split("/documents/")?;
            (resource, subject) = (database.into(), document.into());
        }
        FIREBASE_DATABASE => {
            let (instance, reference) = split("/refs/")?;
            (resource, subject) = (located(instance, legacy.domain.as_deref())?.into(), reference.into());
        }
        FIREBASE_AUTH => {
            let uid = legacy.data.and_then(|data| data.get("uid")?.as_str());
            subject = uid.map_or(subject, |uid| format!("users/{uid}").into());
        }
        FIREBASE_ANALYTICS => {
            let (project, event) = split("/events/")?;
            let app = legacy.data.and_then(|data| data.path(&["userDim", "appInfo", "appId"])?.as_str());
            resource = app.map_or(project.into(), |app| format!("{project}/apps/{app}").into());
            subject = event.into();
        }
        _ => {}
    }
    Ok(Event {
        id: &legacy.id,
        event_type,
        source: format!("//{service}/{resource}"),
        subject: subject.into_owned(),
        time: Cow::Borrowed(legacy.timestamp.as_deref().unwrap_or_default()),
        data: data(legacy, service),
    })
}

/// Makes a CloudEvent of a pushed message: its data has the form of the service's own events already.
pub(super) fn of_push<'a>(push: &'a Push<'_>, request: &Message, now: Duration) -> Event<'a> {
    let (time, data) = match push.time.as_deref() {
        Some(time) => (Cow::Borrowed(time), push.body.raw().to_vec()),
        None => {
            let time = text_of(now);
            let mut data = Vec::new();
            let mut json = Writer::new(&mut data);
            json.begin_object().key("message").begin_object();
            members(&mut json, push.message, |name| Some(name));
            json.key("publishTime").string(&time).end_object();
            members(&mut json, push.body, |name| (name != "message").then_some(name));
            json.end_object();
            (Cow::Owned(time), data)
        }
    };
    Event {
        id: &push.id,
        event_type: names::event_type(names::PUBSUB_PUBLISH).unwrap_or_default(),
        source: format!("//{PUBSUB}/{}", topic_of(request.target())),
        subject: String::new(),
        time,
        data,
    }
}

/// Returns a time since 1970 as a text of RFC 3339.
pub(super) fn text_of(time: Duration) -> String {
    let mut text = Vec::with_capacity(24);
    timestamp(&mut text, time);
    String::from_utf8(text).unwrap_or_default()
}

/// Writes the members of an object. `rename` returns the new name of a member, or `None` to leave it out.
pub(super) fn members(json: &mut Writer<'_>, object: Value<'_>, rename: impl Fn(&str) -> Option<&str>) {
    for (key, value) in object.members() {
        if let Some(name) = rename(&key.as_str()) {
            json.key(name).raw(value.raw());
        }
    }
}

/// Returns the name of an object without the generation behind it, which is a `#` and digits. A `#` with other text
/// behind it belongs to the name.
fn without_generation(object: &str) -> &str {
    match object.rsplit_once('#') {
        Some((name, generation))
            if !generation.is_empty() && generation.bytes().all(|digit| digit.is_ascii_digit()) =>
        {
            name
        }
        _ => object,
    }
}

/// Returns the instance of a Firebase database with the location that its domain tells.
fn located(instance: &str, domain: Option<&str>) -> Result<String, EventRefusal> {
    let none = || EventRefusal::new("an event of the Firebase database needs the text \"domain\"");
    let domain = domain.ok_or_else(none)?;
    let location =
        if domain == "firebaseio.com" { "us-central1" } else { domain.split('.').next().unwrap_or_default() };
    let (project, instance) = instance
        .strip_prefix("projects/")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(|| EventRefusal::new(format!("the resource {instance:?} is none of {FIREBASE_DATABASE}")))?;
    if location.is_empty() { Err(none()) } else { Ok(format!("projects/{project}/locations/{location}/{instance}")) }
}

fn data(legacy: &Legacy<'_>, service: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut json = Writer::new(&mut out);
    match (service, legacy.data) {
        (PUBSUB, message) => {
            json.begin_object().key("message").begin_object();
            let has = |name| message.is_some_and(|message| message.get(name).is_some());
            if let Some(message) = message {
                members(&mut json, message, |name| Some(name));
            }
            if !has("messageId") {
                json.key("messageId").string(&*legacy.id);
            }
            if let Some(time) = legacy.timestamp.as_deref().filter(|_| !has("publishTime")) {
                json.key("publishTime").string(time);
            }
            json.end_object().end_object();
        }
        (FIREBASE_AUTH, Some(data)) => with_metadata(&mut json, data, |name| match name {
            "createdAt" => "createTime",
            "lastSignedInAt" => "lastSignInTime",
            other => other,
        }),
        (_, Some(data)) => {
            json.raw(data.raw());
        }
        (_, None) => {
            json.null();
        }
    }
    out
}

/// Writes a user of Firebase with other names for the members of its `metadata`.
pub(super) fn with_metadata(json: &mut Writer<'_>, user: Value<'_>, rename: impl Fn(&str) -> &str) {
    if user.kind() != Json::Object {
        json.raw(user.raw());
        return;
    }
    json.begin_object();
    for (key, value) in user.members() {
        json.key(&*key.as_str());
        if key == "metadata" && value.kind() == Json::Object {
            json.begin_object();
            members(json, value, |name| Some(rename(name)));
            json.end_object();
        } else {
            json.raw(value.raw());
        }
    }
    json.end_object();
}

#[cfg(test)]
mod tests {
    use super::super::event_of_body;
    use super::super::testing::{ID, TIME, flat, posted};
    use super::*;
    use crate::trigger::Body;
    use crate::trigger::cloudevents::{self, Offer};

    fn converted(target: &str, body: &str) -> Result<(String, String, String, String), String> {
        let made = event_of_body(&posted(target, &[], body), Duration::from_millis(7))
            .map_err(|refusal| refusal.reason.into_owned())?;
        assert_eq!(cloudevents::look(&made), Offer::One, "{body}");
        let data = cloudevents::of_message(&made).data.expect("an event");
        let get = |name: &str| {
            let value = data.attributes.get(name.as_bytes(), crate::fields::exact).unwrap_or_default();
            String::from_utf8(value.to_vec()).expect("UTF-8")
        };
        assert_eq!((&*get("specversion"), &*get("datacontenttype")), ("1.0", "application/json"));
        assert!(matches!(data.body, Body::Whole));
        if target == "/" {
            assert_eq!((&*get("id"), &*get("time")), (ID, TIME));
        }
        let body = String::from_utf8(made.body().to_vec()).expect("UTF-8");
        Ok((get("type"), get("source"), get("subject"), body))
    }

    fn of(
        event_type: &str,
        resource: &str,
        data: &str,
        more: &str,
    ) -> Result<(String, String, String, String), String> {
        converted("/", &flat(event_type, &format!("\"{resource}\""), data, more))
    }

    fn source_and_subject(event_type: &str, resource: &str, data: &str, more: &str) -> (String, String) {
        let (_, source, subject, _) = of(event_type, resource, data, more).expect(resource);
        (source, subject)
    }

    #[test]
    fn an_object_of_storage_keeps_its_slashes_and_loses_its_generation() {
        let bucket = "projects/_/buckets/b";
        for (object, subject) in [
            ("a/b/c.txt", "objects/a/b/c.txt"),
            ("a.txt#1587627537231057", "objects/a.txt"),
            ("a#b", "objects/a#b"),
            ("a#1#2", "objects/a#1"),
            ("objects/x", "objects/objects/x"),
        ] {
            let found =
                source_and_subject("google.storage.object.finalize", &format!("{bucket}/objects/{object}"), "{}", "");
            assert_eq!(found, (format!("//storage.googleapis.com/{bucket}"), subject.to_owned()));
        }
        let why = of("google.storage.object.delete", bucket, "{}", "").expect_err("no object");
        assert_eq!(why, "the resource \"projects/_/buckets/b\" is none of storage.googleapis.com");
    }

    #[test]
    fn a_message_of_pubsub_lies_in_its_data_with_id_and_time() {
        let (event_type, source, subject, data) =
            of("google.pubsub.topic.publish", "projects/p/topics/t", r#"{"@type":"x","data":"aGk="}"#, "")
                .expect("fits");
        assert_eq!(event_type, "google.cloud.pubsub.topic.v1.messagePublished");
        assert_eq!((&*source, &*subject), ("//pubsub.googleapis.com/projects/p/topics/t", ""));
        let expected =
            format!(r#"{{"message":{{"@type":"x","data":"aGk=","messageId":"{ID}","publishTime":"{TIME}"}}}}"#);
        assert_eq!(data, expected);
        let own = r#"{"messageId":"m","publishTime":"p"}"#;
        let older = "providers/cloud.pubsub/eventTypes/topic.publish";
        assert_eq!(of(older, "projects/p/topics/t", own, "").expect("fits").3, format!("{{\"message\":{own}}}"));
    }

    #[test]
    fn documents_references_users_and_events_become_subjects() {
        let firestore = source_and_subject(
            "providers/cloud.firestore/eventTypes/document.write",
            "projects/p/databases/(default)/documents/a/b",
            "{}",
            "",
        );
        assert_eq!(
            firestore,
            ("//firestore.googleapis.com/projects/p/databases/(default)".into(), "documents/a/b".into())
        );
        let analytics = source_and_subject(
            "providers/google.firebase.analytics/eventTypes/event.log",
            "projects/p/events/session_start",
            r#"{"userDim":{"appInfo":{"appId":"app.example"}}}"#,
            "",
        );
        let source = "//firebaseanalytics.googleapis.com/projects/p/apps/app.example";
        assert_eq!(analytics, (source.into(), "events/session_start".into()));
        let config = source_and_subject("providers/firebase.remoteConfig/remoteconfig.update", "projects/p", "{}", "");
        assert_eq!(config, ("//firebaseremoteconfig.googleapis.com/projects/p".into(), String::new()));
    }

    #[test]
    fn a_user_of_firebase_is_the_subject_and_its_metadata_get_other_names() {
        let data = r#"{"uid":"u1","metadata":{"createdAt":"c","lastSignedInAt":"l","x":1},"email":"e"}"#;
        let found = of("providers/firebase.auth/eventTypes/user.create", "projects/p", data, "").expect("fits");
        assert_eq!((&*found.1, &*found.2), ("//firebaseauth.googleapis.com/projects/p", "users/u1"));
        assert_eq!(found.3, r#"{"uid":"u1","metadata":{"createTime":"c","lastSignInTime":"l","x":1},"email":"e"}"#);
    }

    #[test]
    fn the_domain_of_a_firebase_database_tells_its_place() {
        let write = "providers/google.firebase.database/eventTypes/ref.write";
        let reference = "projects/_/instances/i/refs/a/refs/b";
        for (domain, location) in
            [("firebaseio.com", "us-central1"), ("europe-west1.firebasedatabase.app", "europe-west1")]
        {
            let found = source_and_subject(write, reference, "{}", &format!(r#","domain":"{domain}""#));
            let source = format!("//firebasedatabase.googleapis.com/projects/_/locations/{location}/instances/i");
            assert_eq!(found, (source, "refs/a/refs/b".into()));
        }
        for without in ["", r#","domain":7"#, r#","domain":"""#, r#","domain":".app""#] {
            let why = of(write, reference, "{}", without).expect_err("no place");
            assert_eq!(why, "an event of the Firebase database needs the text \"domain\"", "{without}");
        }
    }

    #[test]
    fn what_has_no_counterpart_is_refused() {
        for (event_type, why) in [
            ("acme.thing", "no CloudEvent is known for events of type \"acme.thing\""),
            ("google.pubsub.topic.new", "no CloudEvent is known for events of type \"google.pubsub.topic.new\""),
        ] {
            assert_eq!(of(event_type, "projects/p", "{}", ""), Err(why.into()));
        }
        let odd = flat("google.pubsub.topic.publish", "\"t\"", "{}", "").replace(TIME, "noon");
        assert_eq!(converted("/", &odd), Err("the attribute \"time\" is no time of RFC 3339".into()));
        assert!(converted("/", "{}").is_err_and(|why| why.contains("neither a CloudEvent nor an event")));
        assert!(converted("/", "no JSON").is_err_and(|why| why.contains("nor JSON")));
    }

    #[test]
    fn a_pushed_message_is_an_event_of_its_topic() {
        let body =
            r#"{"message":{"data":"aGk=","messageId":"1","publishTime":"2026-01-02T03:04:05Z"},"subscription":"s"}"#;
        let (event_type, source, _, data) = converted("/projects/p/topics/t?x", body).expect("fits");
        assert_eq!(event_type, "google.cloud.pubsub.topic.v1.messagePublished");
        assert_eq!((&*source, &*data), ("//pubsub.googleapis.com/projects/p/topics/t", body));
        let body = r#"{"message":{"messageId":"1","attributes":{"a":"b"}},"subscription":"s"}"#;
        let (_, source, _, data) = converted("/else", body).expect("fits");
        assert_eq!(source, "//pubsub.googleapis.com/UNKNOWN_PUBSUB_TOPIC");
        let time = r#""publishTime":"1970-01-01T00:00:00.007Z""#;
        let expected =
            format!(r#"{{"message":{{"messageId":"1","attributes":{{"a":"b"}},{time}}},"subscription":"s"}}"#);
        assert_eq!(data, expected);
    }

    #[test]
    fn names_that_no_header_holds_are_coded() {
        let object = "projects/_/buckets/b/objects/grün €.txt";
        let (_, subject) = source_and_subject("google.storage.object.archive", object, "{}", "");
        assert_eq!(subject, "objects/grün €.txt");
    }
}
