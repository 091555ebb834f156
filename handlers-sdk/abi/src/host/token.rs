//! One-shot completions: how a call that returned `FAAS_PENDING` ends.
//!
//! A `faas_tok*` is not a pointer but a slot's number and its generation. A token used late, twice or from several
//! threads at once finds another generation or a taken slot, is ignored and counted ([`ignored`]); it can never reach
//! freed memory. Slots are never given back to the allocator.

use super::slot::{Finish, Slot};
use crate::tables::{Tok, TokenFn};
use crate::values::Status;
use core::ffi::c_void;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

/// The number of slots of the first chunk. Chunk `n` has `FIRST_CHUNK << n`; 20 chunks are 67 million tokens at once.
const FIRST_CHUNK: u32 = 64;
const CHUNKS: usize = 20;

static TABLE: [OnceLock<Box<[Slot]>>; CHUNKS] = [const { OnceLock::new() }; CHUNKS];
static FREE: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static NEXT: AtomicU32 = AtomicU32::new(0);
static IGNORED: AtomicU64 = AtomicU64::new(0);

/// Returns how many completions came for a token that was not waiting: late, repeated, or never given out.
pub fn ignored() -> u64 {
    IGNORED.load(Ordering::Relaxed)
}

/// Returns the chunk and the place of a slot.
fn place(index: u32) -> (usize, usize) {
    let chunk = (index / FIRST_CHUNK + 1).ilog2();
    let before = FIRST_CHUNK * ((1 << chunk) - 1);
    (chunk as usize, (index - before) as usize)
}

fn slot(index: u32) -> Option<&'static Slot> {
    let (chunk, offset) = place(index);
    TABLE.get(chunk)?.get()?.get(offset)
}

fn new_index() -> u32 {
    if let Some(index) = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop() {
        return index;
    }
    let index = NEXT.fetch_add(1, Ordering::Relaxed);
    let (chunk, _) = place(index);
    TABLE[chunk].get_or_init(|| (0..FIRST_CHUNK << chunk).map(|_| Slot::new()).collect());
    index
}

/// A completion the host waits for. One may serve any number of calls, one after the other.
#[derive(Debug)]
pub struct Token {
    index: u32,
    slot: &'static Slot,
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl Token {
    /// Takes a slot for a new token.
    pub fn new() -> Token {
        let index = new_index();
        let slot = slot(index).expect("new_index has made the chunk of the index it returns");
        Token { index, slot }
    }

    /// Opens it for one call. Tokens that were given out before are dead from here on.
    pub fn arm(&self) -> *mut Tok {
        pack(self.index, self.slot.arm())
    }

    /// Ends a call that finished inline: its token is dead.
    pub fn disarm(&self) {
        self.slot.disarm();
    }

    /// Returns the status given to `done`, once.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Status> {
        self.slot.poll(context)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        retire(self.index, self.slot);
    }
}

fn pack(index: u32, generation: u32) -> *mut Tok {
    #[allow(clippy::cast_possible_truncation, reason = "v1 pointers are 64 bits wide (faas.h, P8)")]
    let word = (u64::from(generation) << 32 | u64::from(index + 1)) as usize;
    core::ptr::without_provenance_mut(word)
}

/// Returns index, slot and generation of a value that may be a token; `None` if it cannot be one.
#[allow(clippy::cast_possible_truncation, reason = "a token is two halves")]
fn unpack(token: *mut Tok) -> Option<(u32, &'static Slot, u32)> {
    let word = token.addr() as u64;
    let index = (word as u32).checked_sub(1)?;
    Some((index, slot(index)?, (word >> 32) as u32))
}

fn retire(index: u32, slot: &Slot) {
    slot.retire();
    FREE.lock().unwrap_or_else(PoisonError::into_inner).push(index);
}

/// Makes a completion that calls a module once, as `host->token` returns it.
///
/// # Safety
/// `call(arg, status)` must be callable once from any thread, for as long as the token is not completed.
pub unsafe fn callback(call: TokenFn, arg: *mut c_void) -> *mut Tok {
    let index = new_index();
    let slot = slot(index).expect("new_index has made the chunk of the index it returns");
    pack(index, slot.arm_call(call, arg))
}

