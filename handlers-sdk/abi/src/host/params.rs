//! Asks a provider of `faas.params` for one value, and waits for it. The host needs that once, before functions start;
//! nothing here watches a value.

use super::{Given, ServiceTable};
use crate::services::Params;
use crate::tables::read_table;
use crate::values::{Buf, Bytes, Status};
use crate::{E_DEADLINE, E_UNSUPPORTED, OK};
use core::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The place that the answer to one question is put in.
#[derive(Default)]
struct Answer {
    place: Mutex<Option<(Status, Given)>>,
    came: Condvar,
}

impl ServiceTable {
    /// Returns the value of a name, asked of this table, which has to be one of `faas.params` 1. Blocks the thread
    /// until the provider answers, for `limit` at most.
    ///
    /// # Errors
    /// The status is the provider's: `E_NOT_FOUND` where it has no such name. It is `E_DEADLINE` if the provider did
    /// not answer in time.
    pub fn param(self, name: &[u8], limit: Duration) -> Result<Vec<u8>, Status> {
        // SAFETY: offered under the name and major of this table, and immutable from then on (faas.h, S4).
        let params = unsafe { read_table(self.0.cast::<Params>()) };
        let (Some(get), provider) = (params.get, params.provider) else { return Err(E_UNSUPPORTED) };
        let answer = Arc::new(Answer::default());
        let arg = Arc::into_raw(answer.clone());
        // SAFETY: called with the table's own provider; the name is lent for the call. `answered` is called once, and
        // takes back the count that `arg` holds.
        unsafe { get(provider, Bytes::of(name), Some(answered), arg.cast_mut().cast()) };
        let place = answer.place.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = answer.came.wait_timeout_while(place, limit, |place| place.is_none());
        let (mut place, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match place.take() {
            Some((OK, value)) => Ok(value.as_slice().to_vec()),
            Some((status, _)) => Err(status),
            None => Err(E_DEADLINE),
        }
    }
}

unsafe extern "C" fn answered(arg: *mut c_void, status: Status, value: Buf, _version: u64) {
    // SAFETY: the value is given with the call (faas_params.h).
    let value = unsafe { Given::take(value) };
    // SAFETY: `param` made it of an `Arc`, and this is called once for it (faas_params.h).
    let answer = unsafe { Arc::from_raw(arg.cast_const().cast::<Answer>()) };
    *answer.place.lock().unwrap_or_else(PoisonError::into_inner) = Some((status, value));
    answer.came.notify_all();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::E_NOT_FOUND;
    use crate::services::ValueFn;

    /// Answers as a provider that knows `now` alone, and keeps a question called `later` at the place to which
    /// `provider` points.
    unsafe extern "C" fn get(provider: *mut c_void, name: Bytes, answer: Option<ValueFn>, arg: *mut c_void) {
        // SAFETY: the name is lent for the call.
        let name = unsafe { name.as_slice() };
        let answer = answer.expect("there is somebody to answer");
        if name == b"later" {
            // SAFETY: the tests pass a place that outlives the call.
            let kept = unsafe { &*provider.cast::<Mutex<Option<(ValueFn, usize)>>>() };
            *kept.lock().expect("nobody panicked") = Some((answer, arg.expose_provenance()));
            return;
        }
        let (status, value) = if name == b"now" { (OK, &b"told"[..]) } else { (E_NOT_FOUND, &b""[..]) };
        let value = Buf { ptr: value.as_ptr(), len: value.len(), ..Buf::EMPTY };
        // SAFETY: called once, with the argument that came with it.
        unsafe { answer(arg, status, value, 1) };
    }

    fn table(get: Option<unsafe extern "C" fn(*mut c_void, Bytes, Option<ValueFn>, *mut c_void)>) -> ServiceTable {
        let kept: &'static Mutex<Option<(ValueFn, usize)>> = Box::leak(Box::default());
        let provider = core::ptr::from_ref(kept).cast_mut().cast();
        let size = core::mem::size_of::<Params>();
        ServiceTable::of(Box::leak(Box::new(Params { size, provider, get, watch: None, unwatch: None })))
    }

    #[test]
    fn a_value_that_is_at_hand_is_told_and_one_that_is_not_there_has_its_status() {
        let table = table(Some(get));
        assert_eq!(table.param(b"now", Duration::from_secs(60)), Ok(b"told".to_vec()));
        assert_eq!(table.param(b"nothing", Duration::from_secs(60)), Err(E_NOT_FOUND));
    }

    #[test]
    fn a_provider_that_does_not_answer_in_time_is_left_and_may_answer_then() {
        let table = table(Some(get));
        assert_eq!(table.param(b"later", Duration::ZERO), Err(E_DEADLINE));
        // SAFETY: made by `table` above.
        let params = unsafe { read_table(table.0.cast::<Params>()) };
        // SAFETY: as above.
        let kept = unsafe { &*params.provider.cast::<Mutex<Option<(ValueFn, usize)>>>() };
        let (answer, arg) = kept.lock().expect("nobody panicked").take().expect("it was asked");
        // SAFETY: called once, with the argument that came with it, whose owner is gone.
        unsafe { answer(core::ptr::with_exposed_provenance_mut(arg), OK, Buf::EMPTY, 1) };
    }

    #[test]
    fn a_table_without_the_function_is_said_to_have_none() {
        assert_eq!(table(None).param(b"now", Duration::from_secs(60)), Err(E_UNSUPPORTED));
    }
}
