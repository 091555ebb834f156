//! What `faas.h` says must happen, written from its text: rules O1 to O6, STATUS, OWNERSHIP and the lines of `reply`,
//! `fail` and the streams. Where the text leaves a choice to the host, the choice is named here.

use crate::module::{HEADERS, is_code};
use crate::plan::{Act, End, FUNCTION, Plan, Run, Script, Taken};
use crate::world::{Event, Hook, Seen, Words};
use faas_abi::{CLOSE, E_CANCELLED, E_INTERNAL, END, INVOKE, OK, PENDING, Status};

/// A reply as far as a module can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    None,
    Set {
        code: u32,
        body: Vec<u8>,
    },
    /// The head of a stream is out.
    Out {
        code: u32,
    },
}

/// One walk, as the rules have it.
pub(crate) struct Walk<'a> {
    plan: &'a Plan,
    run: &'a Run,
    phase: u32,
    pub(crate) events: Vec<Event>,
    pub(crate) reply: Reply,
    pub(crate) headers: Vec<u8>,
    pub(crate) words: Words,
    /// The words of the first failure, since others took their place.
    pub(crate) cause: Option<Words>,
    /// How many failures of optional layers were skipped.
    pub(crate) skipped: usize,
    /// What went into the stream.
    pub(crate) streamed: Vec<u8>,
    /// What `fail` dropped in the call at hand.
    dropped: Option<Reply>,
    entered: Vec<usize>,
    heads_ran: bool,
    cancelled: u32,
    opens: usize,
    writes: usize,
}

/// P5, and what the constants say: `END` belongs to `before`, `PENDING` is no end.
fn meaning(status: Status, hook: Hook) -> Status {
    match status {
        PENDING => E_INTERNAL,
        END if hook == Hook::Before => END,
        OK.. => OK,
        failure => failure,
    }
}

/// A later minor's failure reads as `FAAS_E_INTERNAL`.
pub(crate) fn known(status: Status) -> Status {
    if status < faas_abi::E_NOT_FOUND { E_INTERNAL } else { status }
}

