//! A module as an author's compiler would leave it: tables, `unsafe extern "C"` hooks, and instances that play their
//! script. It takes nothing from the host but what `faas.h` gives.

use crate::oracle::known;
use crate::plan::{Act, End, Plan, Quick, Script};
use crate::world::{Buffer, Event, Hook, Job, Seen, Words, World, lock};
use faas_abi::host::{CheckedModule, Needs};
use faas_abi::{
    Buf, Bytes, E_CANCELLED, E_USER, Function, Host, INVOKE, IS_REENTRANT, IS_WHOLE_BODY, Inv, LIST_REPLY_HEADER,
    Layer, MAGIC, MAJOR, META_ERROR_KIND, Module, NUM_REPLY_CODE, NUM_STREAMED, OK, PENDING, Status, Tok,
};
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// The names of layers by number.
pub(crate) const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The values of the header that hooks add, by number.
pub(crate) const HEADERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";

/// Returns `true` for a code of a reply, by the list in `faas.h`.
pub(crate) fn is_code(code: u32) -> bool {
    matches!(code, 0 | 1 | 200..=599)
}

const MEMBER: &str = "every member of 1.0 is there";

/// Keys of slots: any addresses.
static KEYS: [u8; 3] = [0; 3];

/// The instance that `create` makes. It stays in its world after `destroy`, so that a later call is seen, not followed.
pub(crate) struct Instance {
    world: Arc<World>,
    host: &'static Host,
    who: usize,
    ended: AtomicU32,
    /// The token of a call that `cancel` ends.
    waiting: Mutex<Option<usize>>,
}

/// Returns the configuration of entry `who`, which says where its script is.
pub(crate) fn config(world: &World, who: usize) -> String {
    format!("{}:{who}", world.id)
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// Makes the table of layer `index`.
pub(crate) fn layer(plan: &Plan, index: usize) -> &'static Layer {
    let layer = &plan.layers[index];
    leak(Layer {
        size: size_of::<Layer>(),
        name: Bytes::of(NAMES[index].as_bytes()),
        flags: if layer.reentrant { IS_REENTRANT } else { 0 } | if layer.whole_body { IS_WHOLE_BODY } else { 0 },
        order: 0,
        needs: 0,
        wants: 0,
        before_phases: layer.before.phases,
        after_phases: layer.after.phases,
        error_phases: layer.on_error.phases,
        reserved: 0,
        create: Some(create),
        before: (!layer.before.null).then_some(before),
        after: (!layer.after.null).then_some(after),
        on_error: (!layer.on_error.null).then_some(on_error),
        head: layer.has_head.then_some(head),
        cancel: layer.has_cancel.then_some(cancel),
        destroy: Some(destroy),
        recognise: layer.has_recognise.then_some(recognise),
        context: layer.has_context.then_some(context),
        health: layer.health.map(|_| health as _),
    })
}

/// Makes the function's table.
pub(crate) fn function(plan: &Plan) -> &'static Function {
    leak(Function {
        size: size_of::<Function>(),
        name: Bytes::of(b"f"),
        flags: 0,
        phases: plan.phase.phases,
        needs: 0,
        wants: 0,
        triggers: Bytes::EMPTY,
        group: Bytes::EMPTY,
        create: Some(create),
        invoke: Some(invoke),
        phase: (!plan.phase.null).then_some(phase),
        cancel: plan.function_has_cancel.then_some(cancel),
        destroy: Some(destroy),
    })
}

/// Returns the host's checked form of a module with these entries.
pub(crate) fn module(functions: Vec<*const Function>, layers: Vec<*const Layer>) -> CheckedModule {
    let (functions, layers) = (functions.leak(), layers.leak());
    let module = leak(Module {
        size: size_of::<Module>(),
        magic: MAGIC,
        major: MAJOR,
        min_minor: 0,
        name: Bytes::of(b"scripted"),
        version: Bytes::EMPTY,
        built_with: Bytes::EMPTY,
        refusal: Bytes::EMPTY,
        functions: functions.as_ptr(),
        function_count: functions.len(),
        layers: layers.as_ptr(),
        layer_count: layers.len(),
    });
    // SAFETY: the tables are leaked, thus readable for ever, and their hooks keep the contract.
    unsafe { CheckedModule::read(module, Needs { features: 0 }, &|_, _| true) }.expect("a module as faas.h wants it")
}

