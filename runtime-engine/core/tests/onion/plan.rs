//! What a case consists of: which hooks exist, what each of them does, and how it ends. Plain data and its generators;
//! nothing here calls anything.

use faas_abi::{
    CANCEL_CLOSING, CANCEL_DEADLINE, CANCEL_PEER_GONE, E_CANCELLED, E_INTERNAL, E_PANIC, E_USER, END, OK, PENDING,
    Status,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// The function's number among the entries; layers count from 0, outermost first.
pub const FUNCTION: usize = 99;

/// One thing a hook does through the host table before it ends.
#[derive(Clone, Debug)]
pub enum Act {
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
    /// `stream_begin`.
    Begin { code: u32 },
    /// `stream_write` of `len` bytes of `fill`, with a token for room or without.
    Write { fill: u8, len: usize, room: bool },
}

/// How a hook ends.
#[derive(Clone, Debug)]
pub enum End {
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

/// One hook's call.
#[derive(Clone, Debug)]
pub struct Script {
    pub acts: Vec<Act>,
    pub end: End,
    /// A second `done` with this status, right after the first, for ends that have a first.
    pub again: Option<Status>,
}

/// What the driver's end of a stream answers.
#[derive(Clone, Copy, Debug)]
pub enum Taken {
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
pub struct Run {
    pub layers: Vec<LayerRun>,
    /// `invoke`, or `phase` in a lifecycle phase.
    pub function: Script,
    /// Answers to `open`, in turn.
    pub opens: Vec<Status>,
    /// Answers to `write`, in turn.
    pub writes: Vec<Taken>,
}

/// One layer's calls in a walk.
#[derive(Clone, Debug)]
pub struct LayerRun {
    pub before: Script,
    pub after: Script,
    pub on_error: Script,
    pub head: Vec<Act>,
}

/// A hook in a table: NULL or not, and its phases.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub null: bool,
    pub phases: u32,
}

impl Member {
    pub fn hooks(self, phase: u32) -> bool {
        !self.null && self.phases & faas_abi::phase_bit(phase) != 0
    }
}

/// A layer's table and policy.
#[derive(Clone, Debug)]
pub struct LayerPlan {
    pub required: bool,
    pub reentrant: bool,
    pub before: Member,
    pub after: Member,
    pub on_error: Member,
    pub has_head: bool,
    pub has_cancel: bool,
    pub creates: bool,
}

/// A whole case.
#[derive(Clone, Debug)]
pub struct Plan {
    pub layers: Vec<LayerPlan>,
    /// The function's `phase`.
    pub phase: Member,
    pub function_has_cancel: bool,
    pub function_creates: bool,
    /// Is there anywhere for streams to go?
    pub has_stream: bool,
    /// Is there a handle through which the other thread can cancel?
    pub has_cancel_handle: bool,
    /// The walks: invocations one after the other, or one for each lifecycle phase by its number.
    pub runs: Vec<Run>,
}

impl Plan {
    pub fn has_cancel(&self, who: usize) -> bool {
        self.layers.get(who).map_or(self.function_has_cancel, |layer| layer.has_cancel)
    }
}

fn failures() -> impl Strategy<Value = Status> {
    // -77: a status of a later minor version.
    select(vec![E_USER, E_PANIC, E_INTERNAL, E_CANCELLED, -77])
}

/// What a hook returns. `END` and 77 (of a later minor) mean `OK` where they have no meaning.
fn statuses() -> impl Strategy<Value = Status> {
    prop_oneof![9 => Just(OK), 1 => Just(END), 1 => Just(77), 3 => failures()]
}

/// What is said to `done`: `PENDING` is no end there.
fn done_statuses() -> impl Strategy<Value = Status> {
    prop_oneof![19 => statuses(), 1 => Just(PENDING)]
}

fn reasons() -> impl Strategy<Value = u32> {
    select(vec![CANCEL_DEADLINE, CANCEL_PEER_GONE, CANCEL_CLOSING])
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![
        24 => statuses().prop_map(End::Inline),
        2 => done_statuses().prop_map(End::DoneInside),
        1 => done_statuses().prop_map(End::DoneBeside),
        2 => done_statuses().prop_map(End::Racing),
        2 => done_statuses().prop_map(End::Later),
        1 => (reasons(), statuses()).prop_map(|(reason, status)| End::CancelledInside { reason, status }),
        1 => (reasons(), done_statuses()).prop_map(|(reason, status)| End::CancelledPending { reason, status }),
    ]
}

fn codes() -> impl Strategy<Value = u32> {
    // 99 and 600 are no codes.
    select(vec![0, 1, 200, 204, 418, 599, 99, 600])
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (codes(), any::<u8>(), 0..40usize).prop_map(|(code, fill, len)| Act::Reply { code, fill, len }),
        2 => any::<u8>().prop_map(Act::Fail),
        2 => any::<u8>().prop_map(Act::Header),
        1 => codes().prop_map(Act::Code),
        1 => (0..3u8).prop_map(Act::Slot),
        1 => Just(Act::Body),
        1 => any::<bool>().prop_map(|ended| Act::Token { ended }),
        2 => codes().prop_map(|code| Act::Begin { code }),
        2 => (any::<u8>(), 0..40usize, any::<bool>()).prop_map(|(fill, len, room)| Act::Write { fill, len, room }),
    ]
}

fn head_acts() -> impl Strategy<Value = Act> {
    prop_oneof![any::<u8>().prop_map(Act::Header), codes().prop_map(Act::Code)]
}

fn scripts(most: usize) -> impl Strategy<Value = Script> {
    (vec(acts(), 0..=most), ends(), option::weighted(0.2, statuses())).prop_map(|(acts, end, again)| Script {
        acts,
        end,
        again,
    })
}

fn layer_runs() -> impl Strategy<Value = LayerRun> {
    (scripts(2), scripts(2), scripts(2), vec(head_acts(), 0..=2))
        .prop_map(|(before, after, on_error, head)| LayerRun { before, after, on_error, head })
}

fn takes() -> impl Strategy<Value = Taken> {
    prop_oneof![
        4 => Just(Taken::Ok),
        1 => Just(Taken::Gone),
        1 => Just(Taken::RoomAtOnce),
        1 => Just(Taken::RoomLater),
        1 => Just(Taken::NoRoom),
    ]
}

fn runs(layers: usize) -> impl Strategy<Value = Run> {
    let opens = vec(prop_oneof![4 => Just(OK), 1 => Just(E_CANCELLED)], 1..=2);
    (vec(layer_runs(), layers), scripts(4), opens, vec(takes(), 1..=3)).prop_map(|(layers, function, opens, writes)| {
        Run { layers, function, opens, writes }
    })
}

/// A hook that is there for most of the phases, and sometimes NULL.
fn members() -> impl Strategy<Value = Member> {
    let phases = prop_oneof![4 => Just(0xff), 1 => any::<u8>().prop_map(u32::from)];
    (prop::bool::weighted(0.1), phases).prop_map(|(null, phases)| Member { null, phases })
}

fn layer_plans(creates: f64) -> impl Strategy<Value = LayerPlan> {
    let flags = (prop::bool::weighted(0.7), any::<bool>(), prop::bool::weighted(0.6), any::<bool>());
    (flags, members(), members(), members(), prop::bool::weighted(creates)).prop_map(
        |((required, reentrant, has_head, has_cancel), before, after, on_error, creates)| LayerPlan {
            required,
            reentrant,
            before,
            after,
            on_error,
            has_head,
            has_cancel,
            creates,
        },
    )
}

/// Up to five layers, a function, and one or two invocations in the same place.
pub fn invocations() -> impl Strategy<Value = Plan> {
    (0..=5usize, 1..=2usize)
        .prop_flat_map(|(layers, count)| {
            let flags = (any::<bool>(), prop::bool::weighted(0.8));
            (vec(layer_plans(1.0), layers), vec(runs(layers), count), flags)
        })
        .prop_map(|(layers, runs, (function_has_cancel, has_stream))| Plan {
            layers,
            phase: Member { null: true, phases: 0 },
            function_has_cancel,
            function_creates: true,
            has_stream,
            has_cancel_handle: true,
            runs,
        })
}

/// Up to four layers and a function, any of which may fail to be made, and one walk for each of the first four phases.
pub fn lives() -> impl Strategy<Value = Plan> {
    (0..=4usize)
        .prop_flat_map(|layers| {
            let function = (members(), prop::bool::weighted(0.9));
            (vec(layer_plans(0.95), layers), vec(runs(layers), 4), function)
        })
        .prop_map(|(layers, runs, (phase, function_creates))| Plan {
            layers,
            phase,
            function_has_cancel: false,
            function_creates,
            has_stream: false,
            has_cancel_handle: false,
            runs,
        })
}
