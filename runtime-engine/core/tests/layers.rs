//! Layers from their names to their first calls: which are loaded, linked, skipped, how they are configured, and what
//! the log says of them.
#![allow(unsafe_code, reason = "a linked module is read through its table, as drivers do")]
#![allow(missing_docs, reason = "tests")]

use faas_abi::Module;
use faas_abi::host::{CheckedModule, Needs};
use faas_core::failure::Failure;
use faas_core::functions::{Linked, Loader};
use faas_core::http1::Assembly;
use faas_core::invocation::InvocationMetadata;
use faas_core::lifecycle::{Runtime, Start};
use faas_core::log::{Format, Level, LineKind, Log, Sink};
use faas_core::modules::{Files, Roots};
use faas_core::parking::block_on;
use faas_core::platform::HandlerName;
use faas_core::process::{Identity, Process};
use faas_core::settings::{Env, Settings};
use handlers_sdk::{Config, Error, FaasContext, Flow, Invocation, Layer, function, layer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[function]
fn order(ctx: FaasContext) -> String {
    format!("order {}", ctx.extension("who").unwrap_or("nobody"))
}

/// A layer that cannot do without its configuration.
struct Guard(String);

#[layer(name = "guard")]
impl Layer for Guard {
    fn create(config: &Config) -> Result<Self, Error> {
        let name = config.get("name")?.ok_or_else(|| Error::new("Guard.Config", "expected a key `name`"))?;
        Ok(Guard(name))
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        invocation.set_extension("who", &self.0).map(|()| Flow::Continue)
    }
}

/// A layer whose extensions of the host fail.
struct Clumsy;

#[layer(name = "clumsy")]
impl Layer for Clumsy {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Clumsy)
    }

    fn recognise(&self, _: &mut Invocation<'_>) -> Result<bool, Error> {
        panic!("no idea what this is")
    }

    fn context(&self, _: &mut Invocation<'_>) -> Result<(), Error> {
        Err(Error::new("Clumsy.Context", "nothing to add"))
    }
}

/// A layer that must not be skipped.
struct Gatekeeper;

#[layer(name = "gatekeeper", required)]
impl Layer for Gatekeeper {
    fn create(_: &Config) -> Result<Self, Error> {
        Err(Error::new("Gatekeeper.Keys", "there are no keys"))
    }
}

/// A layer whose hooks wait for files or locks.
#[derive(Default)]
struct Ledger;

#[layer(name = "ledger", blocking)]
impl Layer for Ledger {}

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Kept {
    fn lines(&self, level: &str) -> Vec<String> {
        let lines = self.0.lock().expect("no test panicked here");
        let of_level = lines.iter().filter_map(|line| line.split_once(&format!(" {level} - runtime: ")));
        of_level.map(|(_, message)| message.trim_end().to_owned()).collect()
    }
}

impl Sink for Kept {
    fn write(&self, line: &[u8], _: LineKind) {
        self.0.lock().expect("no test panicked here").push(String::from_utf8_lossy(line).into_owned());
    }
}

fn checked(module: &'static Module) -> CheckedModule {
    // SAFETY: a reference to a static table of this program; all it points to is static.
    unsafe { CheckedModule::read(module, Needs { features: u64::MAX }, &|_, _| true) }.expect("a module")
}

/// Libraries by the name of their file.
#[derive(Clone)]
struct Shelf(Vec<(&'static str, &'static Module)>);

