//! Batches for functions that take one record at a time: each record in its turn, inside the layers' RECORD hooks.

use super::app::wait;
use super::inv::TestInvocation;
use super::onion;
use faas_abi::host::{FunctionInstance, Invocation, LayerInstance, Lease};
use faas_abi::*;

/// Calls the function for each record of the batch, and notes those that fail.
pub(super) fn run(layers: &[LayerInstance], function: &FunctionInstance, batch: &mut Lease<TestInvocation>) -> Status {
    for index in 0..batch.get().list(LIST_RECORD).len() {
        let mut record = Lease::new(of(batch.get(), index));
        let (entered, mut status) = onion::enter(layers, RECORD, &mut record);
        if status == OK {
            let called = function.invoke(&mut record);
            status = wait(&mut record, called);
        }
        if onion::leave(&layers[..entered], RECORD, status, &mut record) < 0 {
            let [kind, message, _] = record.get().failure.clone().unwrap_or_default();
            let id = batch.get().list(LIST_RECORD)[index].0.clone();
            batch.get_mut().add(LIST_FAILED_RECORD, &id, format!("{kind}: {message}").as_bytes());
        }
    }
    OK
}

/// A record of the batch as an invocation of its own.
fn of(batch: &TestInvocation, index: usize) -> TestInvocation {
    let (id, payload) = &batch.list(LIST_RECORD)[index];
    let mut record = TestInvocation { event: payload.clone(), numbers: batch.numbers.clone(), ..Default::default() };
    record.numbers.push((NUM_RECORD_INDEX, index as u64));
    for (key, value) in &batch.metas {
        record.set_text(*key, value);
    }
    record.set_text(META_RECORD_ID, id);
    record.lists[LIST_EXTENSION as usize].clone_from(batch.list(LIST_EXTENSION));
    record
}
