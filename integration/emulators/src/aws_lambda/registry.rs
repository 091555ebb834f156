//! The extensions of one environment: their names, their events, and those that wait. It is sans-IO: it holds the
//! waiters' channels but waits for nothing itself.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::oneshot;

use super::payloads::Refusal;

/// The most extensions that an environment takes.
pub const MAX_EXTENSIONS: usize = 10;

/// A registered extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The name that it gave.
    pub name: String,
    /// The identifier that it was given.
    pub id: String,
    /// `true` if it asked for INVOKE.
    pub invoke: bool,
    /// `true` if it asked for SHUTDOWN.
    pub shutdown: bool,
    /// `true` if it registered from within the runtime, and was not started by the platform.
    pub internal: bool,
    /// `true` if it has ever asked for its next event.
    pub polled: bool,
}

struct Member {
    extension: Extension,
    parked: Option<(u64, oneshot::Sender<Bytes>)>,
    waiting: VecDeque<Bytes>,
}

/// All extensions of an environment.
#[derive(Default)]
pub(crate) struct Registry {
    members: Vec<Member>,
}

/// The meaning of a poll for the next event.
pub(crate) enum ExtensionPoll {
    /// The event is already here.
    Now(Bytes),
    /// It will come through this channel.
    Parked(oneshot::Receiver<Bytes>),
}

fn refuse(error_type: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::Extension { error_type, message: message.into() }
}

