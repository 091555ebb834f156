//! Layers and functions kept over several invocations.

use super::host::{LogLine, Shared, TestHost};
use super::inv::{Peer, TestInvocation};
use super::invoke::{Answer, Invoke};
use super::{onion, records};
use crate::glue::checked::checked;
use faas_abi::host::{Cancel, FunctionInstance, LayerInstance, Lease, table};
use faas_abi::*;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

/// What an [`App`] is made of.
#[derive(Default)]
pub struct Builder {
    modules: Vec<(&'static Module, String)>,
    lends_thread: bool,
    shared: Arc<Shared>,
}

impl Builder {
    /// Functions and layers; layers stand in the order in which they come, the first outermost.
    #[must_use]
    pub fn module(self, module: &'static Module) -> Builder {
        self.configured(module, "")
    }

    /// The same, with a configuration for each entry of the module: JSON.
    #[must_use]
    pub fn configured(mut self, module: &'static Module, config: &str) -> Builder {
        self.modules.push((module, config.to_owned()));
        self
    }

    /// A configured or environment value that every entry sees.
    #[must_use]
    pub fn config(self, key: &str, value: &str) -> Builder {
        self.shared.configure(key, value);
        self
    }

    /// The host lends its thread: futures are finished on it, as in light-runtime.
    #[must_use]
    pub fn lends_thread(mut self) -> Builder {
        self.lends_thread = true;
        self
    }

    /// Creates the entries and runs the phases of the start.
    ///
    /// # Errors
    /// What does not fit, or which entry or phase failed and why.
    pub fn start(self) -> Result<App, String> {
        let features = F_STREAM_OUT | F_CONCURRENT | F_RECORDS | if self.lends_thread { F_MAY_BLOCK } else { 0 };
        let host = || table(TestHost { shared: self.shared.clone(), born: Instant::now() }, features);
        let mut app = App { layers: Vec::new(), functions: Vec::new(), shared: self.shared.clone() };
        for (module, config) in self.modules {
            let module = checked(module, features).map_err(|faults| faults.join("; "))?;
            for layer in module.layers {
                let made = layer.create(host(), config.as_bytes());
                app.layers.push(made.map_err(|why| format!("layer {}: {why}", layer.name))?);
            }
            for function in module.functions {
                let made = function.create(host(), config.as_bytes());
                app.functions.push(made.map_err(|why| format!("function {}: {why}", function.name))?);
            }
        }
        app.phase(RUNTIME_START)?;
        app.phase(FUNCTION_START)?;
        Ok(app)
    }
}

/// One instance of a module's only layer, to look at its table.
///
/// # Errors
/// What does not fit, or the layer's own reason.
pub fn layer(module: &'static Module, config: &str) -> Result<LayerInstance, String> {
    let checked = checked(module, F_STREAM_OUT).map_err(|faults| faults.join("; "))?;
    let layer = checked.layers.first().ok_or("the module has no layer")?;
    layer.create(table(TestHost { shared: Arc::default(), born: Instant::now() }, F_STREAM_OUT), config.as_bytes())
}

/// Started layers and functions.
pub struct App {
    layers: Vec<LayerInstance>,
    functions: Vec<FunctionInstance>,
    shared: Arc<Shared>,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(super) fn wait(lease: &mut Lease<TestInvocation>, status: Status) -> Status {
    if status != PENDING {
        return status;
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        if let Poll::Ready(status) = lease.poll_done(&mut Context::from_waker(&waker)) {
            return status;
        }
        std::thread::park();
    }
}

impl App {
    /// Nothing yet.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn phase(&self, phase: u32) -> Result<(), String> {
        let mut lease = Lease::new(TestInvocation::default());
        let (entered, mut status) = onion::enter(&self.layers, phase, &mut lease);
        if status == OK && phase != RUNTIME_START {
            for function in &self.functions {
                let called = function.phase(phase, &mut lease);
                status = wait(&mut lease, called);
                if status < 0 {
                    break;
                }
            }
        }
        let status = onion::leave(&self.layers[..entered], phase, status, &mut lease);
        if status < 0 {
            let [kind, message, detail] = lease.get().failure.clone().unwrap_or_default();
            return Err(format!("phase {phase}: {kind}: {message} {detail}"));
        }
        Ok(())
    }

