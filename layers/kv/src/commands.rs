//! The command to Redis for each call of the service, and the meaning of its reply. Each condition is checked where the
//! value lies, by a script of Lua's, which nothing else runs beside.
//!
//! A value is kept as a byte 1, the eight bytes of its version, and its own bytes.

use crate::resp::{self, Reply};
use handlers_sdk::service::kv::{Condition, Entry, Op, Outcome};
use std::time::Duration;

/// The number of bytes before a value.
pub(crate) const HEAD: usize = 9;
const FORM: u8 = 1;

/// Both write as SET does: ARGV[1] is the value, ARGV[2] its milliseconds, 0 for ever. They return the value that is in
/// the way, 1 once it is written, 0 if there is none.
const PUT_IF_ABSENT: &str = "local v=redis.call('GET',KEYS[1]) if v then return v end \
    if ARGV[2]=='0' then redis.call('SET',KEYS[1],ARGV[1]) else redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) end return 1";
const PUT_IF_VERSION: &str = "local v=redis.call('GET',KEYS[1]) if not v then return 0 end \
    if string.sub(v,2,9)~=ARGV[3] then return v end \
    if ARGV[2]=='0' then redis.call('SET',KEYS[1],ARGV[1]) else redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) end return 1";
const REMOVE_IF_VERSION: &str = "local v=redis.call('GET',KEYS[1]) if not v then return 0 end \
    if string.sub(v,2,9)~=ARGV[1] then return v end redis.call('DEL',KEYS[1]) return 1";

/// The longest time to live in milliseconds, a hundred years: Redis adds it to its clock, and refuses a sum that does
/// not fit into 64 bits.
const LONGEST_MS: u128 = 100 * 365 * 24 * 3600 * 1000;

fn milliseconds(ttl: Option<Duration>) -> String {
    ttl.map_or(0, |ttl| ttl.as_millis().clamp(1, LONGEST_MS)).to_string()
}

/// Writes the command. `version` is the version of the value that it writes.
pub(crate) fn command(key: &[u8], op: &Op, version: u64) -> Vec<u8> {
    match op {
        Op::Get => resp::command(&[b"GET", key]),
        Op::Put { value, ttl, only_if } => {
            let mut kept = Vec::with_capacity(HEAD + value.len());
            kept.push(FORM);
            kept.extend_from_slice(&version.to_be_bytes());
            kept.extend_from_slice(value);
            let ttl = milliseconds(*ttl);
            let ttl = ttl.as_bytes();
            match only_if {
                Condition::Always if ttl == b"0" => resp::command(&[b"SET", key, &kept]),
                Condition::Always => resp::command(&[b"SET", key, &kept, b"PX", ttl]),
                Condition::Absent => resp::command(&[b"EVAL", PUT_IF_ABSENT.as_bytes(), b"1", key, &kept, ttl]),
                Condition::Version(expected) => {
                    let expected = expected.to_be_bytes();
                    resp::command(&[b"EVAL", PUT_IF_VERSION.as_bytes(), b"1", key, &kept, ttl, &expected])
                }
            }
        }
        Op::Remove { expected: None } => resp::command(&[b"DEL", key]),
        Op::Remove { expected: Some(expected) } => {
            resp::command(&[b"EVAL", REMOVE_IF_VERSION.as_bytes(), b"1", key, &expected.to_be_bytes()])
        }
    }
}

fn kept(bytes: &[u8]) -> Result<Entry, String> {
    let foreign = || "the key has a value that this layer did not write".to_owned();
    let (head, value) = bytes.split_at_checked(HEAD).ok_or_else(foreign)?;
    let version = head[1..].try_into().map(u64::from_be_bytes).map_err(|_| foreign())?;
    if head[0] != FORM || version == 0 {
        return Err(foreign());
    }
    Ok(Entry { value: value.to_vec(), version })
}

