//! A reply on its way into a record, and out of it again.

use crate::record::{Form, Reply};
use handlers_sdk::{Error, Flow, Invocation, Reply as Value, Response};

/// The header of replies that were not made anew, as Stripe has it.
const REPLAYED: &str = "idempotent-replayed";

/// Returns the reply of an invocation, with the headers that are its own; `None` if it cannot be kept.
pub(crate) fn of(invocation: &Invocation<'_>, own: Vec<(String, String)>, most: usize) -> Option<Reply> {
    let body = invocation.reply_body();
    if invocation.is_streamed() || body.len() > most {
        return None;
    }
    let form = match () {
        () if invocation.is_reply_raw() => Form::Raw,
        () if invocation.is_reply_value() => Form::Value,
        () => Form::Http,
    };
    Some(Reply {
        form,
        status: invocation.reply_status().unwrap_or(200),
        headers: own,
        cookies: invocation.reply_cookies().map(|(_, text)| text.to_owned()).collect(),
        body: body.to_vec(),
    })
}

/// Answers with a kept reply.
pub(crate) fn replay(invocation: &mut Invocation<'_>, reply: Reply) -> Result<Flow, Error> {
    let Reply { form, status, headers, cookies, body } = reply;
    match form {
        Form::Http => invocation.set_reply(Response::new(status).body(body))?,
        Form::Value => invocation.set_reply(Value::value(body))?,
        Form::Raw => invocation.set_reply(Value::raw(body))?,
    }
    for (name, value) in &headers {
        invocation.add_reply_header(name, value)?;
    }
    for cookie in &cookies {
        invocation.add_reply_cookie(cookie)?;
    }
    if invocation.http().is_some() {
        invocation.set_reply_header(REPLAYED, "true")?;
    }
    Ok(Flow::Respond)
}
