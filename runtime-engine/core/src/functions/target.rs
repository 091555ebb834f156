//! One function of the process: what it is made of and configured with, its instance once it has started, and who may
//! call it now.

use super::factory::{Factory, Wanted};
use super::fence::{Change, Fence, FenceRule};
use super::gate::{Admitted, Gate};
use super::refusal::Refusal;
use crate::chain::{self, Chain, Ending, Place};
use crate::failure::Failure;
use crate::host::Environment;
use crate::invocation::{Invocation, Served};
use crate::log::Level;
use crate::platform::HandlerName;
use crate::process::Process;
use crate::records::RecordRule;
use crate::settings::{LayerName, RecordSettings};
use crate::turn::Turns;
use faas_abi::host::FunctionInstance;
use faas_abi::{E_INTERNAL, F_STREAM_IN, FUNCTION_START, IS_BLOCKING, IS_INLINE, OK, RUNTIME_START};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The description of one function of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// Its name in the process; empty if it is the only one and has the name that its module gives it.
    pub(crate) name: String,
    /// The name of the function, or of it and its library; `None` if nobody has named either.
    pub(crate) handler: Option<HandlerName>,
    /// The library that holds it, where it is given and not looked for.
    pub(crate) code: Option<PathBuf>,
    /// Its configuration, JSON; may be empty.
    pub(crate) config: String,
    /// The source of the configuration, for messages.
    pub(crate) configured_by: String,
    /// Its own variables, which it and its own layers see over those of the process.
    pub(crate) environment: Environment,
    /// The limit of one of its invocations. With `None` it may take as long as the platform and the process let it.
    pub(crate) timeout: Option<Duration>,
    /// The number of its invocations that may run at once. With `None` it is as many as the process runs.
    pub(crate) concurrency: Option<usize>,
    /// The layers around it alone, outermost first, inside those of the process.
    pub(crate) layers: Vec<LayerName>,
    /// The rule by which callers are kept away from it; `None` if they never are.
    pub(crate) fence: Option<FenceRule>,
    /// `true` if it starts with its first invocation and not with the process.
    pub(crate) is_lazy: bool,
    /// The settings of its calls for the records of a batch.
    pub(crate) records: RecordSettings,
}

/// The identity of a function in its process, with which its phases and its invocations are marked.
#[derive(Clone, Debug)]
pub(crate) struct Whose {
    name: Arc<str>,
    served: Served,
}

impl Whose {
    /// Makes a place for a phase of the function.
    pub(crate) fn place(&self, process: &Arc<Process>) -> Place {
        let mut invocation = Invocation::new(process.clone(), self.name.clone());
        invocation.serve_as(&self.name, self.served);
        Place::new(invocation)
    }
}

/// A function that has started.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) whose: Whose,
    pub(crate) function: FunctionInstance,
    /// Its own layers alone, for the phases that the others have already been through.
    pub(crate) own: Chain,
    /// All layers around it, if it has own ones; otherwise those of the process.
    joined: Option<Box<Chain>>,
    /// The rule of its calls for the records of a batch.
    pub(crate) record_rule: RecordRule,
}

impl Started {
    /// Makes a function with these layers of its own, and with the chain that joins them to those around all functions.
    pub(crate) fn new(
        whose: Whose,
        function: FunctionInstance,
        own: Chain,
        joined: Option<Chain>,
        record_rule: RecordRule,
    ) -> Started {
        Started { whose, function, own, joined: joined.map(Box::new), record_rule }
    }

    /// Returns `true` if its calls say that they return soon: their waiting then needs no thread.
    pub(crate) fn returns_soon(&self) -> bool {
        let flags = self.function.flags();
        flags & IS_INLINE != 0 && flags & IS_BLOCKING == 0
    }

    /// Returns `true` if it wants the bodies of requests piece by piece.
    pub(crate) fn wants_pieces(&self) -> bool {
        self.function.wants() & F_STREAM_IN != 0
    }

    /// Returns `true` if the function or a layer of its own has work in this phase.
    pub(crate) fn has_phase(&self, phase: u32) -> bool {
        self.function.has_phase(phase) || self.own.has_phase(phase)
    }

    /// Returns `true` if layers stand around this function alone.
    pub(crate) fn has_own_layers(&self) -> bool {
        !self.own.layers().is_empty()
    }