/// Returns `true` while it waits for its end.
pub(super) fn is_armed(token: *mut Tok) -> bool {
    unpack(token).is_some_and(|(_, slot, generation)| slot.is_armed(generation))
}

/// Completes a token. Anything but a live token is ignored and counted. Never calls back into the module, unless the
/// token is one of [`callback`]; the host completes those outside of any call of the module's.
pub fn complete(token: *mut Tok, status: Status) {
    if !try_complete(token, status) {
        IGNORED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Completes a token as [`complete`] does, for the host's own ends, which may well come after the module's. Returns
/// `true` if it was the first.
pub(super) fn try_complete(token: *mut Tok, status: Status) -> bool {
    let Some((index, slot, generation)) = unpack(token) else { return false };
    match slot.finish(generation, status) {
        Finish::Ignored => return false,
        Finish::Told => {}
        Finish::Call { call, arg, status } => {
            retire(index, slot);
            // SAFETY: `finish` gives this out once; `callback`'s caller promised the rest.
            unsafe { call(arg, status) }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{E_INTERNAL, PENDING};
    use std::sync::Arc;
    use std::task::{Wake, Waker};

    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counting() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count(AtomicU32::new(0)));
        (count.clone(), Waker::from(count))
    }

    #[test]
    fn places_follow_one_another_without_gap() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(63), (0, 63));
        assert_eq!(place(64), (1, 0));
        assert_eq!(place(191), (1, 127));
        assert_eq!(place(192), (2, 0));
    }

    #[test]
    fn done_wakes_the_waiter_once_and_gives_its_status() {
        let (woken, waker) = counting();
        let token = Token::new();
        let raw = token.arm();
        let mut context = Context::from_waker(&waker);
        assert!(token.poll(&mut context).is_pending());
        complete(raw, -7);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!(token.poll(&mut context), Poll::Ready(-7));
    }

    #[test]
    fn a_second_a_late_and_an_invented_done_are_ignored_and_counted() {
        let (woken, waker) = counting();
        let token = Token::new();
        let first = token.arm();
        complete(first, 0);
        let before = ignored();
        complete(first, -1);
        assert_eq!(token.poll(&mut Context::from_waker(&waker)), Poll::Ready(0));
        let second = token.arm();
        complete(first, -2);
        assert!(token.poll(&mut Context::from_waker(&waker)).is_pending(), "an old generation does not end a new call");
        complete(core::ptr::null_mut(), 0);
        complete(core::ptr::without_provenance_mut(usize::MAX), 0);
        assert!(ignored() >= before + 4);
        complete(second, 5);
        assert_eq!(token.poll(&mut Context::from_waker(&waker)), Poll::Ready(5));
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_token_finished_inline_is_dead() {
        let (_, waker) = counting();
        let token = Token::new();
        let raw = token.arm();
        token.disarm();
        complete(raw, 0);
        assert!(token.poll(&mut Context::from_waker(&waker)).is_pending());
    }

    #[test]
    fn pending_is_no_end() {
        let (_, waker) = counting();
        let token = Token::new();
        complete(token.arm(), PENDING);
        assert_eq!(token.poll(&mut Context::from_waker(&waker)), Poll::Ready(E_INTERNAL));
    }

    #[test]
    fn one_of_many_threads_completes() {
        for _ in 0..200 {
            let (woken, waker) = counting();
            let token = Token::new();
            let raw = token.arm().addr();
            assert!(token.poll(&mut Context::from_waker(&waker)).is_pending());
            std::thread::scope(|scope| {
                for status in 10..14 {
                    scope.spawn(move || complete(core::ptr::without_provenance_mut(raw), status));
                }
            });
            assert_eq!(woken.0.load(Ordering::Relaxed), 1);
            let Poll::Ready(status) = token.poll(&mut Context::from_waker(&waker)) else { panic!("not done") };
            assert!((10..14).contains(&status));
        }
    }
}
