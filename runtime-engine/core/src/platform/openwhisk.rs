//! Apache OpenWhisk: the action container that the invoker talks HTTP to, and the ActionLoop child of the proxy that
//! the stock images hold.
//!
//! Sources: `docs/actions-new.md`, `docs/actions-actionloop.md` and `docs/webactions.md` of the repository
//! `apache/openwhisk`, its invoker, and the proxy in `apache/openwhisk-runtime-go`. Both ways carry the same
//! activations: a JSON object whose member `value` is the arguments, and an answer that is a JSON object or array.

mod action_loop;
mod container;
mod init;

use super::{BodyFrom, PlatformConfig, PlatformEntry, Protocol, error_document, http_common, nothing, reply_body};
use crate::failure::Failure;
use crate::http1::{Assembly, Message};
use crate::invocation::{Invocation, InvocationMetadata};
use crate::json::{self, Value, ValueKind, Writer};
use crate::process::{Deadline, Identity, Process};
use crate::report;
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trigger::MessageFormat;
use action_loop::ActionLoop;
use container::Container;
use std::borrow::Cow;
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "openwhisk";

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Apache OpenWhisk",
    short: "OpenWhisk",
    aliases: &["ow"],
    marks: "`__OW_PROXY_VERSION`, `__OW_EXECUTION_ENV` or `__OW_WAIT_FOR_ACK` (ActionLoop), `__OW_API_HOST` or \
            `__OW_ALLOW_CONCURRENT` (action container)",
    mark,
    trusted_hops: 0,
    open,
};

/// The variables that the proxy sets for its child alone.
const CHILD: [&str; 3] = ["__OW_PROXY_VERSION", "__OW_EXECUTION_ENV", "__OW_WAIT_FOR_ACK"];
/// The variables that the invoker sets for a container. The proxy passes those on, so the child's come first.
const CONTAINER: [&str; 2] = ["__OW_API_HOST", "__OW_ALLOW_CONCURRENT"];

/// The values that the activations of a container have in common. They come with the container's environment or with
/// `/init`, under the names that actions of other languages find it by, and an activation need not repeat it. Those of
/// one activation, as its id and its deadline, are not among them.
const STANDING: [&str; 5] =
    ["__OW_API_HOST", "__OW_API_KEY", "__OW_NAMESPACE", "__OW_ACTION_NAME", "__OW_ACTION_VERSION"];

/// The answer in place of a result that is neither object nor array, as the stock proxy words it.
const NO_RESULT: &str = "The action did not return a dictionary or array.";

/// The line that ends the log of an activation. The invoker looks for it on both descriptors.
const SENTINEL: &[u8] = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n";