    /// Gives the function and its own layers away, to be ended.
    pub(crate) fn end_in(self, ending: &mut Ending) {
        let Started { function, own, joined, .. } = self;
        drop(joined);
        ending.function(function);
        ending.layers(own);
    }

    /// Returns all layers around the function.
    pub(crate) fn chain<'a>(&'a self, process: &'a Chain) -> &'a Chain {
        self.joined.as_deref().unwrap_or(process)
    }
}

/// A start that has failed, with the instances that had been made by then.
#[derive(Debug)]
pub(crate) struct FailedStart {
    pub(crate) whose: Whose,
    pub(crate) failure: Failure,
    pub(crate) function: Option<FunctionInstance>,
    pub(crate) own: Chain,
}

impl FailedStart {
    /// Returns the failure, with the function's name in a process of several functions.
    pub(crate) fn of_function(&self) -> Failure {
        let mut failure = self.failure.clone();
        if self.whose.served.is_named {
            failure.message = format!("function {}: {}", self.whose.name, failure.message);
        }
        failure
    }

    /// Ends the instances that had been made, alone: the process goes on.
    pub(crate) fn end(self, process: &Process) {
        let mut ending = Ending::default();
        self.function.into_iter().for_each(|function| ending.function(function));
        ending.layers(self.own);
        ending.end(&process.services);
    }

    fn of(whose: Whose, why: &str, own: Chain) -> FailedStart {
        FailedStart { whose, failure: Failure::internal("Runtime.FunctionNotStarted", why), function: None, own }
    }
}

/// One function of the process.
#[derive(Debug)]
pub struct Function {
    target: Target,
    /// Its number among the functions of the process, counted from 0.
    number: usize,
    /// The name that its invocations carry.
    name: OnceLock<Arc<str>>,
    /// The function once it has started, in memory of its own: most functions of a process may never start.
    started: OnceLock<Box<Started>>,
    start: Turns,
    gate: Gate,
    fence: Fence,
}

impl Function {
    /// Makes a function that has not started.
    pub(crate) fn new(number: usize, target: Target) -> Function {
        let start = Turns::default();
        start.set_due();
        Function {
            number,
            name: OnceLock::new(),
            started: OnceLock::new(),
            start,
            gate: Gate::new(target.concurrency),
            fence: Fence::new(target.fence),
            target,
        }
    }

    /// Returns its name in the process. The only function has the name that its module gives it once it has started,
    /// and an empty one before.
    pub fn name(&self) -> &str {
        self.name.get().map_or(&self.target.name, |name| name)
    }

    /// Returns `true` if a manifest has named it.
    pub(crate) fn is_from_manifest(&self) -> bool {
        !self.target.name.is_empty()
    }

    /// Returns `true` if it starts with its first invocation and not with the process.
    pub(crate) fn is_lazy(&self) -> bool {
        self.target.is_lazy
    }

    /// Returns the started function, if it has started.
    pub(crate) fn started(&self) -> Option<&Started> {
        self.started.get().map(Box::as_ref)
    }

    /// Takes the started function, to end it.
    pub(crate) fn into_started(self) -> Option<Started> {
        self.started.into_inner().map(|started| *started)
    }

