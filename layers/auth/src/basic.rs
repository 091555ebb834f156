//! Names and passwords (RFC 7617). Only hashes of passwords are known, in the form that password tools write (PHC):
//! `$pbkdf2-sha256$i=600000$<salt>$<hash>`.

use crate::hashes::Sha256;
use crate::identity::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::rand::SystemRandom;
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

/// The number of rounds that a hash may have. Hashes of fewer rounds are guessed too fast; more hold a thread for
/// seconds.
const ROUNDS: std::ops::RangeInclusive<u32> = 100_000..=10_000_000;

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
        Ok(Users { right: Mutex::new(vec![None; users.len()]), users, decoy, key })
    }

    /// Returns the user of these credentials (`base64(name:password)`); `None` if they are wrong. For an unknown name a
    /// hash is computed all the same.
    pub(crate) fn find(&self, credentials: &str) -> Option<&Identity> {
        let decoded = STANDARD.decode(credentials.trim()).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let (name, password) = (&decoded[..colon], &decoded[colon + 1..]);
        let found = self.users.iter().position(|user| user.identity.name.as_bytes() == name);
        let index = found.unwrap_or(self.decoy);
        let user = self.users.get(index)?;
        let known = self.right.lock().unwrap_or_else(PoisonError::into_inner)[index];
        if found.is_some() && known.is_some_and(|tag| hmac::verify(&self.key, password, tag.as_ref()).is_ok()) {
            return Some(&user.identity);
        }
        if !user.password.is_of(password) || found.is_none() {
            return None;
        }
        if matches!(user.password, PasswordHash::Pbkdf2 { .. }) {
            let tag = hmac::sign(&self.key, password);
            self.right.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(tag);
        }
        Some(&user.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result of Python's `hashlib.pbkdf2_hmac("sha256", b"s3cret", b"saltsalt", 100000)`.
    const HASH: &str = "$pbkdf2-sha256$i=100000$c2FsdHNhbHQ$ar34+fG8Q9WpDlBrxkSKDzayBAC23xR/Wcdl87N1ni4";

    #[test]
    fn a_name_goes_with_its_password_alone() {
        let user = |name: &str, password: &str| {
            let password = PasswordHash::read(password).unwrap_or_else(|| panic!("{password} is one"));
            let (json, claims) = ("{}".to_owned(), serde_json::Map::new());
            User { password, identity: Identity { name: name.to_owned(), json, claims } }
        };
        // The hash is the output of: printf %s machine-password | sha256sum
        let machine = "sha256:7cf5e3da899bc2c89e9309078fb626d09fcabee41c39805d7b2aef833ad6c04f";
        let users = Users::new(vec![user("ann", HASH), user("job", machine)]).expect("random bytes");
        let find = |text: &str| users.find(&STANDARD.encode(text)).map(|user| user.name.clone());
        for _ in 0..2 {
            assert_eq!(find("ann:s3cret").as_deref(), Some("ann"), "at first by the hash, then as it was right before");
            assert_eq!(find("job:machine-password").as_deref(), Some("job"));
        }
        for wrong in ["ann:s3cret ", "ann:", "ann", "job:s3cret", "bob:s3cret", "", "Ann:s3cret"] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
        for no_base64 in ["", "ann:s3cret", "YW5uOnMzY3JldA", "YW5uOnMzY3JldA==x"] {
            assert!(users.find(no_base64).is_none(), "{no_base64}");
        }
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
