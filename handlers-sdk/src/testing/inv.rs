//! One invocation of the test host.

use faas_abi::host::{Cancel, Given, HeadHook, Invocation, Memory, Stamped, token};
use faas_abi::*;
use std::sync::Arc;

type List = Vec<(Vec<u8>, Vec<u8>)>;

/// How the reader of a stream behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Peer {
    /// There is always room.
    #[default]
    Fast,
    /// There is none after a chunk, until another thread says so.
    Slow,
    /// It leaves after so many chunks.
    GoneAfter(usize),
    /// After so many chunks there is no room any more, and the invocation is cancelled.
    StuckAfter(usize),
}

#[derive(Default)]
pub(super) struct TestInvocation {
    pub(super) metas: Vec<(u32, Vec<u8>)>,
    pub(super) numbers: Vec<(u32, u64)>,
    pub(super) event: Vec<u8>,
    pub(super) body: Option<Given>,
    pub(super) lists: [List; 11],
    pub(super) reply: Option<(u32, Given)>,
    pub(super) failure: Option<[String; 3]>,
    pub(super) stream: Option<Vec<Vec<u8>>>,
    pub(super) heads: Vec<HeadHook>,
    pub(super) peer: Peer,
    /// For a peer that is stuck. Taken on use, since it points back to here.
    pub(super) cancel: Option<Cancel<TestInvocation>>,
    pub(super) memory: Memory,
    /// What was replaced or removed: results of reads live as long as the invocation.
    pub(super) kept: Vec<Vec<u8>>,
    pub(super) kept_bodies: Vec<Given>,
}

fn same(list: u32, one: &[u8], other: &[u8]) -> bool {
    if matches!(list, LIST_HEADER | LIST_REPLY_HEADER) { one.eq_ignore_ascii_case(other) } else { one == other }
}

impl TestInvocation {
    pub(super) fn set_text(&mut self, key: u32, value: &[u8]) {
        if let Some(index) = self.metas.iter().position(|(other, _)| *other == key) {
            let (_, old) = self.metas.swap_remove(index);
            self.kept.push(old);
        }
        self.metas.push((key, value.to_vec()));
    }

    pub(super) fn list(&self, list: u32) -> &List {
        &self.lists[list as usize]
    }

    fn known(&mut self, list: u32) -> Option<&mut List> {
        if matches!(list, LIST_PLATFORM | LIST_RECORD | LIST_ATTRIBUTE) {
            None
        } else {
            self.lists.get_mut(list as usize)
        }
    }
}

impl Stamped for TestInvocation {
    /// The request id.
    type Stamp = Vec<u8>;

    fn stamp(&self, stamp: &mut Vec<u8>) {
        stamp.clear();
        stamp.extend_from_slice(self.meta(META_REQUEST_ID));
    }
}

impl Invocation for TestInvocation {
    fn meta(&self, key: u32) -> &[u8] {
        if let (Some(failure), 0..=2) = (&self.failure, key.wrapping_sub(META_ERROR_KIND)) {
            return failure[(key - META_ERROR_KIND) as usize].as_bytes();
        }
        self.metas.iter().find(|(other, _)| *other == key).map_or(&[], |(_, value)| value)
    }

    fn num(&self, key: u32) -> u64 {
        match key {
            NUM_REPLY_STATUS => match &self.reply {
                None => 0,
                Some((REPLY_RAW | REPLY_VALUE, _)) => 200,
                Some((code, _)) => u64::from(*code),
            },
            NUM_REPLY_CODE => self.reply.as_ref().map_or(u64::MAX, |(code, _)| u64::from(*code)),
            NUM_REPLY_BYTES => self.reply_body().len() as u64,
            NUM_STREAMED => u64::from(self.stream.is_some()),
            NUM_REMAINING_MS => self.numbers.iter().find(|(other, _)| *other == key).map_or(u64::MAX, |found| found.1),
            key => self.numbers.iter().find(|(other, _)| *other == key).map_or(0, |(_, value)| *value),
        }
    }

    fn set_meta(&mut self, key: u32, value: &[u8]) -> Status {
        self.set_text(key, value);
        OK
    }

