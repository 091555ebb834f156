//! Several functions in one process: whose an invocation is, what each function has of its own, and what happens to the
//! others when one fails.
#![allow(unsafe_code, reason = "a linked module is read through its table, as drivers do")]
#![allow(missing_docs, reason = "tests")]

#[path = "../counting/mod.rs"]
mod counting;
mod own;
mod routing;
mod trouble;

use faas_abi::Module;
use faas_abi::host::{CheckedModule, Invocation as _, Needs};
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::functions::{Linked, Loader};
use faas_core::http1::Assembly;
use faas_core::invocation::{InvocationMetadata, Progress};
use faas_core::lifecycle::{Runtime, Start};
use faas_core::log::{Format, Level, LineKind, Log, Sink};
use faas_core::manifest::Manifest;
use faas_core::modules::{Files, Roots};
use faas_core::parking::block_on;
use faas_core::platform::HandlerName;
use faas_core::process::{Identity, Process as Whole};
use faas_core::settings::{Env, Settings};
use faas_core::trigger::MessageFormat;
use handlers_sdk::{Config, Error, FaasContext, Flow, Invocation, Layer, function, layer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Replies with the function's name and with the path parameter, configuration, variable and extension that it sees.
#[function]
fn show(ctx: FaasContext) -> String {
    let config = ctx.config().get::<String>("greeting").ok().flatten().unwrap_or_else(|| "-".to_owned());
    let id = ctx.http().and_then(|http| http.path_param("id")).unwrap_or("-");
    let table = ctx.env("TABLE").unwrap_or("-");
    let layers = ctx.extension("layers").unwrap_or("-");
    format!("{} id={id} greeting={config} table={table} layers={layers}", ctx.function())
}

/// Does the act that the body of the event names.
#[function]
fn obey(ctx: FaasContext) -> Result<String, Error> {
    match ctx.body() {
        b"panic" => panic!("as told"),
        b"error" => Err(Error::new("Shop.Closed", "as told")),
        _ => Ok("well".to_owned()),
    }
}

/// A layer that adds its name to those before it.
struct Tag(String);

#[layer(name = "tag")]
impl Layer for Tag {
    fn create(config: &Config) -> Result<Self, Error> {
        Ok(Tag(config.get("name")?.unwrap_or_else(|| "tag".to_owned())))
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let all = match invocation.extension("layers") {
            Some(others) => format!("{others}>{}", self.0),
            None => self.0.clone(),
        };
        invocation.set_extension("layers", &all).map(|()| Flow::Continue)
    }
}

/// A layer that knows messages of a source of its own, and cannot keep the messages of others apart.
struct Pigeons;

#[layer(name = "pigeons")]
impl Layer for Pigeons {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Pigeons)
    }

    fn recognise(&self, invocation: &mut Invocation<'_>) -> Result<bool, Error> {
        if !invocation.event().starts_with(b"coo ") {
            return Ok(false);
        }
        invocation.set_meta(faas_abi::META_TRIGGER, "queue")?;
        invocation.set_meta(faas_abi::META_SOURCE, "pigeons")?;
        Ok(true)
    }
}

/// A loader of the libraries in [`LIBRARIES`]; any other is missing.
#[derive(Clone)]
struct Shelf {
    opened: Arc<Mutex<Vec<String>>>,
}

/// A file and the module in it.
type Library = (&'static str, fn() -> &'static Module);

const LIBRARIES: [Library; 6] = [
    ("libshow.so", || show::MODULE),
    ("libobey.so", || obey::MODULE),
    ("liblayer_pigeons.so", || Pigeons::MODULE),
    ("liblayer_tag.so", || Tag::MODULE),
    ("liblayer_after.so", || own::After::MODULE),
    ("liblayer_slow.so", || trouble::Slow::MODULE),
];

