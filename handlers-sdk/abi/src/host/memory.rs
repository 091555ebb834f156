//! The memory that lives as long as one invocation: scratch blocks, keyed slots, and completions that call a module.

use super::token;
use crate::constants::E_CANCELLED;
use crate::tables::{DropFn, Tok, TokenFn};
use core::ffi::c_void;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::sync::{Mutex, PoisonError};

/// Scratch blocks, slots and tokens of one invocation. Dropping or [`clear`](Memory::clear)ing it ends the tokens that
/// nobody has ended, calls the drop function of each slot once, and frees the blocks.
#[derive(Debug, Default)]
pub struct Memory {
    blocks: Vec<(*mut u8, Layout)>,
    slots: Vec<Slot>,
    /// The tokens are behind a lock: the two ends of a stream make theirs beside each other and beside readers.
    tokens: Mutex<Vec<*mut Tok>>,
}

#[derive(Debug)]
struct Slot {
    key: *const c_void,
    value: *mut c_void,
    drop: Option<DropFn>,
}

// SAFETY: blocks are plain memory; a slot's key is only compared, its value only handed back to modules, whose drop
// function may be called on any thread (faas.h, OWNERSHIP).
unsafe impl Send for Memory {}
// SAFETY: shared access only reads the lists, and the list of tokens has its lock.
unsafe impl Sync for Memory {}

impl Memory {
    /// Returns a zeroed block, or null: no such alignment, or out of memory.
    pub fn scratch(&mut self, size: usize, align: usize) -> *mut c_void {
        let Ok(layout) = Layout::from_size_align(size.max(1), align.max(1)) else { return core::ptr::null_mut() };
        // SAFETY: the layout's size is at least one.
        let block = unsafe { alloc_zeroed(layout) };
        if !block.is_null() {
            self.blocks.push((block, layout));
        }
        block.cast()
    }

    /// Keeps `value` under `key`; a former value of that key is dropped.
    ///
    /// # Safety
    /// `drop(value)` must be callable once from any thread, until this memory is cleared.
    pub unsafe fn set_slot(&mut self, key: *const c_void, value: *mut c_void, drop: Option<DropFn>) {
        let new = Slot { key, value, drop };
        match self.slots.iter_mut().find(|slot| slot.key == key) {
            Some(slot) => core::mem::replace(slot, new).release(),
            None => self.slots.push(new),
        }
    }

    /// Returns the value under `key`, or null.
    pub fn slot(&self, key: *const c_void) -> *mut c_void {
        self.slots.iter().find(|slot| slot.key == key).map_or(core::ptr::null_mut(), |slot| slot.value)
    }

    /// Returns a token that calls `call(arg, status)` once: when it is completed, at the latest in
    /// [`clear`](Memory::clear).
    ///
    /// # Safety
    /// `call(arg, status)` must be callable once from any thread, until this memory is cleared.
    pub unsafe fn token(&self, call: TokenFn, arg: *mut c_void) -> *mut Tok {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() == tokens.capacity() {
            tokens.retain(|token| token::is_armed(*token));
        }
        // SAFETY: the caller's promise.
        let token = unsafe { token::callback(call, arg) };
        tokens.push(token);
        token
    }

    /// Frees everything; the lists keep their capacity for the next invocation.
    pub fn clear(&mut self) {
        for token in self.tokens.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            token::try_complete(token, E_CANCELLED);
        }
        for slot in self.slots.drain(..).rev() {
            slot.release();
        }
        for (block, layout) in self.blocks.drain(..) {
            // SAFETY: allocated in `scratch` with this layout and freed only here.
            unsafe { dealloc(block, layout) }
        }
    }
}

impl Slot {
    fn release(self) {
        if let Some(drop) = self.drop {
            // SAFETY: `set_slot`'s caller promised one call; `self` is consumed.
            unsafe { drop(self.value) }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    unsafe extern "C" fn count(value: *mut c_void) {
        // SAFETY: the tests pass a live counter.
        unsafe { &*value.cast::<AtomicU32>() }.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn scratch_is_zeroed_and_aligned() {
        let mut memory = Memory::default();
        for align in [1, 8, 64, 4096] {
            let block = memory.scratch(100, align);
            assert_eq!(block.addr() % align, 0);
            // SAFETY: 100 bytes were asked for.
            let bytes = unsafe { core::slice::from_raw_parts(block.cast::<u8>(), 100) };
            assert!(bytes.iter().all(|byte| *byte == 0));
        }
        assert!(memory.scratch(8, 3).is_null(), "3 is no power of two");
        assert!(!memory.scratch(0, 1).is_null());
    }

    unsafe extern "C" fn note(arg: *mut c_void, status: i32) {
        // SAFETY: the tests pass a live counter.
        unsafe { &*arg.cast::<AtomicU32>() }.fetch_add(status.unsigned_abs(), Ordering::Relaxed);
    }

    #[test]
    fn a_token_that_nobody_ends_is_ended_with_the_invocation_and_an_ended_one_is_not() {
        let heard = AtomicU32::new(0);
        let arg = (&raw const heard).cast_mut().cast::<c_void>();
        let mut memory = Memory::default();
        // SAFETY: the counter outlives the memory.
        let ended = unsafe { memory.token(note, arg) };
        token::complete(ended, -100);
        assert_eq!(heard.load(Ordering::Relaxed), 100);
        // SAFETY: as above.
        let open = unsafe { memory.token(note, arg) };
        memory.clear();
        assert_eq!(heard.load(Ordering::Relaxed), 100 + E_CANCELLED.unsigned_abs());
        token::complete(open, -100);
        assert_eq!(heard.load(Ordering::Relaxed), 100 + E_CANCELLED.unsigned_abs(), "late");
    }

    #[test]
    fn a_long_stream_of_ended_tokens_does_not_grow_the_list() {
        let heard = AtomicU32::new(0);
        let arg = (&raw const heard).cast_mut().cast::<c_void>();
        let mut memory = Memory::default();
        for _ in 0..10_000 {
            // SAFETY: the counter outlives the memory.
            let token = unsafe { memory.token(note, arg) };
            token::complete(token, 1);
        }
        let capacity = memory.tokens.get_mut().expect("nobody has panicked").capacity();
        assert!(capacity < 64, "{capacity}");
    }

    #[test]
    fn a_slot_is_dropped_once_when_replaced_and_when_cleared() {
        let dropped = AtomicU32::new(0);
        let value = (&raw const dropped).cast_mut().cast::<c_void>();
        let key = (&raw const dropped).cast::<c_void>();
        let mut memory = Memory::default();
        // SAFETY: the counter outlives the memory.
        unsafe { memory.set_slot(key, value, Some(count)) };
        assert_eq!(memory.slot(key), value);
        // SAFETY: as above.
        unsafe { memory.set_slot(key, value, Some(count)) };
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        memory.clear();
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        assert!(memory.slot(key).is_null());
    }
}
