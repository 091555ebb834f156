//! The demands of `faas.h`, written from its text: rules O1 to O6, STATUS, OWNERSHIP and the lines of `reply`, `fail`,
//! the streams, the phases and the extensions. Where the text leaves a choice to the host, the choice is named here.

use crate::module::{HEADERS, is_code};
use crate::plan::{Act, End, FUNCTION, Plan, Quick, Run, Script, Taken};
use crate::world::{Event, Hook, Seen, Words};
use faas_abi::{
    CLOSE, E_CANCELLED, E_INTERNAL, E_NOT_FOUND, E_USER, END, INVOKE, OK, PENDING, REPLIED, REPLY_VALUE, RESUME, Status,
};

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
    pub(crate) plan: &'a Plan,
    run: &'a Run,
    phase: u32,
    pub(crate) events: Vec<Event>,
    pub(crate) reply: Reply,
    pub(crate) headers: Vec<u8>,
    pub(crate) words: Words,
    /// The words of the first failure, if others took their place; `None` if the first words still stand.
    pub(crate) cause: Option<Words>,
    /// The number of failures of optional layers that were skipped.
    pub(crate) skipped: usize,
    /// The bytes that went into the stream.
    pub(crate) streamed: Vec<u8>,
    /// `true` if the words of the failure that stands are meant for callers.
    pub(crate) is_open: bool,
    /// The reply that `fail` dropped in the call at hand.
    dropped: Option<Reply>,
    /// The bytes of a stream that is collected; `None` outside of one.
    collected: Option<Vec<u8>>,
    /// The filters of a stream, the innermost layer's first.
    filters: Filters,
    /// `true` while the head hooks of a stream run whose pieces go out as they come.
    takes_filters: bool,
    /// `true` if the last call ended well and a filter broke its stream.
    broke: bool,
    /// `true` if the words that stand are those about a filter.
    is_filters: bool,
    /// `true` if the call at hand used `fail`.
    failed_here: bool,
    /// `true` if the last call ended with a status that has no meaning for it.
    has_no_meaning: bool,
    /// `true` if a layer is entered that needs whole bodies and is required.
    refuses_streams: bool,
    entered: Vec<usize>,
    heads_ran: bool,
    cancelled: u32,
    opens: usize,
    writes: usize,
}

/// The state of the filters of a stream (O7).
enum Filters {
    None,
    /// The filters run: the mark of each, and `true` if it fails.
    Open(Vec<(u8, bool)>),
    Ended,
    Broken,
}

/// Passes a piece through one filter after the other (O7); `None` if one has failed.
fn pass(filters: &[(u8, bool)], mut piece: Vec<u8>, is_last: bool) -> Option<Vec<u8>> {
    for (mark, fails) in filters {
        match piece.is_empty() {
            false if *fails => return None,
            false => piece.push(*mark),
            true => {}
        }
        if is_last {
            piece.push(*mark);
        }
    }
    Some(piece)
}

/// Returns the meaning of a status, as rule P5 and the constants of `faas.h` say it. `END` belongs to `before` on a way
/// in, and RESUME has no way in. A status that has no meaning is a failure.
fn meaning(status: Status, hook: Hook, phase: u32) -> Status {
    match status {
        END if hook == Hook::Before && phase != RESUME => END,
        status if status > OK => E_INTERNAL,
        status => status,
    }
}

