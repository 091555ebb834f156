//! A look at what a module offers, without a process of it.

use super::journal::Journal;
use super::platform;
use crate::ffi::checked::checked;
use faas_abi::host::{FunctionEntry, LayerInstance};
use faas_abi::*;
use faas_core::host::{Environment, Shared, table};
use faas_core::log::{Format, Level, Log};
use faas_core::process::Process;
use std::sync::Arc;

/// Returns the functions that a module offers, with the events they are written for.
///
/// ```
/// use handlers_sdk::testing::functions;
/// use handlers_sdk::{function, module};
///
/// #[function]
/// fn order() {}
///
/// #[function]
/// fn cancel() {}
///
/// module!(functions: [order, cancel]);
///
/// let offered = functions(faas_module()).expect("it fits");
/// let names: Vec<String> = offered.iter().map(|function| function.name.to_string()).collect();
/// assert_eq!(names, ["order", "cancel"]);
/// ```
///
/// # Errors
/// The module does not fit, for this reason.
pub fn functions(module: &'static Module) -> Result<Vec<FunctionEntry>, String> {
    checked(module, F_STREAM_OUT | F_RECORDS).map(|module| module.functions).map_err(|faults| faults.join("; "))
}

/// Makes one instance of a module's first layer, to look at its table.
///
/// ```
/// use handlers_sdk::{Error, Layer, Phase, abi, layer};
///
/// #[derive(Default)]
/// struct Flushes;
///
/// #[layer]
/// impl Layer for Flushes {
///     fn after_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
///         Ok(())
///     }
/// }
///
/// let flushes = handlers_sdk::testing::layer(Flushes::MODULE, "").expect("it is made");
/// assert!(flushes.has_after(abi::CLOSE) && !flushes.has_before(abi::INVOKE));
/// ```
///
/// # Errors
/// The module does not fit, or the layer has a reason of its own.
pub fn layer(module: &'static Module, config: &str) -> Result<LayerInstance, String> {
    let checked = checked(module, F_STREAM_OUT).map_err(|faults| faults.join("; "))?;
    let layer = checked.layers.first().ok_or("the module has no layer")?;
    let log = Log::new(Level::Debug, Format::Json, Arc::new(Journal::default()));
    let shared = Shared::new(Arc::new(Process::new(platform::nowhere(), log)));
    layer.create(table(&shared, layer.name.to_string(), &Environment::default(), F_STREAM_OUT), config.as_bytes())
}