/// Returns the meaning of the reply to that command.
///
/// # Errors
/// The store has refused, or its reply is not understood. The text says which.
pub(crate) fn outcome(op: &Op, version: u64, reply: Reply) -> Result<Outcome, String> {
    let is_change = !matches!(op, Op::Get);
    Ok(match reply {
        Reply::Error(why) => return Err(format!("it refuses: {why}")),
        Reply::Bytes(bytes) if is_change => Outcome::Conflict(kept(&bytes)?),
        Reply::Bytes(bytes) => Outcome::Found(kept(&bytes)?),
        Reply::Number(0) if is_change => Outcome::Absent,
        Reply::Simple | Reply::Number(_) if is_change => Outcome::Changed(version),
        Reply::Nil if !is_change => Outcome::Absent,
        other => return Err(format!("its answer makes no sense: {other:?}")),
    })
}

#[cfg(test)]
mod tests {
    use super::{command, milliseconds, outcome};
    use crate::resp::Reply;
    use handlers_sdk::service::kv::{Condition, Entry, Op, Outcome};
    use std::time::Duration;

    fn put(only_if: Condition) -> Op {
        Op::Put { value: b"v".to_vec(), ttl: Some(Duration::from_millis(1500)), only_if }
    }

    #[test]
    fn a_value_is_written_with_its_version_and_read_with_it() {
        let text = command(b"k", &put(Condition::Always), 0x0102);
        assert!(text.ends_with(b"$10\r\n\x01\0\0\0\0\0\0\x01\x02v\r\n$2\r\nPX\r\n$4\r\n1500\r\n"), "{text:?}");
        let found = outcome(&Op::Get, 0, Reply::Bytes(b"\x01\0\0\0\0\0\0\x01\x02v".to_vec()));
        assert_eq!(found, Ok(Outcome::Found(Entry { value: b"v".to_vec(), version: 0x0102 })));
    }

    #[test]
    fn what_another_wrote_under_the_key_is_no_value() {
        for bytes in [&b""[..], b"short", b"longer than a head", b"\x01\0\0\0\0\0\0\0\0v"] {
            assert!(outcome(&Op::Get, 0, Reply::Bytes(bytes.to_vec())).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn replies_mean_what_the_scripts_return() {
        let there = || Reply::Bytes(b"\x01\0\0\0\0\0\0\0\x07v".to_vec());
        let conflict = Ok(Outcome::Conflict(Entry { value: b"v".to_vec(), version: 7 }));
        for only_if in [Condition::Absent, Condition::Version(3)] {
            assert_eq!(outcome(&put(only_if), 9, there()), conflict);
            assert_eq!(outcome(&put(only_if), 9, Reply::Number(1)), Ok(Outcome::Changed(9)));
        }
        assert_eq!(outcome(&put(Condition::Version(3)), 9, Reply::Number(0)), Ok(Outcome::Absent));
        assert_eq!(outcome(&put(Condition::Always), 9, Reply::Simple), Ok(Outcome::Changed(9)));
        for expected in [None, Some(3)] {
            assert_eq!(outcome(&Op::Remove { expected }, 0, Reply::Number(1)), Ok(Outcome::Changed(0)));
            assert_eq!(outcome(&Op::Remove { expected }, 0, Reply::Number(0)), Ok(Outcome::Absent));
        }
        assert_eq!(outcome(&Op::Remove { expected: Some(3) }, 0, there()), conflict);
        assert_eq!(outcome(&Op::Get, 0, Reply::Nil), Ok(Outcome::Absent));
        let refused = outcome(&Op::Get, 0, Reply::Error("LOADING dataset".into()));
        assert_eq!(refused, Err("it refuses: LOADING dataset".into()));
        assert!(outcome(&Op::Get, 0, Reply::Simple).is_err());
    }

    #[test]
    fn a_time_is_never_none_and_never_too_long_for_redis() {
        assert_eq!([None, Some(Duration::ZERO), Some(Duration::MAX)].map(milliseconds), ["0", "1", "3153600000000"]);
    }
}