impl Files for Shelf {
    fn exists(&self, path: &Path) -> bool {
        LIBRARIES.iter().any(|(file, _)| Path::new("/task").join(file) == path)
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

impl Loader for Shelf {
    fn load(&self, path: &Path, _: u64) -> Result<CheckedModule, String> {
        let found = LIBRARIES.iter().find(|(file, _)| Path::new("/task").join(file) == path);
        let (file, module) = found.ok_or_else(|| "no such file".to_owned())?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push((*file).to_owned());
        // SAFETY: a reference to a static table of this program; all it points to is static.
        Ok(unsafe { CheckedModule::read(module(), Needs { features: u64::MAX }, &|_, _| true) }.expect("a module"))
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Sink for Kept {
    fn write(&self, line: &[u8], _: LineKind) {
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// A process of several functions.
struct Process {
    runtime: Runtime,
    log: Arc<Kept>,
    opened: Arc<Mutex<Vec<String>>>,
}

/// The end of an invocation.
#[derive(Debug, PartialEq)]
enum Answer {
    Reply(u32, String),
    Failure(String),
}

/// Starts a process of this manifest. `handler` is the platform's, or that of `FAAS_HANDLER` if it is required.
fn try_start(manifest: &str, handler: Option<HandlerName>) -> Result<Process, Failure> {
    try_start_as("", manifest, handler)
}

/// Starts a process that the platform calls by this name.
fn try_start_as(service: &str, manifest: &str, handler: Option<HandlerName>) -> Result<Process, Failure> {
    let manifest = Manifest::read(manifest.as_bytes()).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let own = handler.as_ref().filter(|handler| handler.required).map(|handler| handler.text.clone());
    let look_up = |name: &str| own.clone().filter(|_| name == "FAAS_HANDLER");
    let settings = Settings::read(&Env::new(&look_up)).expect("a name is fine");
    let log = Arc::new(Kept::default());
    let identity = Identity { function: service.to_owned(), ..Identity::default() };
    let unit = Arc::new(Whole::new(identity, Log::new(Level::Debug, Format::Text, log.clone())));
    let roots = Roots { task: PathBuf::from("/task") };
    let opened = Arc::<Mutex<Vec<String>>>::default();
    let loader = Arc::new(Shelf { opened: opened.clone() });
    let start =
        Start { settings: &settings, manifest: Some(&manifest), roots: &roots, features: 0, linked: Linked::default() };
    let runtime = block_on(Runtime::start(&unit, loader, start, handler.as_ref()))?;
    Ok(Process { runtime, log, opened })
}

fn start(manifest: &str) -> Process {
    try_start(manifest, None).unwrap_or_else(|failure| panic!("{failure}"))
}

impl Process {
    fn whole(&self) -> &Arc<Whole> {
        self.runtime.process()
    }

    fn invoke(&self, message: Assembly, metadata: InvocationMetadata) -> (Place, Answer) {
        let mut place = self.runtime.place();
        place.get_mut().renew(message.finish(), &metadata, false);
        place.get_mut().set_request_id(b"id-1");
        assert!(block_on(self.runtime.invoke(&mut place)));
        let invocation = place.get();
        let answer = match invocation.failure() {
            Some(failure) => Answer::Failure(failure.for_caller().to_string()),
            None => {
                let status = match invocation.progress() {
                    Progress::Set(_) => invocation.num(faas_abi::NUM_REPLY_STATUS),
                    other => panic!("{other:?}"),
                };
                let body = String::from_utf8_lossy(invocation.reply().as_slice()).into_owned();
                Answer::Reply(u32::try_from(status).expect("a status"), body)
            }
        };
        (place, answer)
    }

    /// Sends a request; returns its outcome and the reply's headers.
    fn request(&self, method: &str, target: &str) -> (Answer, Vec<(String, String)>) {
        let message = Assembly::request(Vec::new(), method.as_bytes(), target.as_bytes(), b"");
        let (place, answer) = self
            .invoke(message, InvocationMetadata { format: MessageFormat::Request, ..InvocationMetadata::default() });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = place.get().reply_headers().iter().map(|(name, value)| (text(name), text(value))).collect();
        (answer, headers)
    }

    fn get(&self, target: &str) -> Answer {
        self.request("GET", target).0
    }

    /// Invokes with an event and returns the answer.
    fn event(&self, event: &str) -> Answer {
        self.event_for("", event)
    }

    /// Sends an event that the platform addresses to a function of this name, or to the process if it is empty.
    fn event_for(&self, function: &str, event: &str) -> Answer {
        let mut message = Assembly::request(Vec::new(), b"POST", format!("/{function}").as_bytes(), b"");
        message.body().extend_from_slice(event.as_bytes());
        let message = message.finish();
        let bytes = message.bytes();
        let at = bytes.windows(function.len().max(1)).position(|window| window == function.as_bytes()).unwrap_or(0);
        let addressee = faas_core::text::Span::of(bytes, &bytes[at..at + function.len()]);
        let metadata = InvocationMetadata { addressee, ..InvocationMetadata::default() };
        let mut place = self.runtime.place();
        place.get_mut().renew(message, &metadata, false);
        assert!(block_on(self.runtime.invoke(&mut place)));
        match place.get().failure() {
            Some(failure) => Answer::Failure(failure.for_owner().to_string()),
            None => Answer::Reply(200, String::from_utf8_lossy(place.get().reply().as_slice()).into_owned()),
        }
    }

    fn lines(&self, level: &str) -> Vec<String> {
        let lines = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.contains(&format!(" {level} "))).cloned().collect()
    }
}

fn reply(text: &str) -> Answer {
    Answer::Reply(200, text.to_owned())
}
