//! A phase in the life of the process, as a layer's hook sees it.

use crate::call::reads::process_reads;
use crate::error::Error;
use crate::ffi::{Reader, Writer};
use crate::host::values;
use crate::layer::invocation::accepted;
use crate::log::Level;
use faas_abi::*;
use std::any::Any;
use std::fmt::{self, Arguments, Display};

/// The phase a hook is called for: RuntimeStart, FunctionStart, Suspend, Resume or Close. There is no request in it.
///
/// ```
/// use handlers_sdk::{Error, Layer, Phase, layer};
///
/// #[derive(Default)]
/// struct Greeter;
///
/// #[layer]
/// impl Layer for Greeter {
///     fn after_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
///         handlers_sdk::info!("{} is ready on {}", phase.function(), phase.platform());
///         Ok(())
///     }
/// }
/// ```
pub struct Phase<'a> {
    writer: Writer<'a>,
    number: u32,
}

impl<'a> Phase<'a> {
    pub(crate) fn new(writer: Writer<'a>, number: u32) -> Phase<'a> {
        Phase { writer, number }
    }

    fn reader(&self) -> Reader<'_> {
        self.writer.reader()
    }

    process_reads!();

    /// Returns the phase's name, as the documentation has it: `"FunctionStart"`. It is empty for a phase of a later
    /// version.
    pub fn name(&self) -> &'static str {
        match self.number {
            RUNTIME_START => "RuntimeStart",
            FUNCTION_START => "FunctionStart",
            CLOSE => "Close",
            SUSPEND => "Suspend",
            RESUME => "Resume",
            _ => "",
        }
    }

    /// Leaves a typed value for the later hooks of this same phase; one for each type. It is dropped with the phase.
    ///
    /// # Errors
    /// The host refuses it.
    pub fn set_value<T: Any + Send + Sync>(&mut self, value: T) -> Result<(), Error> {
        accepted("a value", values::set(&mut self.writer, value))
    }

    /// Returns the typed value, to change it; `None` if there is none of this type.
    pub fn value_mut<T: Any + Send + Sync>(&mut self) -> Option<&mut T> {
        values::get_mut(&mut self.writer)
    }

    /// Returns the host's monotonic clock in nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.reader().entry().now_ns()
    }

    /// Returns the moment at which the process began, on the clock of [`now_ns`](Self::now_ns); `None` if the host does
    /// not know it.
    pub fn started_ns(&self) -> Option<u64> {
        Some(self.reader().num(NUM_STARTED_NS)).filter(|ns| *ns != 0)
    }

    /// Returns `true` if a line of this level would be written.
    pub fn log_enabled(&self, level: Level) -> bool {
        crate::log::is_enabled(self.reader().entry(), level)
    }

    /// Writes a log line with fields. The host adds time and layer.
    pub fn log(&self, level: Level, message: Arguments<'_>, fields: &[(&str, &dyn Display)]) {
        crate::log::write_within(self.reader(), level, message, fields);
    }
}

impl fmt::Debug for Phase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phase").field("name", &self.name()).finish_non_exhaustive()
    }
}
