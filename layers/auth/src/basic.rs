//! Names and passwords (RFC 7617). Only hashes of passwords are known, in the form that password tools write (PHC):
//! `$pbkdf2-sha256$i=600000$<salt>$<hash>`.

use crate::hashes::Sha256;
use crate::identity::Identity;
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::rand::SystemRandom;
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The number of rounds that a hash may have. Hashes of fewer rounds are guessed too fast; more hold a thread for
/// seconds.
const ROUNDS: std::ops::RangeInclusive<u32> = 100_000..=10_000_000;

/// The most hashes with rounds that are made at once, each on a thread of the runtime. Otherwise guessing could hold
/// all of them.
const MOST_AT_ONCE: usize = 2;

/// The form of a hash that is expected, for messages.
pub(crate) const EXPECTED: &str = "$pbkdf2-sha256$i=<100000 or more>$<salt>$<hash of 32 bytes>, or sha256:<64 hex digits> for a password of a machine";

/// The hash of a password.
#[derive(Clone)]
pub(crate) enum PasswordHash {
    /// The hash of a password that no person has chosen.
    Sha256(Sha256),
    Pbkdf2 {
        rounds: NonZeroU32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

impl PasswordHash {
    /// Reads the hash of a password; `None` if the text is no such hash.
    pub(crate) fn read(text: &str) -> Option<PasswordHash> {
        if let Some(hex) = text.strip_prefix("sha256:") {
            return Sha256::read(hex).map(PasswordHash::Sha256);
        }
        let mut parts = text.strip_prefix("$pbkdf2-sha256$")?.split('$');
        let (settings, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let decode = |text: &str| STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let mut rounds = None;
        for setting in settings.split(',') {
            match setting.split_once('=')? {
                ("i", number) => rounds = number.parse().ok().filter(|number| ROUNDS.contains(number)),
                ("l", "32") => {}
                _ => return None,
            }
        }
        let (rounds, salt, hash) = (NonZeroU32::new(rounds?)?, decode(salt)?, decode(hash)?);
        let is_whole = salt.len() >= 8 && hash.len() == digest::SHA256_OUTPUT_LEN && parts.next().is_none();
        is_whole.then_some(PasswordHash::Pbkdf2 { rounds, salt, hash })
    }

    /// Returns `true` if making the hash takes a noticeable time.
    fn is_slow(&self) -> bool {
        matches!(self, PasswordHash::Pbkdf2 { .. })
    }

    /// Returns `true` if the hash is that of the password. It takes as long for a right password as for a wrong one.
    fn is_of(&self, password: &[u8]) -> bool {
        match self {
            PasswordHash::Sha256(hash) => hash.is_of(password),
            PasswordHash::Pbkdf2 { rounds, salt, hash } => {
                pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, *rounds, salt, password, hash).is_ok()
            }
        }
    }
}

/// A user with the hash of a password.
pub(crate) struct User {
    pub(crate) password: PasswordHash,
    pub(crate) identity: Identity,
}

/// All users of the configuration.
pub(crate) struct Users {
    users: Vec<User>,
    /// The user whose hash is computed for an unknown name: the one that takes longest.
    decoy: usize,
    /// The codes of the passwords that were right last, so that the slow hash is computed once and not for each
    /// request. Their key is made anew in each process and start.
    right: Mutex<Vec<Option<hmac::Tag>>>,
    key: hmac::Key,
    /// The number of hashes with rounds that are being made.
    at_work: AtomicUsize,
}

/// A place among those whose hash is being made, which is given back when dropped.
struct Place<'u>(&'u AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Users {
    /// Makes the list with a new key.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn new(users: Vec<User>) -> Result<Users, ring::error::Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        let rounds = |user: &User| match &user.password {
            PasswordHash::Sha256(_) => 0,
            PasswordHash::Pbkdf2 { rounds, .. } => rounds.get(),
        };
        let decoy = (0..users.len()).max_by_key(|index| rounds(&users[*index])).unwrap_or_default();
        Ok(Users { right: Mutex::new(vec![None; users.len()]), users, decoy, key, at_work: AtomicUsize::new(0) })
    }

