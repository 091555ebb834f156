//! The suite's seventeen events, each in the older form and as a CloudEvent: the sent form, and the form that a
//! function has to get. The names are the suite's; the content is made up here after its mapping.

use serde_json::{Value, json};

/// The id of every event.
const ID: &str = "aaaaaa-1111-bbbb-2222-cccccccccccc";
/// The time of every event.
const TIME: &str = "2020-09-29T11:32:00.123Z";

/// One event of the suite.
#[derive(Clone, Debug)]
pub struct Case {
    /// The suite's name for it.
    pub name: &'static str,
    /// The event in the older form, as it is sent.
    pub legacy: Value,
    /// The event in the older form, as a function gets it.
    pub legacy_seen: Value,
    /// The event in the older form, as a function gets one that was sent as a CloudEvent.
    pub legacy_converted: Value,
    /// The event as a CloudEvent, as it is sent, and as a function gets it.
    pub event: Value,
    /// The event as a CloudEvent, as a function gets one that was sent in the older form.
    pub event_converted: Value,
}

/// Returns all events of the suite.
pub fn all() -> Vec<Case> {
    let mut all = vec![
        firebase_auth(),
        firestore("firestore_simple", "update", "updated", "documents/pots/three", &json!({"boils": true})),
        firestore("firestore_complex", "write", "written", "documents/kitchens/east/pots/grün", &complex()),
        pubsub("pubsub_text", "google.pubsub.topic.publish", &json!({"colour": "red"}), "dGVzdA=="),
        pubsub("pubsub_binary", "google.pubsub.topic.publish", &json!({}), "AAH/"),
        pubsub("legacy_pubsub", "providers/cloud.pubsub/eventTypes/topic.publish", &json!({"a": "b"}), "eyJhIjoxfQ=="),
        storage(),
    ];
    let (world, europe) = (("firebaseio.com", "us-central1"), ("europe-west1.firebasedatabase.app", "europe-west1"));
    for (name, place, older, newer, reference, data, delta) in [
        ("firebase-db1", world, "write", "written", "refs/tree/leaf", json!(null), json!({"colour": "green"})),
        ("firebase-db2", world, "create", "created", "refs/tree/leaf", json!(null), json!(17)),
        (
            "firebase-db3",
            world,
            "write",
            "written",
            "refs/tree/leaf",
            json!({"colour": "green"}),
            json!({"colour": "red"}),
        ),
        ("firebase-db4", world, "update", "updated", "refs/tree", json!({"leaf": [1, 2]}), json!({"leaf": [3]})),
        ("firebase-db5", world, "write", "written", "refs/a/b/c/d", json!("text"), json!("other \"text\"")),
        ("firebase-db6", world, "update", "updated", "refs/tree/leaf", json!(true), json!(false)),
        ("firebase-db7", europe, "create", "created", "refs/tree/leaf", json!(null), json!({"deep": {"er": 1.5}})),
        ("firebase-db8", europe, "write", "written", "refs/refs/refs", json!({}), json!([])),
        ("firebase-dbdelete1", world, "delete", "deleted", "refs/tree/leaf", json!({"colour": "red"}), json!(null)),
        ("firebase-dbdelete2", europe, "delete", "deleted", "refs/tree", json!([1]), json!(null)),
    ] {
        all.push(firebase_database(name, place, [older, newer], reference, &json!({"data": data, "delta": delta})));
    }
    all
}

fn context(event_type: &str, resource: &Value) -> Value {
    json!({"eventId": ID, "timestamp": TIME, "eventType": event_type, "resource": resource})
}

fn seen(event_type: &str, resource: &Value, data: &Value) -> Value {
    json!({"context": context(event_type, resource), "data": data})
}

/// Returns an event with the context's members at the top, and some unknown ones.
fn flat(event_type: &str, resource: &Value, data: &Value, more: &Value) -> Value {
    let mut all = context(event_type, resource);
    all["data"] = data.clone();
    all["params"] = json!({"wild": "card"});
    for (name, value) in more.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    all
}

fn event(event_type: &str, source: &str, subject: Option<&str>, data: &Value) -> Value {
    let mut event = json!({
        "specversion": "1.0", "id": ID, "time": TIME, "type": event_type, "source": source,
        "datacontenttype": "application/json", "data": data,
    });
    if let Some(subject) = subject {
        event["subject"] = subject.into();
    }
    event
}

fn same(name: &'static str, legacy: Value, legacy_seen: Value, event: Value) -> Case {
    Case { name, legacy, legacy_converted: legacy_seen.clone(), legacy_seen, event_converted: event.clone(), event }
}

