//! The phases of the runtime inside a `main` that is not the project's: a managed runtime's, a test's, a program's own.

use crate::DRIVER;
use faas_abi::{F_MAY_BLOCK, F_RECORDS, Module};
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::functions::Linked;
use faas_core::http1::Assembly;
use faas_core::invocation::InvocationMetadata;
use faas_core::lifecycle::{RequestIds, Runtime, Start};
use faas_core::log::Log;
use faas_core::modules::Roots;
use faas_core::parking::block_on;
use faas_core::platform::{HandlerName, LogTo};
use faas_core::process::{Identity, Process};
use faas_core::settings::{Env, Settings};
use faas_unix::loader::{self, Libraries};
use faas_unix::output::Output;
use faas_unix::start;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A set of layers that has no function yet.
///
/// ```
/// use light_runtime::LightRuntime;
///
/// let layers = [layer_monitor::Monitor::MODULE];
/// let mut echo = LightRuntime::new(&layers).wrap(echo::echo::MODULE)?; // RuntimeStart, FunctionStart
/// let reply = echo.invoke(b"hello")?;                                   // Invoke
/// assert_eq!(reply, b"hello");
/// echo.close();                                                         // Close
/// # Ok::<(), light_runtime::Failed>(())
/// ```
#[derive(Debug)]
pub struct LightRuntime {
    layers: Vec<&'static Module>,
}

/// A function that is started, with its layers.
#[derive(Debug)]
pub struct Wrapped {
    runtime: Runtime,
    place: Place,
    ids: RequestIds,
}

/// The failure of a start or of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The kind of the failure, in dotted words.
    pub kind: String,
    /// The message: one sentence.
    pub message: String,
    /// The causes and the location, line by line; may be empty.
    pub detail: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Failed {}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Failed {
        Failed { kind: failure.kind, message: failure.message, detail: failure.detail }
    }
}

impl LightRuntime {
    /// Makes a runtime with these layers, outermost first.
    pub fn new(layers: &[&'static Module]) -> LightRuntime {
        LightRuntime { layers: layers.to_vec() }
    }

    /// Starts the function of `module` inside the layers: RuntimeStart and FunctionStart run here. Settings come from
    /// the environment as in the programs; signals and deadlines stay with the process' owner.
    ///
    /// # Errors
    /// A setting, a module or a start does not fit.
    pub fn wrap(self, module: &'static Module) -> Result<Wrapped, Failed> {
        let look_up = |name: &str| std::env::var(name).ok();
        let env = Env::new(&look_up);
        let settings =
            Settings::read(&env).map_err(|bad| Failure::new("Runtime.InvalidConfiguration", bad.to_string()))?;
        let log = Log::new(settings.level, settings.format, Arc::new(Output::new(None, LogTo::Output)));
        let identity = Identity { platform: "embedded", ..Identity::default() };
        let process = Arc::new(Process::by(start::clock(), identity, log));
        let features = F_MAY_BLOCK | F_RECORDS;
        let check = |module| loader::linked(module, features).map_err(|why| Failure::new("Runtime.LoadFailed", why));
        let layers = self.layers.iter().map(|module| check(*module)).collect::<Result<_, _>>()?;
        let linked = Linked { function: Some(check(module)?), layers, ..Linked::default() };
        let roots = Roots { task: PathBuf::new() };
        let handler = settings.handler.clone().map(|text| HandlerName { text, required: true });
        let start = Start { settings: &settings, manifest: None, roots: &roots, features, linked };
        let runtime = block_on(Runtime::start(&process, Arc::new(Libraries(DRIVER.open)), start, handler.as_ref()))?;
        let place = runtime.place();
        Ok(Wrapped { runtime, place, ids: RequestIds::default() })
    }
}

impl Wrapped {
    /// Serves one event and returns the reply's bytes.
    ///
    /// # Errors
    /// The error is the function's or a layer's failure.
    pub fn invoke(&mut self, event: &[u8]) -> Result<Vec<u8>, Failed> {
        let cold = self.runtime.process().enter();
        self.place.reset();
        let memory = self.place.get_mut().clear().map(faas_core::http1::Message::into_buffer).unwrap_or_default();
        let mut assembly = Assembly::request(memory, b"", b"", b"");
        assembly.body().extend_from_slice(event);
        let invocation = self.place.get_mut();
        invocation.renew(assembly.finish(), &InvocationMetadata::default(), cold);
        invocation.set_request_id(&self.ids.next());
        block_on(self.runtime.invoke(&mut self.place));
        self.runtime.process().leave();
        let invocation = self.place.get();
        match invocation.failure() {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(invocation.reply().as_slice().to_vec()),
        }
    }

    /// Runs Close and ends every instance.
    pub fn close(self) {
        drop(self.place);
        block_on(self.runtime.close());
    }
}
