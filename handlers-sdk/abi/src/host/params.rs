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

/// Where the answer to one question comes in.
#[derive(Default)]
struct Answer {
    place: Mutex<Option<(Status, Given)>>,
    came: Condvar,
}

impl ServiceTable {
    /// The value of a name, asked of this table, which has to be one of `faas.params` 1. Blocks the thread until the
    /// provider answers, for `limit` at most.
    ///
    /// # Errors
    /// The provider's status: `E_NOT_FOUND` where it has no such name. `E_DEADLINE` if it did not answer in time.
    pub fn param(self, name: &[u8], limit: Duration) -> Result<Vec<u8>, Status> {
        // SAFETY: offered under the name and major of this table, and immutable from then on (faas.h, S4).
        let params = unsafe { read_table(self.0.cast::<Params>()) };
        let (Some(get), provider) = (params.get, params.provider) else { return Err(E_UNSUPPORTED) };
        let answer = Arc::new(Answer::default());
        let arg = Arc::into_raw(answer.clone());
        // SAFETY: called with the table's own provider; the name is lent for the call. `answered` is called once, and takes
        // back the count that `arg` holds.
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