impl<'a> Walk<'a> {
    pub(crate) fn new(plan: &'a Plan, run: &'a Run, phase: u32) -> Walk<'a> {
        Walk {
            plan,
            run,
            phase,
            events: Vec::new(),
            reply: Reply::None,
            headers: Vec::new(),
            words: Words::None,
            cause: None,
            skipped: 0,
            streamed: Vec::new(),
            dropped: None,
            entered: Vec::new(),
            heads_ran: false,
            cancelled: 0,
            opens: 0,
            writes: 0,
        }
    }

    /// O1 to O6 over these layers. The status that stands at the end.
    pub(crate) fn walk(&mut self, layers: &[usize], centre: impl FnOnce(&mut Self) -> Status) -> Status {
        let closing = self.phase == CLOSE;
        let mut status = OK;
        let mut inward = true;
        // The words of what failed on the way in, and did not end it.
        let mut standing = Words::None;
        // O1.
        for who in layers.iter().copied() {
            let layer = &self.plan.layers[who];
            let mut answer = OK;
            if layer.before.hooks(self.phase) {
                answer = self.call(who, Hook::Before, OK, &self.run.layers[who].before);
            }
            if answer == END && self.lacks_reply() {
                answer = self.no_reply();
            }
            if answer < 0 && !layer.required {
                // Skipped by its policy: not entered, and it fails nothing.
                self.forgive();
                continue;
            }
            if answer == OK {
                self.entered.push(who);
                continue;
            }
            if answer < 0 {
                self.failed();
                status = answer;
            }
            // O6: nothing keeps CLOSE from those further in, who fail or succeed by themselves.
            if !closing {
                inward = false;
                break;
            }
            if answer < 0 {
                standing = std::mem::replace(&mut self.words, Words::None);
            }
        }
        if inward {
            let answer = centre(self);
            if self.words == Words::None {
                self.words = standing;
            }
            if answer < 0 {
                self.failed();
                status = answer;
            }
        }
        // O2 and O3.
        loop {
            if status >= 0 && self.phase == INVOKE {
                self.heads();
            }
            let Some(who) = self.entered.pop() else { break };
            let layer = &self.plan.layers[who];
            if status >= 0 {
                if !layer.after.hooks(self.phase) {
                    continue;
                }
                let answer = self.call(who, Hook::After, OK, &self.run.layers[who].after);
                if answer < 0 && !layer.required {
                    self.forgive();
                } else if answer < 0 {
                    self.failed();
                    status = answer;
                }
            } else if layer.on_error.hooks(self.phase) {
                let before = self.words;
                let mut replaced = false;
                let mut answer = self.call(who, Hook::OnError, status, &self.run.layers[who].on_error);
                if answer >= 0 && self.lacks_reply() {
                    answer = self.no_reply();
                    replaced = true;
                }
                if answer >= 0 {
                    self.cause = None;
                } else if replaced || self.words != before {
                    self.cause.get_or_insert(before);
                }
                status = answer;
            }
        }
        status
    }

    /// Calls the function and says what it came to.
    pub(crate) fn function(&mut self, hook: Hook) -> Status {
        self.call(FUNCTION, hook, OK, &self.run.function)
    }

    /// O3 wants a reply of whoever recovers, O1 of whoever ends. Only an invocation has one.
    fn lacks_reply(&self) -> bool {
        self.phase == INVOKE && self.reply == Reply::None
    }

    /// The host's choice for a layer that promised a reply and set none: a failure in the runtime's words.
    fn no_reply(&mut self) -> Status {
        self.words = Words::Runtime;
        E_INTERNAL
    }

    /// A failure always has words.
    fn failed(&mut self) {
        if self.words == Words::None {
            self.words = Words::Runtime;
        }
    }

    /// An optional layer's failure leaves no words, and what its `fail` dropped is there again.
    fn forgive(&mut self) {
        self.skipped += 1;
        self.words = Words::None;
        if let (Reply::None, Some(reply)) = (&self.reply, self.dropped.take()) {
            self.reply = reply;
        }
    }

    /// O5: once, outward, over the layers that are entered now.
    fn heads(&mut self) {
        if std::mem::replace(&mut self.heads_ran, true) {
            return;
        }
        for who in self.entered.clone().into_iter().rev() {
            if self.plan.layers[who].has_head {
                self.enter(who, Hook::Head, OK);
                self.run.layers[who].head.iter().for_each(|act| self.act(act));
            }
        }
    }

    fn enter(&mut self, who: usize, hook: Hook, inner: Status) {
        let (code, body) = match &self.reply {
            Reply::None => (None, 0),
            Reply::Set { code, body } => (Some(u64::from(*code)), body.len()),
            Reply::Out { code } => (Some(u64::from(*code)), 0),
        };
        let streamed = matches!(self.reply, Reply::Out { .. });
        let (cancelled, words) = (self.cancelled, self.words);
        let seen = Seen { inner: known(inner), cancelled, code, body, streamed, words };
        self.events.push(Event::Call { who, hook, phase: self.phase, seen });
    }

    fn call(&mut self, who: usize, hook: Hook, inner: Status, script: &Script) -> Status {
        self.dropped = None;
        self.enter(who, hook, inner);
        script.acts.iter().for_each(|act| self.act(act));
        let status = meaning(self.end(who, &script.end), hook);
        // What `fail` said in a call that did not fail is about nothing.
        if status >= 0 {
            self.words = Words::None;
        }
        status
    }

    fn end(&mut self, who: usize, end: &End) -> Status {
        match *end {
            End::Inline(status)
            | End::DoneInside(status)
            | End::DoneBeside(status)
            | End::Racing(status)
            | End::Later(status) => status,
            End::CancelledInside { status, .. } | End::CancelledPending { status, .. }
                if !self.plan.has_cancel_handle =>
            {
                status
            }
            End::CancelledInside { reason, status } => {
                self.cancel(who, reason);
                status
            }
            End::CancelledPending { .. } if self.cancelled != 0 => E_CANCELLED,
            End::CancelledPending { reason, status } => {
                self.cancel(who, reason);
                if self.plan.has_cancel(who) { E_CANCELLED } else { status }
            }
        }
    }

    /// Said once for an invocation.
    fn cancel(&mut self, who: usize, reason: u32) {
        if self.cancelled == 0 {
            self.cancelled = reason;
            if self.plan.has_cancel(who) {
                self.events.push(Event::Cancel { who, reason });
            }
        }
    }

    fn act(&mut self, act: &Act) {
        const REFUSED: Status = -1;
        let out = matches!(self.reply, Reply::Out { .. });
        let status = match *act {
            Act::Reply { code, .. } if out || !is_code(code) => REFUSED,
            Act::Reply { code, fill, len } => {
                self.reply = Reply::Set { code, body: vec![fill; len] };
                OK
            }
            Act::Fail(number) => {
                self.words = Words::Own(number);
                if matches!(self.reply, Reply::Set { .. }) {
                    self.dropped = Some(std::mem::replace(&mut self.reply, Reply::None));
                }
                OK
            }
            Act::Header(_) if out => REFUSED,
            Act::Header(value) => {
                self.headers.push(HEADERS[usize::from(value) % HEADERS.len()]);
                OK
            }
            Act::Code(new) => match &mut self.reply {
                Reply::None => return,
                Reply::Set { code, .. } if is_code(new) => {
                    *code = new;
                    OK
                }
                Reply::Set { .. } | Reply::Out { .. } => REFUSED,
            },
            Act::Slot(_) | Act::Body | Act::Token { .. } => OK,
            Act::Begin { code } => self.begin(code),
            Act::Write { .. } if !out => REFUSED,
            Act::Write { fill, len, room } => {
                let taken = self.run.writes[self.writes % self.run.writes.len()];
                self.writes += 1;
                if !matches!(taken, Taken::Gone) {
                    self.streamed.extend(std::iter::repeat_n(fill, len));
                }
                match taken {
                    Taken::Gone => REFUSED,
                    Taken::RoomAtOnce | Taken::RoomLater | Taken::NoRoom if room => PENDING,
                    _ => OK,
                }
            }
        };
        self.events.push(Event::Did(status));
    }

    fn begin(&mut self, code: u32) -> Status {
        if self.phase != INVOKE || !self.plan.has_stream || !is_code(code) || matches!(self.reply, Reply::Out { .. }) {
            return -1;
        }
        self.reply = Reply::Set { code, body: Vec::new() };
        self.heads();
        let Reply::Set { code, .. } = self.reply else { unreachable!("a head changes a code, it does not drop it") };
        self.events.push(Event::Open { code: u64::from(code), headers: self.headers.clone() });
        let opened = self.run.opens[self.opens % self.run.opens.len()];
        self.opens += 1;
        // The host's choice: a stream that could not begin is no reply.
        self.reply = if opened < 0 { Reply::None } else { Reply::Out { code } };
        opened.max(-1)
    }
}