unsafe extern "C" fn create(host: *const Host, config: Bytes, this: *mut *mut c_void, why: *mut Buf) -> Status {
    // SAFETY: lent for the call.
    let config = unsafe { config.as_slice() };
    let found = std::str::from_utf8(config).ok().and_then(|text| text.split_once(':'));
    let Some((Ok(id), Ok(who))) = found.map(|(id, who)| (id.parse(), who.parse())) else { return E_USER };
    let Some(world) = World::find(id) else { return E_USER };
    world.note(Event::Create(who));
    let plan = &world.plan;
    if !plan.layers.get(who).map_or(plan.function_creates, |layer| layer.creates) {
        let buf = give(&world, b"not today".to_vec());
        // SAFETY: the host's out parameter, writable during the call.
        unsafe { why.write(buf) };
        return E_USER;
    }
    // SAFETY: a host table lives as long as the process.
    let host = unsafe { &*host };
    let instance =
        Arc::new(Instance { world: world.clone(), host, who, ended: AtomicU32::new(0), waiting: Mutex::new(None) });
    // SAFETY: the host's out parameter, writable during the call.
    unsafe { this.write(Arc::as_ptr(&instance).cast_mut().cast()) };
    lock(&world.instances).push(instance);
    OK
}

/// Returns the instance behind `this`.
///
/// # Safety
/// `this` must come from [`create`]; its world must not have ended.
unsafe fn instance<'a>(this: *mut c_void) -> &'a Instance {
    // SAFETY: the world keeps every instance until its end, which comes after the last call.
    let instance = unsafe { &*this.cast::<Instance>() };
    if instance.ended.load(Ordering::Relaxed) != 0 {
        instance.world.note(Event::Fault("a call after destroy"));
    }
    instance
}

unsafe extern "C" fn before(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    let script = &this.world.run(phase).layers[this.who].before;
    Call { this, inv }.play(Hook::Before, phase, OK, script, tok)
}

unsafe extern "C" fn after(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    let script = &this.world.run(phase).layers[this.who].after;
    Call { this, inv }.play(Hook::After, phase, OK, script, tok)
}

unsafe extern "C" fn on_error(this: *mut c_void, phase: u32, inv: *mut Inv, inner: Status, tok: *mut Tok) -> Status {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    let script = &this.world.run(phase).layers[this.who].on_error;
    Call { this, inv }.play(Hook::OnError, phase, inner, script, tok)
}

unsafe extern "C" fn head(this: *mut c_void, inv: *mut Inv) {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    let call = Call { this, inv };
    call.enter(Hook::Head, INVOKE, OK);
    this.world.run(INVOKE).layers[this.who].head.iter().for_each(|act| call.act(act));
}

unsafe extern "C" fn recognise(this: *mut c_void, inv: *mut Inv) -> Status {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    Call { this, inv }.play_quick(Hook::Recognise, &this.world.run(INVOKE).layers[this.who].recognise)
}

unsafe extern "C" fn context(this: *mut c_void, inv: *mut Inv) -> Status {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    Call { this, inv }.play_quick(Hook::Context, &this.world.run(INVOKE).layers[this.who].context)
}

unsafe extern "C" fn health(this: *mut c_void, why: *mut Buf) -> Status {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    let (status, words) = this.world.plan.layers[this.who].health.expect("it is in the table only if it is planned");
    if words {
        let buf = give(&this.world, b"out of sorts".to_vec());
        // SAFETY: the host's out parameter, writable during the call.
        unsafe { why.write(buf) };
    }
    status
}

unsafe extern "C" fn invoke(this: *mut c_void, inv: *mut Inv, tok: *mut Tok) -> Status {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    Call { this, inv }.play(Hook::Invoke, INVOKE, OK, &this.world.run(INVOKE).function, tok)
}

unsafe extern "C" fn phase(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    Call { this, inv }.play(Hook::Phase, phase, OK, &this.world.run(phase).function, tok)
}

