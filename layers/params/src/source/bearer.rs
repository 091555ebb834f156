//! A token that the platform gives its own processes, kept until shortly before its end.

use super::{Reach, Unknown, json};
use handlers_sdk::Secret;
use handlers_sdk::service::http::{ClientReply, ClientRequest};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time before the end of a token at which a new one is asked for.
const MARGIN: Duration = Duration::from_secs(120);

/// The source of tokens, and the last token with its end.
pub(crate) struct Bearer {
    request: ClientRequest,
    last: Mutex<Option<(Secret, SystemTime)>>,
}

impl Bearer {
    pub(crate) fn new(request: ClientRequest) -> Bearer {
        Bearer { request, last: Mutex::new(None) }
    }

    /// Sends a request with the token.
    pub(crate) fn send(&self, request: ClientRequest, reach: &Reach) -> Result<ClientReply, Unknown> {
        let token = self.token(reach)?;
        let reply = reach.send(request.header("authorization", format!("Bearer {}", token.reveal())))?;
        if reply.status() == 401 {
            // The token was taken back before its time. The next question has another one.
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(reply)
    }

    fn token(&self, reach: &Reach) -> Result<Secret, Unknown> {
        let now = SystemTime::now();
        let known = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((token, _)) = known.filter(|(_, end)| *end > now + MARGIN) {
            return Ok(token);
        }
        let wrong = |why: &str| Unknown::new(format!("the platform's token: {why}"));
        let reply = json(&reach.send(self.request.clone())?).map_err(|unknown| wrong(&unknown.why))?;
        let reply = reply.ok_or_else(|| wrong("it answers 404"))?;
        let token = reply.get("access_token").and_then(Value::as_str).ok_or_else(|| wrong("there is none"))?;
        let token = Secret::from(token.to_owned());
        let end = end_of(&reply, now).unwrap_or(now);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((token.clone(), end));
        Ok(token)
    }
}

/// Returns the end of a token. Google gives the seconds until it ends, Azure the second since 1970, and either may be a
/// text.
fn end_of(reply: &Value, now: SystemTime) -> Option<SystemTime> {
    let seconds = |key: &str| {
        let value = reply.get(key)?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        Some(Duration::from_secs(number))
    };
    match seconds("expires_on") {
        Some(since_1970) => UNIX_EPOCH.checked_add(since_1970),
        None => now.checked_add(seconds("expires_in")?),
    }
}