    fn set_num(&mut self, key: u32, value: u64) -> Status {
        match (key, &mut self.reply, u32::try_from(value)) {
            (NUM_REPLY_CODE, Some((code, _)), Ok(value @ 200..=599)) if self.stream.is_none() => {
                *code = value;
                OK
            }
            (NUM_REPLY_CODE, ..) => E_INVALID,
            (NUM_DEADLINE_NS, ..) => {
                self.numbers.retain(|(other, _)| *other != key);
                self.numbers.push((key, value));
                OK
            }
            _ => E_UNSUPPORTED,
        }
    }

    fn event(&self) -> &[u8] {
        &self.event
    }

    fn body(&self) -> &[u8] {
        self.body.as_ref().map_or(&self.event, Given::as_slice)
    }

    fn set_body(&mut self, body: Given) -> Status {
        self.kept_bodies.extend(self.body.replace(body));
        OK
    }

    fn count(&self, list: u32) -> usize {
        self.lists.get(list as usize).map_or(0, Vec::len)
    }

    fn at(&self, list: u32, index: usize) -> Option<(&[u8], &[u8])> {
        self.lists.get(list as usize)?.get(index).map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    fn get(&self, list: u32, name: &[u8]) -> Option<&[u8]> {
        let pairs = self.lists.get(list as usize)?;
        pairs.iter().find(|(other, _)| same(list, other, name)).map(|(_, value)| value.as_slice())
    }

    fn set(&mut self, list: u32, name: &[u8], value: &[u8]) -> Status {
        self.remove(list, name);
        self.add(list, name, value)
    }

    fn add(&mut self, list: u32, name: &[u8], value: &[u8]) -> Status {
        let Some(pairs) = self.known(list) else { return E_INVALID };
        if value.contains(&b'\n') {
            return E_INVALID;
        }
        pairs.push((name.to_vec(), value.to_vec()));
        OK
    }

    fn remove(&mut self, list: u32, name: &[u8]) -> Status {
        let Some(pairs) = self.known(list) else { return E_INVALID };
        let (gone, stay): (List, List) = pairs.drain(..).partition(|(other, _)| same(list, other, name));
        *pairs = stay;
        self.kept.extend(gone.into_iter().flat_map(|(name, value)| [name, value]));
        OK
    }

    fn memory(&self) -> &Memory {
        &self.memory
    }

    fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    fn reply(&mut self, code: u32, body: Given) -> Status {
        if self.stream.is_some() {
            return E_INVALID;
        }
        self.failure = None;
        self.kept_bodies.extend(self.reply.replace((code, body)).map(|(_, old)| old));
        OK
    }

    fn reply_body(&self) -> &[u8] {
        self.reply.as_ref().map_or(&[], |(_, body)| body.as_slice())
    }

    fn fail(&mut self, kind: &[u8], message: &[u8], detail: &[u8]) -> Status {
        if self.stream.is_none() {
            self.kept_bodies.extend(self.reply.take().map(|(_, old)| old));
        }
        self.failure = Some([kind, message, detail].map(|text| String::from_utf8_lossy(text).into_owned()));
        OK
    }

    fn stream_stage(&mut self, code: u32) -> Result<Arc<[HeadHook]>, Status> {
        if self.stream.is_some() {
            return Err(E_INVALID);
        }
        self.reply = Some((code, Given::EMPTY));
        Ok(self.heads.iter().rev().copied().collect())
    }

    fn stream_open(&mut self) -> Status {
        self.stream = Some(Vec::new());
        OK
    }

    fn stream_write(&mut self, chunk: Given, room: *mut Tok) -> Status {
        let Some(chunks) = &mut self.stream else { return E_INVALID };
        if matches!(self.peer, Peer::GoneAfter(most) if chunks.len() >= most) {
            return E_CANCELLED;
        }
        chunks.push(chunk.as_slice().to_vec());
        if matches!(self.peer, Peer::StuckAfter(most) if chunks.len() >= most) {
            if let Some(cancel) = self.cancel.take() {
                std::thread::spawn(move || cancel.fire(CANCEL_DEADLINE));
            }
            return PENDING;
        }
        if self.peer == Peer::Slow && !room.is_null() {
            let room = room.addr();
            std::thread::spawn(move || token::complete(core::ptr::without_provenance_mut(room), OK));
            return PENDING;
        }
        OK
    }
}