    /// Starts it, with its own layers, unless it has started. A caller that comes meanwhile waits.
    ///
    /// # Errors
    /// The error has the failure, and everything that had been made, which the caller has to close. The next to come
    /// tries again.
    pub(crate) async fn start(
        &self,
        process: &Arc<Process>,
        chain: &Chain,
        factory: &Factory,
    ) -> Result<&Started, FailedStart> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let Some(turn) = self.start.turn().await else {
            // Without a start there was a panic in the runtime, which has ended the turn without a word.
            let gone =
                || FailedStart::of(self.whose(), "its start was given up", Chain::new(Vec::new(), process.log.clone()));
            return self.started().ok_or_else(gone);
        };
        let made = self.make(process, chain, factory).await;
        let started = made.map(|started| {
            let _ = self.name.set(started.whose.name.clone());
            &**self.started.get_or_init(|| Box::new(started))
        });
        if started.is_err() {
            self.start.set_due();
        }
        drop(turn);
        started
    }

    async fn make(&self, process: &Arc<Process>, chain: &Chain, factory: &Factory) -> Result<Started, FailedStart> {
        let target = &self.target;
        let whose = self.whose();
        let place = || whose.place(process);
        let mut stack = Vec::new();
        let made = factory.own_layers(&target.layers, &target.environment, &mut stack);
        let own = Chain::new(stack, process.log.clone());
        let mut function = None;
        // A group's first function holds up the others until it has started, or has failed to.
        let (group, mut turn) = (OnceLock::new(), None);
        let started = async {
            made?;
            if own.has_phase(RUNTIME_START) {
                own.phase(RUNTIME_START, &mut place(), async |_: &mut Place| OK).await?;
            }
            let joined = (!own.layers().is_empty()).then(|| chain.around(&own));
            let shared = (&group, &mut turn);
            let start =
                async |place: &mut Place| match factory.function(self.wanted(), &target.environment, shared).await {
                    Ok(made) => {
                        let status = chain::call_phase(&made, FUNCTION_START, place).await;
                        function = Some(made);
                        status
                    }
                    Err(failure) => {
                        place.get_mut().set_failure(failure);
                        E_INTERNAL
                    }
                };
            joined.as_ref().unwrap_or(chain).phase(FUNCTION_START, &mut place(), start).await?;
            Ok(joined)
        };
        let started = started.await;
        if let (Some(group), Some(_), Err(_)) = (group.get(), &turn, &started) {
            group.start_failed();
        }
        match (started, function) {
            (Ok(joined), Some(function)) => {
                let name = if target.name.is_empty() { Arc::from(function.name()) } else { whose.name };
                let rule = RecordRule::of(function.flags(), target.records, target.concurrency);
                Ok(Started::new(Whose { name, ..whose }, function, own, joined, rule))
            }
            (Err(failure), function) => Err(FailedStart { whose, failure, function, own }),
            // Layers may recover a failed phase; without a function there is still nothing to run.
            (Ok(_), None) => {
                let why = "a layer recovered a failed FunctionStart, but there is no function to serve";
                Err(FailedStart::of(whose, why, own))
            }
        }
    }

    /// Returns the function and library that it is to be, with its configuration.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        let Target { name, handler, code, config, configured_by, concurrency, records, .. } = &self.target;
        let (concurrency, records) = (*concurrency, *records);
        Wanted { name, handler: handler.as_ref(), code: code.as_deref(), config, configured_by, concurrency, records }
    }

    fn served(&self) -> Served {
        Served { number: self.number, is_named: self.is_from_manifest() }
    }

    fn whose(&self) -> Whose {
        Whose { name: Arc::from(self.name()), served: self.served() }
    }

    /// Marks the invocation as this function's.
    pub(crate) fn mark(&self, invocation: &mut Invocation, process: &Process) {
        let name = self.name.get_or_init(|| Arc::from(self.target.name.as_str()));
        invocation.serve_as(name, self.served());
        if let Some(timeout) = self.target.timeout {
            invocation.limit(process, timeout);
        }
    }

    /// Lets one more invocation run.
    pub(crate) fn admit(&self, process: &Process) -> Result<Admitted<'_>, Refusal> {
        let function = || self.name().to_owned();
        let busy = || Refusal::Busy { function: function(), limit: self.gate.limit() };
        let admitted = self.gate.admit().ok_or_else(busy)?;
        let fenced = |left_ns| Refusal::Fenced { function: function(), left_ns };
        if self.fence.is_down() {
            return Ok(admitted);
        }
        self.fence.pass(process.now_ns()).map(|()| admitted).map_err(fenced)
    }

    /// Notes that its start has failed, for which an invocation has waited: the next ones need not try that.
    pub(crate) fn start_failed(&self, process: &Process) {
        self.say(process, self.fence.start_failed(process.now_ns()));
    }

    /// Notes that an invocation has ended: with this failure, or well if it is `None`.
    pub(crate) fn ended(&self, failure: Option<&Failure>, process: &Process) {
        let failed = failure.is_some_and(|failure| failure.is_panic() || failure.is_time_out());
        if failed || !self.fence.is_calm() {
            self.say(process, self.fence.ended(failed, process.now_ns()));
        }
    }

    fn say(&self, process: &Process, change: Change) {
        let name = self.name();
        match change {
            Change::None => {}
            Change::Up(failures) => {
                let pause = self.target.fence.map_or(Duration::ZERO, |rule| rule.pause);
                let message = format!(
                    "function {name} is fenced for {pause:?}: it has failed {failures} times in a row, or could not \
                     start; others go on"
                );
                process.log.say(Level::Warn, &message);
            }
            Change::Down => process.log.say(Level::Info, &format!("function {name} is fenced no more")),
        }
    }
}
