//! Typed values that hooks and functions of one library leave for one another on an invocation.
//!
//! All of them sit in one slot, found by their `TypeId`: an address for each type would not do, since nothing stops a
//! linker from giving two types' functions or constants the same one.

use crate::ffi::current::apart;
use crate::ffi::{Reader, Writer};
use core::any::{Any, TypeId};
use core::ffi::c_void;
use core::sync::atomic::AtomicU8;
use faas_abi::{OK, Status};

/// Its address is the slot's key. An atomic, so that it is never merged with another constant.
static KEY: AtomicU8 = AtomicU8::new(0);

#[derive(Default)]
struct Values(Vec<(TypeId, Box<dyn Any + Send + Sync>)>);

fn key() -> *const c_void {
    (&raw const KEY).cast()
}

unsafe extern "C" fn drop_values(values: *mut c_void) {
    // SAFETY: `set` made this pointer, and a slot is dropped once (faas.h, set_slot).
    let values = unsafe { Box::from_raw(values.cast::<Values>()) };
    let _ = crate::panics::catch(|| apart(|| drop(values)));
}

pub(crate) fn get<'a, T: Any + Send + Sync>(reader: Reader<'a>) -> Option<&'a T> {
    let values = reader.slot(key()).cast::<Values>();
    // SAFETY: null, or what `set` put under our key. It changes only through a `&mut Writer`, from which `reader`
    // borrows in a layer; while a function's context lives, no layer is given one (a head hook only reads values).
    let values = unsafe { values.as_ref() }?;
    values.0.iter().find(|(id, _)| *id == TypeId::of::<T>()).and_then(|(_, value)| value.downcast_ref())
}

pub(crate) fn get_mut<'a, T: Any + Send + Sync>(writer: &'a mut Writer<'_>) -> Option<&'a mut T> {
    let values = writer.reader().slot(key()).cast::<Values>();
    // SAFETY: as in `get`; `&'a mut Writer` makes it exclusive.
    let values = unsafe { values.as_mut() }?;
    values.0.iter_mut().find(|(id, _)| *id == TypeId::of::<T>()).and_then(|(_, value)| value.downcast_mut())
}

pub(crate) fn set<T: Any + Send + Sync>(writer: &mut Writer<'_>, value: T) -> Status {
    let mut values = writer.reader().slot(key()).cast::<Values>();
    if values.is_null() {
        values = Box::into_raw(Box::<Values>::default());
        let status = writer.set_slot(key(), values.cast(), drop_values);
        if status != OK {
            // SAFETY: the host did not take it.
            drop(unsafe { Box::from_raw(values) });
            return status;
        }
    }
    // SAFETY: ours and alive; `&mut Writer` makes it exclusive.
    let values = unsafe { &mut *values };
    let id = TypeId::of::<T>();
    values.0.retain(|(other, _)| *other != id);
    values.0.push((id, Box::new(value)));
    OK
}
