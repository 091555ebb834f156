//! The parts of a case: the hooks that exist, the acts of each of them, and its end. Plain data and its generators;
//! nothing here calls anything.

use faas_abi::{
    CANCEL_CLOSING, CANCEL_DEADLINE, CANCEL_PEER_GONE, E_CANCELLED, E_INTERNAL, E_NOT_FOUND, E_PANIC, E_USER, END, OK,
    PENDING, Status,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The function's number among the entries; layers count from 0, outermost first.
pub(crate) const FUNCTION: usize = 99;

/// An act of a hook through the host table before it ends.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// `reply` with `len` bytes of `fill`.
    Reply { code: u32, fill: u8, len: usize },
    /// `fail`, with that number in its words.
    Fail(u8),
    /// `add` to the reply's headers.
    Header(u8),
    /// `set_num(NUM_REPLY_CODE)`, where there is a reply.
    Code(u32),
    /// `set_slot` under one of a few keys.
    Slot(u8),
    /// `set_body` with a given buffer.
    Body,
    /// `token`, ended at once or left to the end of the invocation.
    Token { ended: bool },
    /// `stream_filter` puts `mark` behind each piece and behind the last. One that `fails` does so at its first piece.
    Filter { mark: u8, fails: bool },
    /// `stream_begin`.
    Begin { code: u32 },
    /// `stream_write` of `len` bytes of `fill`, with a token for room or without.
    Write { fill: u8, len: usize, room: bool },
}

/// The end of a hook.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// It returns the status.
    Inline(Status),
    /// It calls `done` itself, then returns `PENDING`.
    DoneInside(Status),
    /// Another thread calls `done` before it returns `PENDING`.
    DoneBeside(Status),
    /// Another thread calls `done` while it returns `PENDING`.
    Racing(Status),
    /// Another thread calls `done` after the host has seen `PENDING`.
    Later(Status),
    /// Another thread cancels while the call is running; it returns the status all the same.
    CancelledInside { reason: u32, status: Status },
    /// Another thread cancels while the call is pending: `cancel` answers `E_CANCELLED`. An entry without `cancel` ends
    /// with `status`. A call that begins cancelled returns `E_CANCELLED`.
    CancelledPending { reason: u32, status: Status },
}

/// The script of one hook's call.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) acts: Vec<Act>,
    pub(crate) end: End,
    /// A second `done` with this status, right after the first, for ends that have a first.
    pub(crate) again: Option<Status>,
}

/// The answer of the driver's end of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taken {
    Ok,
    Gone,
    /// `PENDING`, with room before it is said.
    RoomAtOnce,
    /// `PENDING`, with room from another thread.
    RoomLater,
    /// `PENDING`, and never any room.
    NoRoom,
}

/// The calls of one walk.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) layers: Vec<LayerRun>,
    /// `invoke`, or `phase` in a lifecycle phase.
    pub(crate) function: Script,
    /// The answers to `open`, in turn.
    pub(crate) opens: Vec<Status>,
    /// The answers to `write`, in turn.
    pub(crate) writes: Vec<Taken>,
}

/// One layer's calls in a walk.
#[derive(Clone, Debug)]
pub(crate) struct LayerRun {
    pub(crate) before: Script,
    pub(crate) after: Script,
    pub(crate) on_error: Script,
    pub(crate) head: Vec<Act>,
    pub(crate) recognise: Quick,
    pub(crate) context: Quick,
}

/// A call that has no token, and thus no end but its status.
#[derive(Clone, Debug)]
pub(crate) struct Quick {
    pub(crate) acts: Vec<Act>,
    pub(crate) status: Status,
}

/// A hook in a table: NULL or not, and its phases.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) null: bool,
    pub(crate) phases: u32,
}

impl Member {
    pub(crate) fn hooks(self, phase: u32) -> bool {
        !self.null && self.phases & faas_abi::phase_bit(phase) != 0
    }
}

/// A layer's table and policy.
#[derive(Clone, Debug)]
pub(crate) struct LayerPlan {
    pub(crate) required: bool,
    pub(crate) reentrant: bool,
    pub(crate) before: Member,
    pub(crate) after: Member,
    pub(crate) on_error: Member,
    pub(crate) has_head: bool,
    pub(crate) has_cancel: bool,
    pub(crate) creates: bool,
    pub(crate) whole_body: bool,
    pub(crate) has_recognise: bool,
    pub(crate) has_context: bool,
    /// The answer of `health`, and `true` if it has words; `None` without `health`.
    pub(crate) health: Option<(Status, bool)>,
}