unsafe extern "C" fn cancel(this: *mut c_void, _: *mut Inv, reason: u32) {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    this.world.note(Event::Cancel { who: this.who, reason });
    if let Some(tok) = lock(&this.waiting).take() {
        this.done(tok, E_CANCELLED);
    }
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    // SAFETY: the host's promise.
    let this = unsafe { instance(this) };
    this.ended.fetch_add(1, Ordering::Relaxed);
    this.world.note(Event::Destroy(this.who));
}

unsafe extern "C" fn release(owner: *mut c_void) {
    // SAFETY: the world keeps every buffer until after the last release.
    unsafe { &*owner.cast::<Buffer>() }.released.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn drop_slot(value: *mut c_void) {
    // SAFETY: the world keeps every counter until after the last drop.
    unsafe { &*value.cast::<AtomicU32>() }.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn token_ended(arg: *mut c_void, _: Status) {
    // SAFETY: the world keeps every counter until after the last token's end.
    unsafe { &*arg.cast::<AtomicU32>() }.fetch_add(1, Ordering::Relaxed);
}

/// Makes bytes to give away, with their releases counted.
fn give(world: &World, bytes: Vec<u8>) -> Buf {
    let buffer = Arc::new(Buffer { bytes, released: AtomicU32::new(0) });
    let buf = Buf {
        ptr: buffer.bytes.as_ptr(),
        len: buffer.bytes.len(),
        release: Some(release),
        owner: Arc::as_ptr(&buffer).cast_mut().cast(),
    };
    lock(&world.buffers).push(buffer);
    buf
}

/// The state of a filter.
struct Passing {
    world: Arc<World>,
    mark: u8,
    fails: bool,
    drops: Arc<AtomicU32>,
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

unsafe extern "C" fn filter(arg: *mut c_void, piece: Bytes, is_last: u32, out: *mut Buf) -> Status {
    // SAFETY: `stream_filter` made it, and it has not been dropped.
    let Passing { world, mark, fails, .. } = unsafe { &*arg.cast::<Passing>() };
    // SAFETY: lent for the call.
    let mut bytes = unsafe { piece.as_slice() }.to_vec();
    if !bytes.is_empty() {
        if *fails {
            return E_USER;
        }
        bytes.push(*mark);
    } else if is_last == 0 {
        world.note(Event::Fault("a filter was given nothing"));
    }
    if is_last != 0 {
        bytes.push(*mark);
    }
    // SAFETY: the host's out parameter.
    unsafe { out.write(give(world, bytes)) };
    OK
}

unsafe extern "C" fn drop_filter(arg: *mut c_void) {
    // SAFETY: `stream_filter` made it, and the host drops it once.
    drop(unsafe { Box::from_raw(arg.cast::<Passing>()) });
}

/// Adds a new counter to one of the world's lists. Returns the address of it that a module gives away.
fn counter(list: &Mutex<Vec<Arc<AtomicU32>>>) -> *mut c_void {
    let counter = Arc::new(AtomicU32::new(0));
    let address = Arc::as_ptr(&counter).cast_mut().cast();
    lock(list).push(counter);
    address
}

impl Instance {
    /// Returns the number of times that it was destroyed.
    pub(crate) fn ends(&self) -> u32 {
        self.ended.load(Ordering::Relaxed)
    }

    fn done(&self, tok: usize, status: Status) {
        let done = self.host.done.expect(MEMBER);
        // SAFETY: any thread may call it, with any token.
        unsafe { done(std::ptr::without_provenance_mut(tok), status) }
    }

    fn job(&self, tok: *mut Tok, status: Status, again: Option<Status>) -> Job {
        Job::Done { done: self.host.done.expect(MEMBER), tok: tok.addr(), status, again }
    }
}

/// A call of the host's: an instance that has an invocation until it ends.
struct Call<'a> {
    this: &'a Instance,
    inv: *mut Inv,
}

impl Call<'_> {
    /// Plays a script: the acts, then the end.
    fn play(&self, hook: Hook, phase: u32, inner: Status, script: &Script, tok: *mut Tok) -> Status {
        self.enter(hook, phase, inner);
        script.acts.iter().for_each(|act| self.act(act));
        self.end(script, tok)
    }

    fn play_quick(&self, hook: Hook, quick: &Quick) -> Status {
        self.enter(hook, INVOKE, OK);
        quick.acts.iter().for_each(|act| self.act(act));
        quick.status
    }

    fn enter(&self, hook: Hook, phase: u32, inner: Status) {
        let world = &self.this.world;
        let kind = self.meta(META_ERROR_KIND);
        let words = match kind.strip_prefix(b"Kind.") {
            _ if kind.is_empty() => Words::None,
            Some(number) => Words::Own(std::str::from_utf8(number).ok().and_then(|n| n.parse().ok()).unwrap_or(0)),
            None => Words::Runtime,
        };
        let code = Some(self.num(NUM_REPLY_CODE)).filter(|code| *code != u64::MAX);
        let streamed = self.num(NUM_STREAMED) == 1;
        let seen = Seen {
            inner: known(inner),
            cancelled: self.cancelled(),
            code,
            body: self.reply_body().len(),
            streamed,
            words,
        };
        world.note(Event::Call { who: self.this.who, hook, phase, seen });
    }

    fn act(&self, act: &Act) {
        let world = &self.this.world;
        let status = match act {
            Act::Reply { code, fill, len } => self.reply(*code, give(world, vec![*fill; *len])),
            Act::Fail(number) => self.fail(*number),
            Act::Header(value) => self.header(*value),
            Act::Code(_) if self.num(NUM_REPLY_CODE) == u64::MAX => return,
            Act::Code(code) => self.set_num(NUM_REPLY_CODE, u64::from(*code)),
            Act::Slot(key) => self.set_slot(&KEYS[usize::from(*key)]),
            Act::Body => self.set_body(give(world, b"other".to_vec())),
            Act::Token { ended } => {
                let token = self.token();
                if *ended {
                    self.this.done(token.addr(), OK);
                }
                OK
            }
            Act::Filter { mark, fails } => self.stream_filter(*mark, *fails),
            Act::Begin { code } => self.stream_begin(*code),
            Act::Write { fill, len, room } => {
                let room = if *room { self.token() } else { std::ptr::null_mut() };
                self.stream_write(give(world, vec![*fill; *len]), room)
            }
        };
        world.note(Event::Did(status.max(-1)));
    }

    fn end(&self, script: &Script, tok: *mut Tok) -> Status {
        let world = &self.this.world;
        let again = script.again;
        match script.end {
            End::Inline(status) => return status,
            End::DoneInside(status) => {
                self.this.done(tok.addr(), status);
                again.into_iter().for_each(|again| self.this.done(tok.addr(), again));
            }
            End::DoneBeside(status) => {
                world.tell(self.this.job(tok, status, again));
                world.catch_up();
            }
            End::Racing(status) => world.tell(self.this.job(tok, status, again)),
            End::Later(status) => world.tell_later(self.this.job(tok, status, again)),
            End::CancelledInside { reason, status } => {
                if let Some(cancel) = lock(&world.cancel).clone() {
                    world.tell(Job::Fire { cancel, reason, then: None });
                    world.catch_up();
                }
                return status;
            }
            End::CancelledPending { .. } if self.cancelled() != 0 => return E_CANCELLED,
            End::CancelledPending { reason, status } => {
                let done = self.this.job(tok, status, again);
                let job = match lock(&world.cancel).clone() {
                    Some(cancel) => {
                        *lock(&self.this.waiting) = Some(tok.addr());
                        Job::Fire { cancel, reason, then: Some(Box::new(done)) }
                    }
                    None => done,
                };
                world.tell_later(job);
            }
        }
        PENDING
    }

    fn meta(&self, key: u32) -> Vec<u8> {
        let meta = self.this.host.meta.expect(MEMBER);
        // SAFETY: this call has the invocation.
        let text = unsafe { meta(self.inv, key) };
        // SAFETY: lives as long as the invocation.
        unsafe { text.as_slice() }.to_vec()
    }

    fn num(&self, key: u32) -> u64 {
        let num = self.this.host.num.expect(MEMBER);
        // SAFETY: this call has the invocation.
        unsafe { num(self.inv, key) }
    }

    fn cancelled(&self) -> u32 {
        let cancelled = self.this.host.cancelled.expect(MEMBER);
        // SAFETY: this call has the invocation.
        unsafe { cancelled(self.inv) }
    }

    fn reply_body(&self) -> Vec<u8> {
        let reply_body = self.this.host.reply_body.expect(MEMBER);
        // SAFETY: this call has the invocation.
        let body = unsafe { reply_body(self.inv) };
        // SAFETY: lives until the reply is replaced.
        unsafe { body.as_slice() }.to_vec()
    }

    fn reply(&self, code: u32, body: Buf) -> Status {
        let reply = self.this.host.reply.expect(MEMBER);
        // SAFETY: this call has the invocation, and gives the buffer away.
        unsafe { reply(self.inv, code, body) }
    }

    fn fail(&self, number: u8) -> Status {
        let fail = self.this.host.fail.expect(MEMBER);
        let (kind, message) = (format!("Kind.{number}"), format!("message {number}"));
        let (kind, message) = (Bytes::of(kind.as_bytes()), Bytes::of(message.as_bytes()));
        // SAFETY: this call has the invocation; the texts outlive it.
        unsafe { fail(self.inv, kind, message, Bytes::EMPTY) }
    }

    fn header(&self, value: u8) -> Status {
        let add = self.this.host.add.expect(MEMBER);
        let value = [HEADERS[usize::from(value) % HEADERS.len()]];
        // SAFETY: this call has the invocation; the texts outlive it.
        unsafe { add(self.inv, LIST_REPLY_HEADER, Bytes::of(b"x-test"), Bytes::of(&value)) }
    }

    fn stream_filter(&self, mark: u8, fails: bool) -> Status {
        let drops = Arc::default();
        lock(&self.this.world.filters).push(Arc::clone(&drops));
        let arg = Box::into_raw(Box::new(Passing { world: self.this.world.clone(), mark, fails, drops }));
        let stream_filter = self.this.host.stream_filter.expect("every member of 1.1 is there");
        // SAFETY: this call has the invocation; the host calls the functions as faas.h says.
        let status = unsafe { stream_filter(self.inv, Some(filter), arg.cast(), Some(drop_filter)) };
        if status < 0 {
            // SAFETY: a host that refuses has not taken it.
            drop(unsafe { Box::from_raw(arg) });
        }
        status
    }

    fn set_num(&self, key: u32, value: u64) -> Status {
        let set_num = self.this.host.set_num.expect(MEMBER);
        // SAFETY: this call has the invocation.
        unsafe { set_num(self.inv, key, value) }
    }

    fn set_slot(&self, key: &'static u8) -> Status {
        let set_slot = self.this.host.set_slot.expect(MEMBER);
        let value = counter(&self.this.world.slots);
        // SAFETY: this call has the invocation; the value outlives it.
        unsafe { set_slot(self.inv, std::ptr::from_ref(key).cast(), value, Some(drop_slot)) }
    }

    fn set_body(&self, body: Buf) -> Status {
        let set_body = self.this.host.set_body.expect(MEMBER);
        // SAFETY: this call has the invocation, and gives the buffer away.
        unsafe { set_body(self.inv, body) }
    }

    fn token(&self) -> *mut Tok {
        let token = self.this.host.token.expect(MEMBER);
        let arg = counter(&self.this.world.tokens);
        // SAFETY: this call has the invocation; the argument outlives it.
        unsafe { token(self.inv, Some(token_ended), arg) }
    }

    fn stream_begin(&self, code: u32) -> Status {
        let stream_begin = self.this.host.stream_begin.expect(MEMBER);
        // SAFETY: this call has the invocation.
        unsafe { stream_begin(self.inv, code) }
    }

    fn stream_write(&self, chunk: Buf, room: *mut Tok) -> Status {
        let stream_write = self.this.host.stream_write.expect(MEMBER);
        // SAFETY: this call has the invocation, and gives the chunk away.
        unsafe { stream_write(self.inv, chunk, room) }
    }
}