impl Files for Shelf {
    fn exists(&self, path: &Path) -> bool {
        self.0.iter().any(|(file, _)| Path::new("/task").join(file) == path)
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

impl Loader for Shelf {
    fn load(&self, path: &Path, _: u64) -> Result<CheckedModule, String> {
        let found = self.0.iter().find(|(file, _)| Path::new("/task").join(file) == path);
        found.map(|(_, module)| checked(module)).ok_or_else(|| "no such file".to_owned())
    }
}

const NOTHING: Shelf = Shelf(Vec::new());

/// A start: the process with its log, and its outcome.
struct Started {
    log: Arc<Kept>,
    result: Result<Runtime, Failure>,
}

impl Started {
    fn failure(self) -> String {
        match self.result {
            Ok(_) => panic!("it starts"),
            Err(failure) => failure.to_string(),
        }
    }

    fn runtime(&self) -> &Runtime {
        self.result.as_ref().expect("it starts")
    }

    fn reply(&self) -> Result<String, String> {
        let runtime = self.result.as_ref().map_err(ToString::to_string)?;
        let mut place = runtime.place();
        let message = Assembly::request(Vec::new(), b"", b"", b"").finish();
        place.get_mut().renew(message, &InvocationMetadata::default(), true);
        block_on(runtime.invoke(&mut place));
        match place.get().failure() {
            Some(failure) => Err(failure.to_string()),
            None => Ok(String::from_utf8_lossy(place.get().reply().as_slice()).into_owned()),
        }
    }
}

/// Starts with these settings, and with variables that a one-file program finds by the names of its layers.
fn start(loader: Shelf, settings: &[(&str, &str)], linked: Linked, variables: &[(&str, &str)]) -> Started {
    let look_up = |name: &str| settings.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    let settings = Settings::read(&Env::new(&look_up)).expect("the settings fit");
    let log = Arc::new(Kept::default());
    let identity = Identity { platform: "http", ..Identity::default() };
    let process = Arc::new(Process::new(identity, Log::new(Level::Info, Format::Text, log.clone())));
    process.give_environment(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
    let roots = Roots { task: PathBuf::from("/task") };
    let handler = settings.handler.clone().map(|text| HandlerName { text, required: true });
    let start = Start { settings: &settings, manifest: None, roots: &roots, features: 0, linked };
    let result = block_on(Runtime::start(&process, Arc::new(loader), start, handler.as_ref()));
    Started { log, result }
}

fn linked(layers: &[&'static Module]) -> Linked {
    Linked {
        function: Some(checked(order::MODULE)),
        layers: layers.iter().map(|module| checked(module)).collect(),
        ..Linked::default()
    }
}

fn shelf() -> Shelf {
    Shelf(vec![
        ("liblayer_guard.so", Guard::MODULE),
        ("liblayer_clumsy.so", Clumsy::MODULE),
        ("liblayer_gatekeeper.so", Gatekeeper::MODULE),
    ])
}

#[test]
fn the_start_line_lists_the_layers_that_are_there_and_a_line_the_skipped_ones() {
    let layers = [("FAAS_LAYERS", "absent?,guard,guard.none?"), ("FAAS_LAYER_GUARD", r#"{"name":"ada"}"#)];
    let started = start(shelf(), &layers, linked(&[]), &[]);
    assert_eq!(started.reply(), Ok("order ada".into()));
    started.runtime().say_started(None, "FAAS_PLATFORM names it");
    let line = "platform http (FAAS_PLATFORM names it), function (the only function there is), layers guard";
    assert_eq!(started.log.lines("INFO"), [line]);
    // The environment of the tests has variables of its own.
    let mut skipped = started.log.lines("WARN");
    skipped.retain(|line| line.starts_with("skipped"));
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    assert!(skipped[0].starts_with("skipped: optional layer \"absent\": Runtime.LayerNotFound: "), "{skipped:?}");
    assert!(skipped[1].starts_with("skipped: optional layer \"guard.none\": Runtime.LayerNotFound: "), "{skipped:?}");
    let none = start(NOTHING, &[], linked(&[]), &[]);
    none.runtime().say_started(None, "why");
    assert_eq!(none.log.lines("INFO"), ["platform http (why), function (the only function there is), no layers"]);
}

#[test]
fn a_linked_layer_is_configured_by_its_name() {
    let variables = [("FAAS_LAYER_GUARD", r#"{"name":"eve"}"#)];
    let started = start(NOTHING, &[], linked(&[Guard::MODULE]), &variables);
    assert_eq!(started.reply(), Ok("order eve".into()));
    // As one that is named in the list, which may also make it optional.
    let named = [("FAAS_LAYERS", "guard?"), ("FAAS_LAYER_GUARD", r#"{"name":"ada"}"#)];
    assert_eq!(start(NOTHING, &named, linked(&[Guard::MODULE]), &[]).reply(), Ok("order ada".into()));
    let skipped = start(NOTHING, &named[..1], linked(&[Guard::MODULE]), &[]);
    assert_eq!(skipped.reply(), Ok("order nobody".into()));
    skipped.runtime().say_started(None, "why");
    assert!(skipped.log.lines("INFO")[0].ends_with(", no layers"));
}

#[test]
fn a_layer_that_must_not_be_skipped_refuses_to_be_optional() {
    let optional = [("FAAS_LAYERS", "gatekeeper?")];
    for started in
        [start(shelf(), &optional, linked(&[]), &[]), start(NOTHING, &optional, linked(&[Gatekeeper::MODULE]), &[])]
    {
        let expected = "Runtime.LayerRequired: FAAS_LAYERS makes layer gatekeeper optional, which that layer does not allow: write gatekeeper instead of gatekeeper?";
        assert_eq!(started.failure(), expected);
    }
    // Named without the mark, it is made, or its own failure is the start's.
    let failure = start(shelf(), &[("FAAS_LAYERS", "gatekeeper")], linked(&[]), &[]).failure();
    assert!(failure.ends_with("Gatekeeper.Keys: there are no keys"), "{failure}");
}

#[test]
fn a_layer_that_is_named_twice_is_made_twice() {
    let twice = [("FAAS_LAYERS", "guard,guard"), ("FAAS_LAYER_GUARD", r#"{"name":"ada"}"#)];
    let started = start(shelf(), &twice, linked(&[]), &[]);
    assert_eq!(started.runtime().chain().layers().len(), 2);
}

#[test]
fn a_list_of_layers_counts_beside_linked_ones() {
    let variables = [("FAAS_LAYER_GUARD", r#"{"name":"eve"}"#)];
    let clumsy = [("FAAS_LAYERS", "clumsy?")];
    let started = start(shelf(), &clumsy, linked(&[Guard::MODULE]), &variables);
    started.runtime().say_started(None, "why");
    assert!(started.log.lines("INFO")[0].ends_with(", layers guard, clumsy"), "{:?}", started.log.lines("INFO"));
    let failure = start(NOTHING, &[("FAAS_LAYERS", "monitor")], linked(&[Guard::MODULE]), &variables).failure();
    assert!(failure.starts_with("Runtime.LayerNotFound: no library for layer \"monitor\""), "{failure}");
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_once_with_its_variable() {
    let loaded = start(shelf(), &[("FAAS_LAYERS", "guard"), ("FAAS_LAYER_GUARD", "{}")], linked(&[]), &[]);
    let linked_one = start(NOTHING, &[], linked(&[Guard::MODULE]), &[("FAAS_LAYER_GUARD", "{}")]);
    for started in [loaded, linked_one] {
        let failure = started.failure();
        let expected = "Runtime.LayerFailed: layer guard could not be made with FAAS_LAYER_GUARD: Guard.Config: expected a key `name`";
        assert_eq!(failure, expected);
    }
    let without = start(NOTHING, &[], linked(&[Guard::MODULE]), &[]).failure();
    let expected = "layer guard could not be made without FAAS_LAYER_GUARD: Guard.Config: expected a key `name`";
    assert!(without.ends_with(expected), "{without}");
    let no_json = start(NOTHING, &[], linked(&[Guard::MODULE]), &[("FAAS_LAYER_GUARD", "{\"name\":secret}")]);
    let failure = no_json.failure();
    assert!(failure.contains("FAAS_LAYER_GUARD: expected JSON, found invalid JSON at byte 8"), "{failure}");
    assert!(!failure.contains("secret"), "{failure}");
}

#[test]
fn a_failed_recogniser_or_context_is_logged_and_leaves_no_words_behind() {
    let started = start(shelf(), &[("FAAS_LAYERS", "clumsy?")], linked(&[]), &[]);
    assert_eq!(started.reply(), Ok("order nobody".into()));
    let mut said = started.log.lines("WARN");
    said.retain(|line| line.starts_with("layer"));
    assert_eq!(
        said,
        [
            "layer clumsy failed in recognise and was skipped: no idea what this is",
            "layer clumsy failed in context and was skipped: nothing to add"
        ]
    );
}

#[test]
fn a_required_layer_whose_recogniser_fails_fails_the_invocation() {
    let started = start(shelf(), &[("FAAS_LAYERS", "clumsy")], linked(&[]), &[]);
    let reply = started.reply();
    assert!(reply.as_ref().is_err_and(|words| words.starts_with("Panic: no idea what this is")), "{reply:?}");
}

#[test]
fn no_layer_takes_part_in_a_phase_of_a_later_version() {
    let variables = [("FAAS_LAYER_GUARD", r#"{"name":"eve"}"#)];
    let started = start(NOTHING, &[], linked(&[Guard::MODULE]), &variables);
    let runtime = started.result.expect("it starts");
    for phase in [8, 31, u32::MAX] {
        assert!(!runtime.chain().has_phase(phase), "{phase}");
        let mut place = runtime.place();
        let run = runtime.chain().phase(phase, &mut place, async |_: &mut _| faas_abi::OK);
        assert_eq!(block_on(run), Ok(()), "{phase}");
    }
}

#[test]
fn a_layer_that_blocks_counts_for_how_calls_go() {
    let manner = |layers: &[&'static Module]| start(NOTHING, &[], linked(layers), &[]).runtime().call_manner();
    assert!(!manner(&[]).all_block);
    assert!(manner(&[Ledger::MODULE]).all_block);
}