/// A whole case: its layers, its function, its stream and its cancel.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) layers: Vec<LayerPlan>,
    /// The function's `phase`.
    pub(crate) phase: Member,
    pub(crate) function_has_cancel: bool,
    pub(crate) function_creates: bool,
    /// `true` if streams have somewhere to go.
    pub(crate) has_stream: bool,
    /// `true` if a reply must go out in one piece, so that streams are collected.
    pub(crate) is_whole: bool,
    /// `true` if there is a handle through which the other thread can cancel.
    pub(crate) has_cancel_handle: bool,
    /// The walks: of each invocation one for INVOKE and one for REPLIED, or one for each lifecycle phase by its number.
    pub(crate) runs: Vec<Run>,
}

impl Plan {
    pub(crate) fn has_cancel(&self, who: usize) -> bool {
        self.layers.get(who).map_or(self.function_has_cancel, |layer| layer.has_cancel)
    }
}

// Choices are made by `select` and by number: cheap to generate, and what comes first is what a case shrinks to.

const FAILURES: [Status; 5] = [E_USER, E_PANIC, E_INTERNAL, E_CANCELLED, OF_A_LATER_MINOR];
const OF_A_LATER_MINOR: Status = -77;

/// Makes the statuses that a hook returns. `END` and 77 (of a later minor) are failures where they have no meaning.
fn statuses() -> impl Strategy<Value = Status> {
    select([&[OK; 13][..], &[END, END, 77], &FAILURES].concat())
}

/// Makes the statuses that `done` is told: `PENDING` does not end a call there.
fn done_statuses() -> impl Strategy<Value = Status> {
    select([&[OK; 13][..], &[END, END, 77, PENDING], &FAILURES].concat())
}

fn reasons() -> impl Strategy<Value = u32> {
    select(vec![CANCEL_DEADLINE, CANCEL_PEER_GONE, CANCEL_CLOSING])
}

fn ends() -> impl Strategy<Value = End> {
    (0..34u8, statuses(), done_statuses(), reasons()).prop_map(|(kind, status, done, reason)| match kind {
        0..=23 => End::Inline(status),
        24..=25 => End::DoneInside(done),
        26 => End::DoneBeside(done),
        27..=28 => End::Racing(done),
        29..=30 => End::Later(done),
        31 => End::CancelledInside { reason, status },
        _ => End::CancelledPending { reason, status: done },
    })
}

fn codes() -> impl Strategy<Value = u32> {
    // 99 and 600 are no codes.
    select(vec![200, 0, 1, 204, 418, 599, 99, 600])
}

fn acts() -> impl Strategy<Value = Act> {
    (0..20u8, codes(), any::<u8>(), 0..40usize, any::<bool>()).prop_map(|(kind, code, fill, len, flag)| match kind {
        0..=5 => Act::Reply { code, fill, len },
        6..=7 => Act::Fail(fill),
        8..=9 => Act::Header(fill),
        10 => Act::Code(code),
        11 => Act::Slot(fill % 3),
        12 => Act::Body,
        13 => Act::Token { ended: flag },
        14..=15 => Act::Begin { code },
        16 => Act::Filter { mark: fill, fails: flag },
        _ => Act::Write { fill, len, room: flag },
    })
}

fn head_acts() -> impl Strategy<Value = Act> {
    (0..4u8, any::<u8>(), codes(), prop::bool::weighted(0.2)).prop_map(|(kind, fill, code, fails)| match kind {
        0 => Act::Code(code),
        1 => Act::Header(fill),
        _ => Act::Filter { mark: fill, fails },
    })
}

fn scripts(most: usize) -> impl Strategy<Value = Script> {
    (vec(acts(), 0..=most), ends(), prop::bool::weighted(0.2), statuses())
        .prop_map(|(acts, end, twice, again)| Script { acts, end, again: twice.then_some(again) })
}