    /// Takes a place. Returns `None` if there is none.
    fn place(&self) -> Option<Place<'_>> {
        let more = |count: usize| (count < MOST_AT_ONCE).then_some(count + 1);
        self.at_work.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Place(&self.at_work))
    }

    /// Returns the user of these credentials (`base64(name:password)`). For an unknown name a hash is computed all the
    /// same.
    ///
    /// # Errors
    /// They are wrong, or too many hashes are being made.
    pub(crate) fn find(&self, credentials: &str) -> Result<&Identity, Refusal> {
        const WRONG: Refusal = Refusal::WrongPassword;
        let decoded = STANDARD.decode(credentials.trim()).map_err(|_| WRONG)?;
        let colon = decoded.iter().position(|byte| *byte == b':').ok_or(WRONG)?;
        let (name, password) = (&decoded[..colon], &decoded[colon + 1..]);
        let found = self.users.iter().position(|user| user.identity.name.as_bytes() == name);
        let index = found.unwrap_or(self.decoy);
        let user = self.users.get(index).ok_or(WRONG)?;
        let known = self.right.lock().unwrap_or_else(PoisonError::into_inner)[index];
        if found.is_some() && known.is_some_and(|tag| hmac::verify(&self.key, password, tag.as_ref()).is_ok()) {
            return Ok(&user.identity);
        }
        let is_slow = user.password.is_slow();
        let place = if is_slow { Some(self.place().ok_or(Refusal::Busy)?) } else { None };
        if !user.password.is_of(password) || found.is_none() {
            return Err(WRONG);
        }
        drop(place);
        if is_slow {
            let tag = hmac::sign(&self.key, password);
            self.right.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(tag);
        }
        Ok(&user.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result of Python's `hashlib.pbkdf2_hmac("sha256", b"s3cret", b"saltsalt", 100000)`.
    const HASH: &str = "$pbkdf2-sha256$i=100000$c2FsdHNhbHQ$ar34+fG8Q9WpDlBrxkSKDzayBAC23xR/Wcdl87N1ni4";

    // The hash is the output of: printf %s machine-password | sha256sum
    const MACHINE: &str = "sha256:7cf5e3da899bc2c89e9309078fb626d09fcabee41c39805d7b2aef833ad6c04f";

    fn ann_and_job() -> Users {
        let user = |name: &str, password: &str| {
            let password = PasswordHash::read(password).unwrap_or_else(|| panic!("{password} is one"));
            let (json, claims) = ("{}".to_owned(), serde_json::Map::new());
            User { password, identity: Identity { name: name.to_owned(), json, claims } }
        };
        Users::new(vec![user("ann", HASH), user("job", MACHINE)]).expect("random bytes")
    }

    fn find<'u>(users: &'u Users, text: &str) -> Result<&'u str, Refusal> {
        users.find(&STANDARD.encode(text)).map(|user| user.name.as_str())
    }

    #[test]
    fn a_name_goes_with_its_password_alone() {
        let users = ann_and_job();
        for _ in 0..2 {
            assert_eq!(find(&users, "ann:s3cret"), Ok("ann"), "at first by the hash, then as it was right before");
            assert_eq!(find(&users, "job:machine-password"), Ok("job"));
        }
        for wrong in ["ann:s3cret ", "ann:", "ann", "job:s3cret", "bob:s3cret", "", "Ann:s3cret"] {
            assert_eq!(find(&users, wrong), Err(Refusal::WrongPassword), "{wrong}");
        }
        for no_base64 in ["", "ann:s3cret", "YW5uOnMzY3JldA", "YW5uOnMzY3JldA==x"] {
            assert_eq!(users.find(no_base64).err(), Some(Refusal::WrongPassword), "{no_base64}");
        }
    }

    #[test]
    fn who_guesses_holds_two_threads_at_most_and_nobody_back_who_was_right_before() {
        let users = ann_and_job();
        let places = [(); MOST_AT_ONCE].map(|()| users.place().expect("nobody is there yet"));
        for slow in ["ann:s3cret", "ann:guess", "nobody:guess"] {
            assert_eq!(find(&users, slow), Err(Refusal::Busy), "{slow}");
        }
        assert_eq!(find(&users, "job:machine-password"), Ok("job"), "that takes no rounds");
        drop(places);
        assert_eq!(find(&users, "ann:guess"), Err(Refusal::WrongPassword));
        assert_eq!(find(&users, "ann:s3cret"), Ok("ann"), "a wrong one has given its place back");
        let _places = [(); MOST_AT_ONCE].map(|()| users.place().expect("nobody is there any more"));
        assert_eq!(find(&users, "ann:s3cret"), Ok("ann"), "it was right before");
        assert_eq!(find(&users, "ann:guess"), Err(Refusal::Busy));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in [
            "",
            "s3cret",
            "sha256:00",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$pbkdf2-sha256$i=1000$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=600000,l=64$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=600000$c2Fs$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=600000$c2FsdHNhbHQ$AAAA",
            "$pbkdf2-sha256$i=600000$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA$",
        ] {
            assert!(PasswordHash::read(text).is_none(), "{text}");
        }
    }
}