impl Registry {
    /// Takes a POST `/extension/register`. `external` is `true` if the platform started it; `open` is `true` if
    /// registration is still possible; `id` becomes its identifier.
    ///
    /// # Errors
    /// It is a 403 with the type that says why. The types for a missing name, a body that is no list of events, a
    /// second registration and the eleventh extension are this emulator's own choice: the protocol notes name none.
    pub(crate) fn register(
        &mut self,
        name: Option<&str>,
        body: &[u8],
        external: bool,
        open: bool,
        id: String,
    ) -> Result<String, Refusal> {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err(refuse("Extension.InvalidExtensionName", "Lambda-Extension-Name is missing"));
        };
        if !open {
            return Err(refuse("Extension.RegistrationClosed", "Registration ended with the runtime's first poll"));
        }
        if self.members.iter().any(|member| member.extension.name == name) {
            return Err(refuse("Extension.AlreadyRegistered", format!("{name} is registered already")));
        }
        if self.members.len() >= MAX_EXTENSIONS {
            let message = format!("More than {MAX_EXTENSIONS} extensions");
            return Err(refuse("Extension.TooManyExtensions", message));
        }
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| refuse("InvalidRequestFormat", format!("The body is not JSON: {error}")))?;
        let none = Vec::new();
        let events = match &body["events"] {
            Value::Array(events) => events,
            Value::Null => &none,
            other => return Err(refuse("InvalidRequestFormat", format!("events is not a list: {other}"))),
        };
        let mut extension =
            Extension { name: name.to_owned(), id, invoke: false, shutdown: false, internal: !external, polled: false };
        for event in events {
            match event.as_str() {
                Some("INVOKE") => extension.invoke = true,
                Some("SHUTDOWN") if external => extension.shutdown = true,
                _ => {
                    let message = format!("{event} is not an event {name} may ask for");
                    return Err(refuse("Extension.InvalidEventType", message));
                }
            }
        }
        let id = extension.id.clone();
        self.members.push(Member { extension, parked: None, waiting: VecDeque::new() });
        Ok(id)
    }

    fn member(&mut self, id: Option<&str>) -> Result<&mut Member, Refusal> {
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            let message = "Lambda-Extension-Identifier is missing";
            return Err(refuse("Extension.MissingExtensionIdentifier", message));
        };
        if !is_uuid(id) {
            return Err(refuse("Extension.InvalidExtensionIdentifier", format!("{id} is not a UUID")));
        }
        let unknown = || refuse("Extension.UnknownExtensionIdentifier", format!("No extension has {id}"));
        self.members.iter_mut().find(|member| member.extension.id == id).ok_or_else(unknown)
    }

    /// Returns the name of the extension with this identifier.
    ///
    /// # Errors
    /// It is a 403 if the identifier is missing, malformed or unknown.
    pub(crate) fn name_of(&mut self, id: Option<&str>) -> Result<String, Refusal> {
        self.member(id).map(|member| member.extension.name.clone())
    }

    /// Takes a GET `/extension/event/next`; `token` names this wait.
    ///
    /// # Errors
    /// It is a 403 if the identifier is missing, malformed or unknown.
    pub(crate) fn poll(&mut self, id: Option<&str>, token: u64) -> Result<ExtensionPoll, Refusal> {
        let member = self.member(id)?;
        member.extension.polled = true;
        if let Some(event) = member.waiting.pop_front() {
            return Ok(ExtensionPoll::Now(event));
        }
        let (sender, receiver) = oneshot::channel();
        member.parked = Some((token, sender));
        Ok(ExtensionPoll::Parked(receiver))
    }

    /// Notes that the wait of that token has lost its connection.
    pub(crate) fn abandon(&mut self, token: u64) {
        for member in &mut self.members {
            if member.parked.as_ref().is_some_and(|(parked, _)| *parked == token) {
                member.parked = None;
            }
        }
    }

    /// Returns `true` if an event may be handed out: all extensions have polled once, and those that want INVOKE wait
    /// for it now. There is no such moment if invocations overlap, so then nobody has to wait.
    pub(crate) fn ready(&self, overlapping: bool) -> bool {
        self.members.iter().all(|member| {
            member.extension.polled && (overlapping || !member.extension.invoke || member.parked.is_some())
        })
    }

    /// Tells every extension that asked for INVOKE.
    pub(crate) fn invoke(&mut self, event: &Bytes) {
        self.send(event, |extension| extension.invoke);
    }

    /// Tells every extension that asked for SHUTDOWN.
    pub(crate) fn shutdown(&mut self, event: &Bytes) {
        self.send(event, |extension| extension.shutdown);
    }

    fn send(&mut self, event: &Bytes, wants: impl Fn(&Extension) -> bool) {
        for member in self.members.iter_mut().filter(|member| wants(&member.extension)) {
            match member.parked.take() {
                Some((_, sender)) => {
                    if let Err(unsent) = sender.send(event.clone()) {
                        member.waiting.push_back(unsent);
                    }
                }
                None => member.waiting.push_back(event.clone()),
            }
        }
    }

    pub(crate) fn list(&self) -> Vec<Extension> {
        self.members.iter().map(|member| member.extension.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn parked(&self) -> usize {
        self.members.iter().filter(|member| member.parked.is_some()).count()
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5c1d7c1e-0f5a-4b7e-9b06-2a3f6d1e9a11";

    fn register(registry: &mut Registry, name: &str, events: &str, external: bool) -> Result<String, &'static str> {
        let body = format!("{{\"events\":{events}}}");
        let id = format!("5c1d7c1e-0f5a-4b7e-9b06-{:012}", registry.len());
        registry.register(Some(name), body.as_bytes(), external, true, id).map_err(|refusal| refusal.error_type())
    }

    #[test]
    fn an_internal_extension_may_not_ask_for_shutdown() {
        let mut registry = Registry::default();
        let wants = r#"["INVOKE","SHUTDOWN"]"#;
        assert_eq!(register(&mut registry, "inside", wants, false), Err("Extension.InvalidEventType"));
        assert!(register(&mut registry, "outside", wants, true).is_ok());
        assert!(register(&mut registry, "inside", "[]", false).is_ok());
    }

    #[test]
    fn registration_is_refused_for_a_reason_that_is_named() {
        let mut registry = Registry::default();
        let closed = registry.register(Some("late"), b"{}", false, false, ID.to_owned());
        assert_eq!(closed.map_err(|refusal| refusal.error_type()), Err("Extension.RegistrationClosed"));
        let nameless = registry.register(None, b"{}", false, true, ID.to_owned());
        assert_eq!(nameless.map_err(|refusal| refusal.status()), Err(403));
        for number in 0..MAX_EXTENSIONS {
            register(&mut registry, &number.to_string(), "[]", false).expect("there is room");
        }
        assert!(register(&mut registry, "one more", "[]", false).is_err());
    }

    #[test]
    fn an_identifier_is_missing_malformed_or_unknown() {
        let mut registry = Registry::default();
        let mut kind = |id| registry.name_of(id).map_err(|refusal| refusal.error_type());
        assert_eq!(kind(None), Err("Extension.MissingExtensionIdentifier"));
        assert_eq!(kind(Some("abc")), Err("Extension.InvalidExtensionIdentifier"));
        assert_eq!(kind(Some(ID)), Err("Extension.UnknownExtensionIdentifier"));
    }

    #[test]
    fn events_wait_for_everyone_who_registered_to_poll() {
        let mut registry = Registry::default();
        let silent = register(&mut registry, "silent", "[]", false).expect("registered");
        let hears = register(&mut registry, "hears", r#"["INVOKE"]"#, false).expect("registered");
        assert!(!registry.ready(false));
        assert!(registry.poll(Some(&silent), 1).is_ok());
        let Ok(ExtensionPoll::Parked(mut receiver)) = registry.poll(Some(&hears), 2) else { panic!("it must wait") };
        assert!(registry.ready(false));
        registry.invoke(&Bytes::from_static(b"event"));
        assert_eq!(receiver.try_recv().ok(), Some(Bytes::from_static(b"event")));
        assert!(!registry.ready(false), "it has not polled again");
        assert!(registry.ready(true));
    }

    #[test]
    fn an_event_for_one_who_does_not_wait_is_kept() {
        let mut registry = Registry::default();
        let id = register(&mut registry, "outside", r#"["SHUTDOWN"]"#, true).expect("registered");
        registry.shutdown(&Bytes::from_static(b"bye"));
        assert!(matches!(registry.poll(Some(&id), 1), Ok(ExtensionPoll::Now(event)) if event == "bye"));
    }
}