/// Acts of `recognise` and `context`.
fn quick_acts() -> impl Strategy<Value = Act> {
    (0..6u8, codes(), any::<u8>(), 0..40usize).prop_map(|(kind, code, fill, len)| match kind {
        0..=1 => Act::Reply { code, fill, len },
        2 => Act::Fail(fill),
        3..=4 => Act::Header(fill),
        _ => Act::Slot(fill % 3),
    })
}

fn quicks() -> impl Strategy<Value = Quick> {
    let statuses = [&[OK; 8][..], &[E_NOT_FOUND; 6], &[E_USER, E_PANIC, OF_A_LATER_MINOR, END, 77, PENDING]].concat();
    (vec(quick_acts(), 0..=2), select(statuses)).prop_map(|(acts, status)| Quick { acts, status })
}

fn layer_runs() -> impl Strategy<Value = LayerRun> {
    let hooks = (scripts(2), scripts(2), scripts(2));
    (hooks, vec(head_acts(), 0..=2), quicks(), quicks()).prop_map(
        |((before, after, on_error), head, recognise, context)| LayerRun {
            before,
            after,
            on_error,
            head,
            recognise,
            context,
        },
    )
}

fn takes() -> impl Strategy<Value = Taken> {
    select(vec![Taken::Ok, Taken::Ok, Taken::Ok, Taken::Gone, Taken::RoomAtOnce, Taken::RoomLater, Taken::NoRoom])
}

fn runs(layers: usize) -> impl Strategy<Value = Run> {
    let opens = vec(select(vec![OK, OK, OK, OK, E_CANCELLED]), 1..=2);
    (vec(layer_runs(), layers), scripts(4), opens, vec(takes(), 1..=3))
        .prop_map(|(layers, function, opens, writes)| Run { layers, function, opens, writes })
}

/// Makes a hook that is there for most of the phases, and sometimes NULL.
fn members() -> impl Strategy<Value = Member> {
    (prop::bool::weighted(0.1), prop::bool::weighted(0.2), any::<u8>())
        .prop_map(|(null, some, phases)| Member { null, phases: if some { u32::from(phases) } else { 0xff } })
}

fn layer_plans(creates: impl Strategy<Value = bool>) -> impl Strategy<Value = LayerPlan> {
    let flags = (prop::bool::weighted(0.7), any::<bool>(), prop::bool::weighted(0.6), any::<bool>());
    let rare = || prop::bool::weighted(0.15);
    let health = prop::option::weighted(0.5, (select(vec![OK, OK, OK, E_USER, E_PANIC, PENDING]), any::<bool>()));
    let members = (members(), members(), members());
    (flags, members, creates, (rare(), rare(), rare()), health).prop_map(
        |(flags, (before, after, on_error), creates, (whole_body, has_recognise, has_context), health)| {
            let (required, reentrant, has_head, has_cancel) = flags;
            LayerPlan {
                required,
                reentrant,
                before,
                after,
                on_error,
                has_head,
                has_cancel,
                creates,
                whole_body,
                has_recognise,
                has_context,
                health,
            }
        },
    )
}

/// Makes cases of up to five layers, a function, and one or two invocations in the same place.
pub(crate) fn invocations() -> impl Strategy<Value = Plan> {
    (0..=5usize, 1..=2usize)
        .prop_flat_map(|(layers, count)| {
            let flags = (any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.3));
            (vec(layer_plans(Just(true)), layers), vec(runs(layers), 2 * count), members(), flags)
        })
        .prop_map(|(layers, runs, phase, (function_has_cancel, has_stream, is_whole))| Plan {
            layers,
            phase,
            function_has_cancel,
            function_creates: true,
            has_stream,
            is_whole,
            has_cancel_handle: true,
            runs,
        })
}

/// Makes cases of up to four layers and a function, any of which may fail to be made, and one walk for each phase.
pub(crate) fn lives() -> impl Strategy<Value = Plan> {
    (0..=4usize)
        .prop_flat_map(|layers| {
            let function = (members(), prop::bool::weighted(0.9));
            (vec(layer_plans(prop::bool::weighted(0.95)), layers), vec(runs(layers), 7), function)
        })
        .prop_map(|(layers, runs, (phase, function_creates))| Plan {
            layers,
            phase,
            function_has_cancel: false,
            function_creates,
            has_stream: false,
            is_whole: false,
            has_cancel_handle: false,
            runs,
        })
}