    /// Runs one of the phases `SUSPEND`, `RESUME`, `REPLIED` of `handlers_sdk::abi`.
    ///
    /// # Errors
    /// Which hook or function failed and why.
    pub fn run_phase(&self, phase: u32) -> Result<(), String> {
        self.phase(phase)
    }

    /// Invokes a function and waits for the end.
    ///
    /// # Panics
    /// There is no such function, or several and none is named.
    pub fn invoke(&self, invoke: Invoke) -> Answer {
        self.begin(invoke).wait()
    }

    /// Invokes a function; it may still be running when this returns.
    ///
    /// # Panics
    /// As [`invoke`](Self::invoke).
    pub fn begin(&self, invoke: Invoke) -> Running<'_> {
        let wanted = invoke.function.clone();
        let found = self.functions.iter().find(|function| wanted.as_deref().is_none_or(|name| name == function.name()));
        let function = match (found, &wanted) {
            (Some(function), Some(_)) => function,
            (Some(function), None) if self.functions.len() == 1 => function,
            _ => {
                let names: Vec<&str> = self.functions.iter().map(FunctionInstance::name).collect();
                panic!("expected a function of {names:?}, found {wanted:?}");
            }
        };
        let mut inv = invoke.build();
        inv.heads = self.layers.iter().filter_map(LayerInstance::head_hook).collect();
        let mut lease = Lease::new(inv);
        if matches!(lease.get().peer, Peer::StuckAfter(_)) {
            let cancel = lease.cancel_handle();
            lease.get_mut().cancel = Some(cancel);
        }
        // A status that has no meaning there is a failure, as in the runtimes.
        let contexts = self.layers.iter().map(|layer| layer.context(&mut lease));
        let context = contexts.map(|status| if status > OK { E_INTERNAL } else { status }).find(|status| *status < 0);
        let (entered, mut status) = match context {
            Some(status) => (0, status),
            None => onion::enter(&self.layers, INVOKE, &mut lease),
        };
        let takes_records = function.flags() & IS_PER_RECORD != 0 && !lease.get().list(LIST_RECORD).is_empty();
        if status == OK && takes_records {
            status = records::run(&self.layers, function, &mut lease);
        } else if status == OK {
            status = function.invoke(&mut lease);
        }
        Running { app: self, lease, entered, status }
    }

    /// What was logged so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.shared.logs()
    }

    /// The lines that were emitted as they are.
    pub fn emitted(&self) -> Vec<String> {
        self.shared.emitted()
    }

    /// Runs the phase Close and ends the entries. All that was logged.
    ///
    /// # Panics
    /// A hook of the phase fails.
    pub fn close(self) -> Vec<LogLine> {
        self.phase(CLOSE).unwrap_or_else(|why| panic!("{why}"));
        self.functions.into_iter().for_each(FunctionInstance::destroy);
        self.layers.into_iter().rev().for_each(LayerInstance::destroy);
        self.shared.logs()
    }
}

/// An invocation that may not have ended.
pub struct Running<'a> {
    app: &'a App,
    lease: Lease<TestInvocation>,
    entered: usize,
    status: Status,
}

impl Running<'_> {
    /// Did the function answer `PENDING`, and has not ended since?
    pub fn is_pending(&mut self) -> bool {
        if self.status == PENDING
            && let Poll::Ready(status) = self.lease.poll_done(&mut Context::from_waker(Waker::noop()))
        {
            self.status = status;
        }
        self.status == PENDING
    }

    /// Says that it should stop; `reason` is one of `abi::CANCEL_…`.
    pub fn cancel(&self, reason: u32) {
        let handle: Cancel<TestInvocation> = self.lease.cancel_handle();
        handle.fire(reason);
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Answer {
        let status = wait(&mut self.lease, self.status);
        let status = onion::leave(&self.app.layers[..self.entered], INVOKE, status, &mut self.lease);
        Answer::of(self.lease.get(), status, self.app.logs())
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("modules", &self.modules.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let functions: Vec<&str> = self.functions.iter().map(FunctionInstance::name).collect();
        f.debug_struct("App").field("functions", &functions).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("status", &self.status).finish_non_exhaustive()
    }
}
