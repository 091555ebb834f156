//! A server of one's own: a URL with the name in it. The reply's body is the value, or one field of it.

use super::{Found, Reach, Source, Unknown, field, json};
use handlers_sdk::Secret;
use handlers_sdk::service::http::ClientRequest;

/// A server of one's own: a URL with `{name}` in it.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Secret)>,
    /// The place of the value in a reply of JSON, keys parted by dots; `None` if the reply is the value.
    pub(crate) field: Option<String>,
}

impl Source for Plain {
    fn ask(&self, name: &str, reach: &Reach) -> Result<Found, Unknown> {
        let request = ClientRequest::get(self.url.replace("{name}", name));
        let with = |request: ClientRequest, (name, value): &(String, Secret)| request.header(name, value.reveal());
        let reply = reach.send(self.headers.iter().fold(request, with))?;
        if let Some(path) = &self.field {
            let Some(found) = json(&reply)? else { return Ok(Found::Nothing) };
            return Ok(field(path.split('.').try_fold(&found, |value, key| value.get(key))));
        }
        match reply.status() {
            200 => Ok(Found::Value(reply.body().to_vec())),
            404 => Ok(Found::Nothing),
            status => Err(Unknown::new(format!("it answers {status}"))),
        }
    }
}