/// Returns the status as this minor reads it: a later minor's failure is `FAAS_E_INTERNAL`.
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
            is_open: false,
            dropped: None,
            collected: None,
            filters: Filters::None,
            takes_filters: false,
            broke: false,
            is_filters: false,
            failed_here: false,
            has_no_meaning: false,
            refuses_streams: false,
            entered: Vec::new(),
            heads_ran: false,
            cancelled: 0,
            opens: 0,
            writes: 0,
        }
    }

    /// Runs one invocation: recognisers until one says that the event is its own, context extensions, O1 to O6.
    pub(crate) fn invocation(&mut self, layers: &[usize]) -> Status {
        let mut status = OK;
        for who in layers.iter().copied().filter(|who| self.plan.layers[*who].has_recognise) {
            status = self.quick(who, Hook::Recognise, &self.run.layers[who].recognise);
            if status != E_NOT_FOUND {
                break;
            }
            status = OK;
        }
        for who in layers.iter().copied().filter(|who| self.plan.layers[*who].has_context) {
            if status >= 0 {
                status = self.quick(who, Hook::Context, &self.run.layers[who].context);
            }
        }
        if status >= 0 {
            status = self.walk(layers, |walk| walk.function(Hook::Invoke));
        }
        // A function that says nothing has said the empty value.
        if status >= 0 && self.reply == Reply::None {
            self.reply = Reply::Set { code: REPLY_VALUE, body: Vec::new() };
        }
        status
    }

    /// Makes a call without a token. `E_NOT_FOUND` means that a recogniser does not know the event, or is optional and
    /// has failed.
    fn quick(&mut self, who: usize, hook: Hook, quick: &Quick) -> Status {
        let status = self.ended(who, hook, OK, |walk| {
            quick.acts.iter().for_each(|act| walk.act(act));
            quick.status
        });
        let passed = if hook == Hook::Recognise { E_NOT_FOUND } else { OK };
        if status == E_NOT_FOUND && hook == Hook::Recognise {
            self.words = Words::None;
            self.dropped = None;
            return passed;
        }
        if status < 0 && !self.plan.layers[who].required {
            self.forgive();
            return passed;
        }
        if status < 0 {
            self.failed();
        }
        status
    }

    /// Walks SUSPEND, RESUME or REPLIED: every layer is called, and none changes the invocation's outcome, or the
    /// others' view of it. Returns the words of the first failure.
    pub(crate) fn aside(&mut self, phase: u32, run: &'a Run, layers: &[usize]) -> Option<Words> {
        (self.phase, self.run) = (phase, run);
        let (stands, is_open) = (self.words, self.is_open);
        let mut first = None;
        let inward = phase == RESUME;
        let mut calls: Vec<usize> = layers.to_vec();
        calls.push(FUNCTION);
        if !inward {
            calls.reverse();
        }
        for who in calls {
            let answer = match self.plan.layers.get(who) {
                None if self.plan.phase.hooks(phase) => self.function(Hook::Phase),
                Some(layer) if inward && layer.before.hooks(phase) => {
                    self.call(who, Hook::Before, OK, &run.layers[who].before)
                }
                Some(layer) if !inward && layer.after.hooks(phase) => {
                    self.call(who, Hook::After, OK, &run.layers[who].after)
                }
                _ => continue,
            };
            let own = matches!(self.words, Words::Own(_)) && self.failed_here;
            let words = if own { self.words } else { Words::Runtime };
            let is_optional = self.plan.layers.get(who).is_some_and(|layer| !layer.required);
            self.skipped += usize::from(answer < 0 && is_optional);
            if answer < 0 && !is_optional {
                first.get_or_insert(words);
            }
            (self.words, self.is_open) = (stands, is_open);
            self.restore();
        }
        first
    }

    /// Walks these layers by O1 to O6. Returns the status that stands at the end.
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
            // The host's choice: an optional layer is passed over, unless the invocation has been cancelled. Then there
            // is no sense in calling anybody further in.
            let is_cut = self.phase == INVOKE && self.cancelled != 0;
            if answer < 0 && !layer.required && !is_cut && !self.is_broken() {
                // Skipped by its policy: not entered, and it fails nothing.
                self.forgive();
                continue;
            }
            if answer == OK {
                self.entered.push(who);
                // Without a hook it takes no part, and nothing of it can need the body.
                let takes_part = layer.has_head
                    || [layer.before, layer.after, layer.on_error].iter().any(|member| member.hooks(self.phase));
                self.refuses_streams |= layer.whole_body && layer.required && takes_part;
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
                if layer.whole_body && matches!(self.reply, Reply::Out { .. }) {
                    // By what FAAS_IS_WHOLE_BODY says, and the host says so.
                    self.skipped += 1;
                    continue;
                }
                let answer = self.call(who, Hook::After, OK, &self.run.layers[who].after);
                if answer < 0 && !layer.required && !self.is_broken() {
                    self.forgive();
                } else if answer < 0 {
                    self.failed();
                    status = answer;
                }
            } else if layer.on_error.hooks(self.phase) {
                let (before, was_filters) = (self.words, self.is_filters);
                let mut answer = self.call(who, Hook::OnError, status, &self.run.layers[who].on_error);
                let mut replaced = self.broke && !was_filters;
                if answer >= 0 && self.lacks_reply() {
                    answer = self.no_reply();
                    replaced = true;
                }
                if answer >= 0 {
                    self.cause = None;
                } else if replaced || self.words != before || self.has_no_meaning {
                    self.cause.get_or_insert(before);
                }
                status = answer;
            }
        }
        status
    }

    /// Calls the function and returns its outcome.
    pub(crate) fn function(&mut self, hook: Hook) -> Status {
        self.call(FUNCTION, hook, OK, &self.run.function)
    }

    /// Returns `true` if a reply is missing: O3 wants one of a layer that recovers, O1 of one that ends. Only an
    /// invocation has one.
    fn lacks_reply(&self) -> bool {
        self.phase == INVOKE && self.reply == Reply::None
    }

    /// Fails for a layer that promised a reply and set none: the words are the runtime's, as the host chooses them.
    fn no_reply(&mut self) -> Status {
        self.words = Words::Runtime;
        self.is_open = false;
        E_INTERNAL
    }

    /// Gives a failure the runtime's words if it has no words of its own.
    fn failed(&mut self) {
        if self.words == Words::None {
            self.words = Words::Runtime;
            self.is_open = false;
        }
    }

    /// Takes an optional layer's failure back: its words go, and the reply that its `fail` dropped is there again.
    fn forgive(&mut self) {
        self.skipped += 1;
        self.words = Words::None;
        self.restore();
    }

    fn restore(&mut self) {
        if let (Reply::None, Some(reply)) = (&self.reply, self.dropped.take()) {
            self.reply = reply;
        }
    }

    /// Calls the head hooks once, outward, over the layers that are entered now (O5).
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
        self.ended(who, hook, inner, |walk| {
            script.acts.iter().for_each(|act| walk.act(act));
            let said = walk.end(who, &script.end);
            // `done` has made it a failure before anybody sees the status.
            if said == PENDING { E_INTERNAL } else { said }
        })
    }

    /// Makes a call and returns its outcome at its end.
    fn ended(&mut self, who: usize, hook: Hook, inner: Status, call: impl FnOnce(&mut Self) -> Status) -> Status {
        self.dropped = None;
        self.failed_here = false;
        self.enter(who, hook, inner);
        let said = call(self);
        let status = meaning(said, hook, self.phase);
        self.has_no_meaning = status != said;
        if self.has_no_meaning {
            self.words = Words::Runtime;
            self.is_open = false;
        } else if status >= 0 {
            // What `fail` said in a call that did not fail is about nothing.
            self.words = Words::None;
        } else if self.failed_here {
            // What FAAS_E_USER says.
            self.is_open = said == E_USER;
        }
        let status = self.end_filters(status);
        // The end of the call ends a stream: what was collected is the reply, unless the call has failed.
        if let (Reply::Out { code }, Some(body)) = (&self.reply, self.collected.take()) {
            self.reply = if status < 0 { Reply::None } else { Reply::Set { code: *code, body } };
        }
        status
    }

    /// Returns `true` if the part that has gone out is not whole, which no policy passes over (O7).
    fn is_broken(&self) -> bool {
        matches!(self.filters, Filters::Broken)
    }

    /// Ends the filters with the end of the call (O7). Returns the status that stands.
    fn end_filters(&mut self, status: Status) -> Status {
        self.broke = false;
        // Whoever is called beside the invocation changes nothing of how it ended.
        if self.phase != INVOKE {
            return status;
        }
        self.filters = match std::mem::replace(&mut self.filters, Filters::None) {
            Filters::Open(_) if status < 0 => Filters::Broken,
            Filters::Open(filters) => match pass(&filters, Vec::new(), true) {
                Some(rest) => {
                    let taken = self.run.writes[self.writes % self.run.writes.len()];
                    self.writes += 1;
                    if !matches!(taken, Taken::Gone) {
                        self.streamed.extend(rest);
                    }
                    Filters::Ended
                }
                None => Filters::Broken,
            },
            other => other,
        };
        self.broke = status >= 0 && self.is_broken();
        if status >= 0 || self.failed_here || self.has_no_meaning {
            self.is_filters = self.broke;
        }
        if !self.broke {
            return status;
        }
        self.words = Words::Runtime;
        self.is_open = false;
        E_INTERNAL
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

    /// Notes a cancel, which is told once for an invocation.
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
        // In REPLIED all of the reply is out.
        let out = self.phase == REPLIED || matches!(self.reply, Reply::Out { .. });
        let status = match *act {
            Act::Reply { code, .. } if out || !is_code(code) => REFUSED,
            Act::Reply { code, fill, len } => {
                self.reply = Reply::Set { code, body: vec![fill; len] };
                OK
            }
            Act::Fail(number) => {
                self.words = Words::Own(number);
                self.failed_here = true;
                if matches!(self.reply, Reply::Set { .. }) && !out {
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
                Reply::Set { code, .. } if is_code(new) && !out => {
                    *code = new;
                    OK
                }
                Reply::Set { .. } | Reply::Out { .. } => REFUSED,
            },
            Act::Slot(_) | Act::Body | Act::Token { .. } => OK,
            Act::Filter { .. } if !self.takes_filters => REFUSED,
            Act::Filter { mark, fails } => {
                match &mut self.filters {
                    Filters::Open(filters) => filters.push((mark, fails)),
                    filters => *filters = Filters::Open(vec![(mark, fails)]),
                }
                OK
            }
            Act::Begin { code } => self.begin(code),
            Act::Write { room: false, .. } => REFUSED,
            Act::Write { .. } if !matches!(self.reply, Reply::Out { .. }) || self.phase == REPLIED => REFUSED,
            Act::Write { fill, len, .. } if self.collected.is_some() => {
                self.collected.get_or_insert_default().extend(std::iter::repeat_n(fill, len));
                OK
            }
            Act::Write { .. } if matches!(self.filters, Filters::Ended | Filters::Broken) => REFUSED,
            Act::Write { len: 0, .. } if matches!(self.filters, Filters::Open(_)) => OK,
            Act::Write { fill, len, .. } => {
                let piece = vec![fill; len];
                let piece = match &self.filters {
                    Filters::Open(filters) => pass(filters, piece, false),
                    _ => Some(piece),
                };
                let Some(piece) = piece else {
                    self.filters = Filters::Broken;
                    self.events.push(Event::Did(REFUSED));
                    return;
                };
                let taken = self.run.writes[self.writes % self.run.writes.len()];
                self.writes += 1;
                if !matches!(taken, Taken::Gone) {
                    self.streamed.extend(piece);
                }
                match taken {
                    Taken::Gone => REFUSED,
                    Taken::RoomAtOnce | Taken::RoomLater | Taken::NoRoom => PENDING,
                    _ => OK,
                }
            }
        };
        self.events.push(Event::Did(status));
    }

    fn begin(&mut self, code: u32) -> Status {
        let has_stream = self.plan.is_whole || self.plan.has_stream && !self.refuses_streams;
        if self.phase != INVOKE || !has_stream || !is_code(code) || matches!(self.reply, Reply::Out { .. }) {
            return -1;
        }
        self.reply = Reply::Set { code, body: Vec::new() };
        self.takes_filters = !self.plan.is_whole;
        self.heads();
        self.takes_filters = false;
        let Reply::Set { code, .. } = self.reply else { unreachable!("a head changes a code, it does not drop it") };
        if self.plan.is_whole {
            self.collected = Some(Vec::new());
            self.reply = Reply::Out { code };
            return OK;
        }
        self.events.push(Event::Open { code: u64::from(code), headers: self.headers.clone() });
        let opened = self.run.opens[self.opens % self.run.opens.len()];
        self.opens += 1;
        if opened < 0 {
            self.filters = Filters::None;
        }
        // The host's choice: a stream that could not begin is no reply.
        self.reply = if opened < 0 { Reply::None } else { Reply::Out { code } };
        opened.max(-1)
    }
}
