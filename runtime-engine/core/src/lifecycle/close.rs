//! Close: in reverse of start, of a whole process, of one that could not start, and of a function alone.

use super::told;
use crate::chain::{self, Chain, Ending, Place};
use crate::failure::Failure;
use crate::functions::target::{FailedStart, Started, Whose};
use crate::invocation::Invocation;
use crate::process::Process;
use crate::records::RecordRule;
use crate::report;
use crate::settings::RecordSettings;
use faas_abi::host::FunctionInstance;
use faas_abi::{CLOSE, OK};
use std::sync::Arc;

/// Runs Close: layers of the process inward, functions in reverse of start, layers outward. A failure is logged.
pub(super) async fn close_phase(process: &Arc<Process>, chain: &Chain, functions: &[&Started]) -> Result<(), Failure> {
    let mut place = match functions {
        [only] => only.whose.place(process),
        _ => Place::new(Invocation::new(process.clone(), Arc::from(""))),
    };
    let mut of_functions = Ok(());
    let phase = chain.phase(CLOSE, &mut place, async |place: &mut Place| match functions {
        [only] if !only.has_own_layers() => chain::call_phase(&only.function, CLOSE, place).await,
        functions => {
            for started in functions.iter().rev().filter(|started| started.has_phase(CLOSE)) {
                let closed = close_one(process, &started.whose, &started.own, Some(&started.function)).await;
                of_functions = std::mem::replace(&mut of_functions, Ok(())).and(closed);
            }
            OK
        }
    });
    let result = phase.await.map_err(|failure| {
        report::failed(place.get(), CLOSE, &failure);
        told(failure, process)
    });
    result.and(of_functions)
}

/// Runs Close of one function and of its own layers. A failure is logged.
async fn close_one(
    process: &Arc<Process>,
    whose: &Whose,
    own: &Chain,
    function: Option<&FunctionInstance>,
) -> Result<(), Failure> {
    let mut place = whose.place(process);
    let phase = own.phase(CLOSE, &mut place, async |place: &mut Place| match function {
        Some(function) => chain::call_phase(function, CLOSE, place).await,
        None => OK,
    });
    phase.await.map_err(|failure| {
        report::failed(place.get(), CLOSE, &failure);
        told(failure, process)
    })
}

/// Runs Close of the instances that were made for a function that could not start, and ends them.
pub(super) async fn end_alone(process: &Arc<Process>, failed: FailedStart) {
    // Nobody is told but the log.
    let _ = close_one(process, &failed.whose, &failed.own, failed.function.as_ref()).await;
    failed.end(process);
}

/// Runs Close, if `phase`, and ends every instance. Functions come in reverse of start, each with its own layers, then
/// the layers of the process. `failed` holds the instances that were made for a function that could not start.
pub(super) async fn close(
    process: &Arc<Process>,
    chain: Chain,
    started: Vec<Started>,
    failed: Option<FailedStart>,
    phase: bool,
) {
    let mut started = started;
    match failed {
        Some(FailedStart { whose, function: Some(function), own, .. }) => {
            let rule = RecordRule::of(function.flags(), RecordSettings::default(), None);
            started.push(Started::new(whose, function, own, None, rule));
        }
        Some(failed) => end_alone(process, failed).await,
        None => {}
    }
    if phase {
        // Nobody is told but the log.
        let _ = close_phase(process, &chain, &started.iter().collect::<Vec<_>>()).await;
    }
    let mut ending = Ending::default();
    started.into_iter().rev().for_each(|started| started.end_in(&mut ending));
    ending.layers(chain);
    ending.end(&process.services);
}