fn firebase_auth() -> Case {
    let user = |created: &str, signed_in: &str| {
        json!({
            "uid": "u-17", "email": "cook@kitchen.example",
            "metadata": {created: "2020-05-26T10:42:27Z", signed_in: "2020-10-24T11:00:00Z"},
            "providerData": [{"providerId": "password", "uid": "cook@kitchen.example"}],
        })
    };
    let (older, resource) = ("providers/firebase.auth/eventTypes/user.create", json!("projects/kitchen"));
    let data = user("createdAt", "lastSignedInAt");
    let source = "//firebaseauth.googleapis.com/projects/kitchen";
    let newer = user("createTime", "lastSignInTime");
    same(
        "firebase-auth",
        flat(older, &resource, &data, &json!({"notSupported": {}})),
        seen(older, &resource, &data),
        event("google.firebase.auth.user.v1.created", source, Some("users/u-17"), &newer),
    )
}

fn firestore(name: &'static str, older: &str, newer: &str, document: &str, fields: &Value) -> Case {
    let database = "projects/kitchen/databases/(default)";
    let older = format!("providers/cloud.firestore/eventTypes/document.{older}");
    let resource = json!(format!("{database}/{document}"));
    let data =
        json!({"oldValue": {}, "updateMask": {}, "value": {"name": resource, "fields": fields, "updateTime": TIME}});
    let newer = format!("google.cloud.firestore.document.v1.{newer}");
    let source = format!("//firestore.googleapis.com/{database}");
    same(
        name,
        flat(&older, &resource, &data, &json!({})),
        seen(&older, &resource, &data),
        event(&newer, &source, Some(document), &data),
    )
}

fn complex() -> Value {
    json!({
        "list": {"arrayValue": {"values": [{"integerValue": "1"}, {"stringValue": "two"}]}},
        "truth": {"booleanValue": false}, "nothing": {"nullValue": null}, "half": {"doubleValue": 0.5},
        "place": {"geoPointValue": {"latitude": -51.5, "longitude": 0.25}},
        "deep": {"mapValue": {"fields": {"deeper": {"mapValue": {"fields": {}}}}}},
    })
}

fn firebase_database(
    name: &'static str,
    (domain, location): (&str, &str),
    [older, newer]: [&str; 2],
    reference: &str,
    data: &Value,
) -> Case {
    let older = format!("providers/google.firebase.database/eventTypes/ref.{older}");
    let resource = json!(format!("projects/_/instances/kitchen/{reference}"));
    let newer = format!("google.firebase.database.ref.v1.{newer}");
    let source = format!("//firebasedatabase.googleapis.com/projects/_/locations/{location}/instances/kitchen");
    same(
        name,
        flat(&older, &resource, data, &json!({"domain": domain, "auth": {"admin": true}})),
        seen(&older, &resource, data),
        event(&newer, &source, Some(reference), data),
    )
}

fn pubsub(name: &'static str, older: &str, attributes: &Value, data: &str) -> Case {
    let kind = "type.googleapis.com/google.pubsub.v1.PubsubMessage";
    let topic = "projects/kitchen/topics/orders";
    let resource = json!({"service": "pubsub.googleapis.com", "name": topic, "type": kind});
    let published = json!({"@type": kind, "attributes": attributes, "data": data});
    let mut message = published.clone();
    message["messageId"] = ID.into();
    message["publishTime"] = TIME.into();
    let newer = "google.cloud.pubsub.topic.v1.messagePublished";
    let source = format!("//pubsub.googleapis.com/{topic}");
    let sent = json!({"subscription": "projects/kitchen/subscriptions/cook", "message": message});
    Case {
        name,
        legacy: seen(older, &resource, &published),
        legacy_seen: seen(older, &resource, &published),
        // The newer form goes back to one of its two older types.
        legacy_converted: seen("google.pubsub.topic.publish", &resource, &published),
        event: event(newer, &source, None, &sent),
        event_converted: event(newer, &source, None, &json!({"message": message})),
    }
}

fn storage() -> Case {
    let (bucket, object) = ("projects/_/buckets/recipes", "objects/soups/minestrone.md");
    let older = "google.storage.object.finalize";
    let resource = json!({
        "service": "storage.googleapis.com", "name": format!("{bucket}/{object}"), "type": "storage#object",
    });
    let data = json!({
        "bucket": "recipes", "name": "soups/minestrone.md", "kind": "storage#object", "contentType": "text/markdown",
        "generation": "1587627537231057", "metageneration": "1", "size": "352", "timeCreated": TIME, "updated": TIME,
    });
    let source = format!("//storage.googleapis.com/{bucket}");
    same(
        "storage",
        seen(older, &resource, &data),
        seen(older, &resource, &data),
        event("google.cloud.storage.object.v1.finalized", &source, Some(object), &data),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_seventeen_of_different_names() {
        let mut names: Vec<_> = all().iter().map(|case| case.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 17);
        assert!(all().iter().all(|case| case.event["id"] == ID && case.legacy_seen["context"]["eventId"] == ID));
    }
}
