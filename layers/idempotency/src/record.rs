//! The bytes that are kept under a key: that a call is in progress, or that it is done, with the reply.
//!
//! A byte 1, a byte for the state, 32 bytes of the payload's hash, and the data of the state. Lengths are of four
//! bytes, the highest first.

/// The hash of the request or event.
pub(crate) type Payload = [u8; 32];

/// The content of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) payload: Payload,
    pub(crate) state: State,
}

/// The state of the call with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The call is in progress, or was when its process ended.
    InProgress,
    /// The call is done, and this was the reply.
    Done(Reply),
    /// The call is done, and its reply was not kept.
    DoneUnkept,
    /// The call has failed with an error of this kind, and is kept as failed.
    Failed(String),
}

/// The meaning of the reply's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Http,
    Value,
    Raw,
}

/// A reply, as the function made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) form: Form,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Vec<u8>,
}

const VERSION: u8 = 1;
const IN_PROGRESS: u8 = 0;
const DONE: u8 = 1;
const DONE_UNKEPT: u8 = 2;
const FAILED: u8 = 3;

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn length(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }
}

impl Record {
    pub(crate) fn write(&self) -> Vec<u8> {
        let state = match &self.state {
            State::InProgress => IN_PROGRESS,
            State::Done(_) => DONE,
            State::DoneUnkept => DONE_UNKEPT,
            State::Failed(_) => FAILED,
        };
        let mut out = vec![VERSION, state];
        out.extend_from_slice(&self.payload);
        match &self.state {
            State::InProgress | State::DoneUnkept => {}
            State::Done(reply) => reply.write(&mut out),
            State::Failed(kind) => put(&mut out, kind.as_bytes()),
        }
        out
    }

    /// Reads the bytes; `None` if they were not written by this layer, or by a later version of it.
    pub(crate) fn read(bytes: &[u8]) -> Option<Record> {
        let mut from = Reader(bytes);
        if from.byte()? != VERSION {
            return None;
        }
        let state = from.byte()?;
        let payload = from.take(32)?.try_into().ok()?;
        let state = match state {
            IN_PROGRESS => State::InProgress,
            DONE => State::Done(Reply::read(&mut from)?),
            DONE_UNKEPT => State::DoneUnkept,
            FAILED => State::Failed(from.text()?),
            _ => return None,
        };
        from.0.is_empty().then_some(Record { payload, state })
    }
}

impl Reply {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self.form {
            Form::Http => 0,
            Form::Value => 1,
            Form::Raw => 2,
        });
        out.extend_from_slice(&self.status.to_be_bytes());
        out.extend_from_slice(&u32::try_from(self.headers.len()).unwrap_or(u32::MAX).to_be_bytes());
        for (name, value) in &self.headers {
            put(out, name.as_bytes());
            put(out, value.as_bytes());
        }
        out.extend_from_slice(&u32::try_from(self.cookies.len()).unwrap_or(u32::MAX).to_be_bytes());
        for cookie in &self.cookies {
            put(out, cookie.as_bytes());
        }
        out.extend_from_slice(&self.body);
    }

    fn read(from: &mut Reader<'_>) -> Option<Reply> {
        let form = match from.byte()? {
            0 => Form::Http,
            1 => Form::Value,
            2 => Form::Raw,
            _ => return None,
        };
        let status = u16::from_be_bytes(from.take(2)?.try_into().ok()?);
        let headers = (0..from.length()?).map(|_| Some((from.text()?, from.text()?))).collect::<Option<_>>()?;
        let cookies = (0..from.length()?).map(|_| from.text()).collect::<Option<_>>()?;
        let body = from.take(from.0.len())?.to_vec();
        Some(Reply { form, status, headers, cookies, body })
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Record, Reply, State};

    fn records() -> Vec<Record> {
        let reply = |form, body: &[u8]| Reply {
            form,
            status: 201,
            headers: vec![
                ("location".into(), "/orders/1".into()),
                ("x".into(), "ä".into()),
                ("x".into(), String::new()),
            ],
            cookies: vec!["a=b; Path=/".into()],
            body: body.to_vec(),
        };
        [
            State::InProgress,
            State::Done(reply(Form::Http, b"\0\xff")),
            State::Done(reply(Form::Value, b"{}")),
            State::Done(Reply { headers: Vec::new(), cookies: Vec::new(), ..reply(Form::Raw, b"") }),
            State::DoneUnkept,
            State::Failed("Shop.Closed".into()),
        ]
        .map(|state| Record { payload: [7; 32], state })
        .into()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for record in records() {
            assert_eq!(Record::read(&record.write()), Some(record));
        }
    }

    #[test]
    fn what_is_no_record_is_none_and_nothing_panics() {
        for record in records() {
            let bytes = record.write();
            for end in 0..bytes.len() {
                // The body of a reply may be cut: it has no length of its own, since stores keep whole values.
                if let Some(cut) = Record::read(&bytes[..end]) {
                    assert!(matches!((&cut.state, &record.state), (State::Done(_), State::Done(_))), "{cut:?}");
                }
            }
            for place in 0..bytes.len() {
                for value in [0, 1, 2, 3, 255] {
                    let mut changed = bytes.clone();
                    changed[place] = value;
                    let _ = Record::read(&changed);
                }
            }
        }
        assert_eq!((Record::read(b""), Record::read(b"{\"status\":\"done\"}")), (None, None));
    }
}