fn mark(env: &Env<'_>) -> Option<&'static str> {
    env.first(&CHILD).or_else(|| env.first(&CONTAINER)).map(|(name, _)| name)
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let full = env.text("__OW_ACTION_NAME");
    let (package, action) = parts(&full);
    let identity = Identity {
        platform: NAME,
        function: env.get("FAAS_FUNCTION_NAME").unwrap_or_else(|| action.to_owned()),
        version: env.text("__OW_ACTION_VERSION"),
        service: package.to_owned(),
        account: env.text("__OW_NAMESPACE"),
        ..Identity::default()
    };
    let protocol = if env.first(&CHILD).is_some() {
        Protocol::Piping(Box::new(ActionLoop::read(env, settings)))
    } else {
        Protocol::Serving(Box::new(Container::read(env, settings)?))
    };
    Ok(PlatformConfig::new(identity, protocol))
}

/// Returns the package and name of `/namespace/package/name`. The package may be missing, and is empty then.
fn parts(full: &str) -> (&str, &str) {
    let mut parts = full.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let package = parts.next().filter(|_| full.matches('/').count() > 2).unwrap_or_default();
    (package, name)
}

/// The settings that activations are read with.
#[derive(Debug)]
struct Activations {
    /// The limit of an activation that brings no deadline; `None` if it has no limit.
    timeout: Option<Duration>,
    /// The values of [`STANDING`] in the process' own environment. A value is empty if its variable is not set.
    standing: [String; STANDING.len()],
}

impl Activations {
    fn read(env: &Env<'_>, settings: &Settings) -> Activations {
        Activations { timeout: settings.timeout, standing: STANDING.map(|name| env.text(name)) }
    }

    /// Makes an activation out of the object that brings it. The arguments are the message's body. Each other member is
    /// a header of the name by which actions in other languages find it in their environment. So is each thing that
    /// `/init` and the environment say of every activation, where this one does not say it.
    ///
    /// # Errors
    /// The text says what the object lacks.
    fn activation(&self, process: &Process, object: &[u8]) -> Result<(Message, InvocationMetadata), String> {
        let object = json::parse(object).map_err(|error| error.to_string())?;
        if object.kind() != ValueKind::Object {
            return Err("expected an object with the member value".to_owned());
        }
        let mut arguments: &[u8] = b"{}";
        let mut moment: Option<u64> = None;
        let mut told = [false; STANDING.len()];
        let mut assembly = Assembly::request(Vec::new(), b"POST", b"/run", b"");
        for (key, value) in object.members() {
            let key = key.as_str();
            if key == "value" {
                arguments = if value.is_null() { b"{}" } else { value.raw() };
                continue;
            }
            let text = text(value);
            if key == "deadline" {
                moment = text.trim().parse().ok().or(moment);
            }
            let mut name = b"__OW_".to_vec();
            name.extend(key.bytes().map(|byte| byte.to_ascii_uppercase()));
            if let Some(at) = STANDING.iter().position(|known| known.as_bytes() == name) {
                told[at] = true;
            }
            assembly.header(&name, text.as_bytes());
        }
        for ((name, own), _) in STANDING.iter().zip(&self.standing).zip(told).filter(|(_, told)| !told) {
            let value = process.given(name.as_bytes()).unwrap_or(own);
            if !value.is_empty() {
                assembly.header(name.as_bytes(), value.as_bytes());
            }
        }
        assembly.body().extend_from_slice(arguments);
        let message = assembly.finish();
        let mut metadata = metadata(&message);
        metadata.deadline = match moment {
            Some(moment) => {
                let id = metadata.request_id.read(message.bytes());
                Some(Deadline::at_moment(process, process.now_ns(), moment, self.timeout, id))
            }
            None => Deadline::within(process, self.timeout),
        };
        Ok((message, metadata))
    }
}

/// Returns the text of a member as a variable of the environment has it: a string's own text, the empty text for
/// `null`, and JSON for all else.
fn text(value: Value<'_>) -> Cow<'_, str> {
    match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default(),
        ValueKind::Null => Cow::Borrowed(""),
        ValueKind::Bool | ValueKind::Number | ValueKind::Array | ValueKind::Object => {
            String::from_utf8_lossy(value.raw())
        }
    }
}

fn metadata(message: &Message) -> InvocationMetadata {
    let bytes = message.bytes();
    let header = |name: &str| message.header(name).map_or(Span::EMPTY, |value| Span::of(bytes, value));
    let full = message.header("__OW_ACTION_NAME").and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    let (package, name) = parts(full);
    let mut metadata = InvocationMetadata {
        invoked_as: header("__OW_ACTION_NAME"),
        function: Span::of(bytes, name.as_bytes()),
        service: Span::of(bytes, package.as_bytes()),
        version: header("__OW_ACTION_VERSION"),
        account: header("__OW_NAMESPACE"),
        trace: header("__OW_TRANSACTION_ID"),
        format: MessageFormat::OpenWhisk,
        event: Span::of(bytes, message.body()),
        is_whole: true,
        ..InvocationMetadata::default()
    };
    // The id stands in lines of the log, where the invoker looks for the sentinel.
    let sentinel = SENTINEL.trim_ascii_end();
    let id = message.header("__OW_ACTIVATION_ID").unwrap_or_default();
    if !id.windows(sentinel.len()).any(|part| part == sentinel) {
        http_common::take_request_id(&mut metadata, bytes, id);
    }
    metadata
}

/// The outcome of an invocation.
enum Outcome {
    /// An object or array, there.
    Result(BodyFrom),
    /// The function replied with something that is not a result; it is in the reply.
    NoResult,
    /// It failed; the object of the error is in the scratch buffer.
    Failed,
}

/// Returns the outcome of an activation. Nothing but an object or array is a result, and the log has a line of any
/// other; no reply at all is an empty object.
fn outcome(invocation: &Invocation, scratch: &mut Vec<u8>) -> Outcome {
    if let Some(failure) = invocation.failure() {
        error(&error_document::to_sender(invocation, failure).to_string(), scratch);
        return Outcome::Failed;
    }
    let mut from = reply_body(invocation, nothing::ACTIVATION, scratch);
    if from == BodyFrom::Reply && invocation.reply().as_slice().is_empty() {
        scratch.extend_from_slice(nothing::ACTIVATION);
        from = BodyFrom::Scratch;
    }
    if from == BodyFrom::Scratch || is_result(invocation.reply().as_slice()) {
        return Outcome::Result(from);
    }
    report::unsent(invocation, &Failure::new("Function.NoResult", NO_RESULT));
    Outcome::NoResult
}

fn is_result(reply: &[u8]) -> bool {
    // A look at the first byte spares the rest of a large text.
    matches!(reply.trim_ascii_start().first(), Some(b'{' | b'[')) && json::parse(reply).is_ok()
}

/// Writes `{"error":…}` with these words.
fn error(what: &str, out: &mut Vec<u8>) {
    Writer::new(out).begin_object().key("error").string(what).end_object();
}

/// Returns the words for the sender of an activation that was not looked at, or that cannot be any more.
fn in_words(failure: &Failure) -> String {
    failure.for_owner().to_string()
}

#[cfg(test)]
mod testing {
    use super::*;

    pub(super) use crate::testing::{invocation, process};

    pub(super) fn opened(pairs: &[(&str, &str)]) -> Result<(Option<&'static str>, PlatformConfig), String> {
        crate::platform::testing::opened(&ENTRY, pairs)
    }

    /// Returns the reader of activations in that environment.
    pub(super) fn activations(pairs: &[(&str, &str)]) -> Activations {
        let look_up = crate::testing::look_up(pairs);
        let env = Env::new(&look_up);
        Activations::read(&env, &Settings::read(&env).expect("no setting is wrong here"))
    }

    /// Sets a reply, as the function would.
    pub(super) fn reply(invocation: &mut Invocation, code: u32, body: &str) {
        let body = faas_abi::host::Given::from(body.as_bytes().to_vec());
        assert_eq!(faas_abi::host::Invocation::reply(invocation, code, body), faas_abi::OK);
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{activations, invocation, opened, process, reply};
    use super::*;
    use crate::process::epoch_ms;
    use faas_abi::{REPLY_RAW, REPLY_VALUE};

    #[test]
    fn the_proxys_variables_mark_its_child_before_the_containers_mark_a_container() {
        let found = |pairs: &[(&str, &str)]| {
            let (mark, opened) = opened(pairs).expect("the variables fit");
            (mark, matches!(opened.protocol, Protocol::Piping(_)))
        };
        assert_eq!(found(&[("__OW_API_HOST", "h")]), (Some("__OW_API_HOST"), false));
        assert_eq!(found(&[("__OW_ALLOW_CONCURRENT", "true")]), (Some("__OW_ALLOW_CONCURRENT"), false));
        assert_eq!(found(&[("__OW_API_HOST", "h"), ("__OW_PROXY_VERSION", "1")]), (Some("__OW_PROXY_VERSION"), true));
        assert_eq!(found(&[("__OW_WAIT_FOR_ACK", "1")]), (Some("__OW_WAIT_FOR_ACK"), true));
        assert_eq!(found(&[]), (None, false));
    }

    #[test]
    fn a_childs_environment_names_the_action() {
        let pairs = [
            ("__OW_EXECUTION_ENV", "x"),
            ("__OW_ACTION_NAME", "/guest/shop/order"),
            ("__OW_ACTION_VERSION", "0.0.7"),
            ("__OW_NAMESPACE", "guest"),
        ];
        let identity = opened(&pairs).expect("the variables fit").1.identity;
        assert_eq!((identity.function.as_str(), identity.service.as_str()), ("order", "shop"));
        assert_eq!((identity.version.as_str(), identity.account.as_str()), ("0.0.7", "guest"));
    }

    #[test]
    fn a_name_may_have_no_package() {
        assert_eq!(parts("/guest/shop/order"), ("shop", "order"));
        assert_eq!(parts("/guest/order"), ("", "order"));
        assert_eq!(parts("order"), ("", "order"));
        assert_eq!(parts(""), ("", ""));
    }

    #[test]
    fn an_activation_is_its_arguments_and_every_other_member_is_a_word_of_the_platforms() {
        let (process, _) = process();
        let object = br#" {"activation_id":"a\u002d1","value": {"n": [1]},"action_name":"/ns/pkg/name","action_version":"0.0.2",
            "namespace":"ns","transaction_id":"t","deadline":"4102444800123","api_host":"https://h","extra":{"a":1},"none":null} "#;
        let (message, metadata) = activations(&[]).activation(&process, object).expect("an activation");
        let read = |span: Span| String::from_utf8(span.read(message.bytes()).to_vec()).expect("text");
        assert_eq!(read(metadata.event), r#"{"n": [1]}"#);
        assert_eq!((read(metadata.request_id), read(metadata.trace)), ("a-1".into(), "t".into()));
        assert_eq!((read(metadata.invoked_as), read(metadata.function)), ("/ns/pkg/name".into(), "name".into()));
        assert_eq!((read(metadata.service), read(metadata.version)), ("pkg".into(), "0.0.2".into()));
        assert_eq!(read(metadata.account), "ns");
        assert_eq!(metadata.deadline.map(|deadline| deadline.epoch_ms), Some(4_102_444_800_123));
        assert!(metadata.is_whole && metadata.format == MessageFormat::OpenWhisk);
        for (name, value) in [("__OW_API_HOST", "https://h"), ("__OW_EXTRA", r#"{"a":1}"#), ("__OW_NONE", "")] {
            assert_eq!(message.header(name), Some(value.as_bytes()), "{name}");
        }
        assert_eq!(message.header("__OW_VALUE"), None);
    }

    #[test]
    fn what_the_environment_or_init_says_of_every_activation_is_among_its_words() {
        let (process, _) = process();
        let activations =
            activations(&[("__OW_API_HOST", "https://h"), ("__OW_API_KEY", "old"), ("__OW_DEADLINE", "1")]);
        let told = |object: &str, name: &str| {
            let (message, _) = activations.activation(&process, object.as_bytes()).expect("an activation");
            let values: Vec<_> = message.headers().filter(|(other, _)| *other == name.as_bytes()).collect();
            assert!(values.len() < 2, "{name} stands twice");
            values.first().map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        assert_eq!(told("{}", "__OW_API_HOST").as_deref(), Some("https://h"));
        assert_eq!(told(r#"{"api_host":"https://other"}"#, "__OW_API_HOST").as_deref(), Some("https://other"));
        assert_eq!(told(r#"{"api_host":""}"#, "__OW_API_HOST").as_deref(), Some(""));
        assert_eq!(told("{}", "__OW_API_KEY").as_deref(), Some("old"));
        assert_eq!(told("{}", "__OW_DEADLINE"), None, "an earlier activation's");
        process
            .give_environment(vec![("__OW_API_KEY".into(), "new".into()), ("__OW_NAMESPACE".into(), "guest".into())]);
        assert_eq!(told("{}", "__OW_API_KEY").as_deref(), Some("new"), "init outweighs the environment");
        let (message, metadata) = activations.activation(&process, b"{}").expect("an activation");
        assert_eq!(metadata.account.read(message.bytes()), b"guest");
    }

    #[test]
    fn a_deadline_may_be_a_number_and_without_one_ours_counts() {
        let (process, _) = process();
        let deadline = |object: &str, ours: Option<&str>| {
            let settings = ours.map(|ours| [("FAAS_TIMEOUT", ours)]);
            let activations = activations(settings.as_ref().map_or(&[][..], |settings| settings));
            let metadata = activations.activation(&process, object.as_bytes()).expect("an activation").1;
            metadata.deadline.map(|deadline| deadline.epoch_ms)
        };
        assert_eq!(deadline(r#"{"deadline":4102444800123}"#, None), Some(4_102_444_800_123));
        for object in ["{}", r#"{"deadline":"soon"}"#, r#"{"deadline":null}"#] {
            assert_eq!(deadline(object, None), None, "{object}");
            let ours = deadline(object, Some("60s")).expect("ours");
            assert!((59_000..=60_000).contains(&(ours - epoch_ms())), "{object}");
        }
    }

    #[test]
    fn without_arguments_there_is_an_empty_object() {
        let (process, _) = process();
        for object in ["{}", r#"{"value":null}"#] {
            let (message, _) = activations(&[]).activation(&process, object.as_bytes()).expect("an activation");
            assert_eq!(message.body(), b"{}", "{object}");
        }
        let (message, _) = activations(&[]).activation(&process, br#"{"value":[1,2]}"#).expect("an activation");
        assert_eq!(message.body(), b"[1,2]");
    }

    #[test]
    fn what_is_no_object_is_no_activation() {
        let (process, _) = process();
        for object in ["", "[]", "7", "{", r#"{"value":}"#] {
            assert!(activations(&[]).activation(&process, object.as_bytes()).is_err(), "{object}");
        }
    }

    fn result(arguments: &str, code: u32, text: &str) -> (bool, String) {
        let (process, kept) = process();
        let object = format!(r#"{{"value":{arguments}}}"#);
        let (message, metadata) = activations(&[]).activation(&process, object.as_bytes()).expect("an activation");
        let mut invocation = invocation(&process, message, metadata);
        reply(&mut invocation, code, text);
        let mut scratch = Vec::new();
        let (good, from) = match outcome(&invocation, &mut scratch) {
            Outcome::Result(from) => (true, from),
            Outcome::NoResult => (false, BodyFrom::Reply),
            Outcome::Failed => (false, BodyFrom::Scratch),
        };
        let lines = kept.lines();
        let told = lines.iter().filter(|line| line.contains(" ERROR ") && line.contains("Function.NoResult: "));
        assert_eq!((lines.len(), told.count()), if good { (0, 0) } else { (1, 1) }, "{lines:?}");
        let body = if from == BodyFrom::Reply { invocation.reply().as_slice() } else { &scratch };
        (good, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[test]
    fn an_object_or_array_is_a_result_and_nothing_else_is() {
        for reply in [r#"{"a":1}"#, "[1, 2]", " {\n} ", r#"{"error":"mine"}"#] {
            assert_eq!(result("{}", REPLY_VALUE, reply), (true, reply.to_owned()));
            assert_eq!(result("{}", REPLY_RAW, reply), (true, reply.to_owned()));
        }
        for reply in ["\"text\"", "7", "null", "true", "{broken", "[1] 2", "plain", " "] {
            assert_eq!(result("{}", REPLY_VALUE, reply), (false, reply.to_owned()), "{reply}");
            assert_eq!(result("{}", REPLY_RAW, reply), (false, reply.to_owned()), "{reply}");
        }
        assert_eq!(result("{}", REPLY_VALUE, ""), (true, "{}".to_owned()), "nothing to say");
        assert_eq!(result("{}", 404, r#"{"no":1}"#), (true, r#"{"no":1}"#.to_owned()), "nobody there to see a status");
    }

    #[test]
    fn a_web_action_answers_in_the_controllers_shape() {
        let web = r#"{"__ow_method":"get","__ow_headers":{},"__ow_path":""}"#;
        let (good, text) = result(web, 404, "not here");
        assert!(good && text.starts_with(r#"{"statusCode":404,"headers":{"#), "{text}");
        let (good, text) = result(web, REPLY_RAW, r#"{"statusCode":204}"#);
        assert_eq!((good, text.as_str()), (true, r#"{"statusCode":204}"#));
        assert!(!result(web, REPLY_RAW, "no object").0);
    }
}
