//! The parts in front of a reply: `(201, Json(…))`, `(201, [("etag", "7")], Json(…))`.

use crate::error::Error;
use crate::reply::{IntoReply, Reply};

/// A part in front of a reply: a status, or headers as pairs. For an event that is no HTTP trigger's the reply then is
/// the platform's form of an HTTP response.
///
/// ```
/// # use handlers_sdk::{Error, Json, function, testing::Invoke};
/// use handlers_sdk::{Reply, ReplyPart};
///
/// /// The time for which others may keep a reply, in seconds.
/// struct MaxAge(u32);
///
/// impl ReplyPart for MaxAge {
///     fn apply(self, reply: &mut Reply) -> Result<(), Error> {
///         [("cache-control", format!("max-age={}", self.0))].apply(reply)
///     }
/// }
///
/// #[function]
/// fn stock() -> (MaxAge, Json<u32>) {
///     (MaxAge(60), Json(7))
/// }
///
/// let answer = Invoke::http("GET", "/").run(stock::MODULE);
/// assert_eq!((answer.header("cache-control"), answer.text().as_str()), (Some("max-age=60"), "7"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in front of a reply",
    label = "neither a status nor headers",
    note = "a status is a number such as `201_u16`; headers are `[(name, value); N]` or `Vec<(name, value)>` of texts"
)]
pub trait ReplyPart {
    /// Changes the reply.
    ///
    /// # Errors
    /// The part does not fit, and this is the function's error.
    fn apply(self, reply: &mut Reply) -> Result<(), Error>;
}

impl ReplyPart for u16 {
    fn apply(self, reply: &mut Reply) -> Result<(), Error> {
        reply.set_status(self)
    }
}

fn add<N: Into<String>, V: Into<String>>(headers: impl IntoIterator<Item = (N, V)>, reply: &mut Reply) {
    for (name, value) in headers {
        reply.add_header(name.into(), value.into());
    }
}

impl<N: Into<String>, V: Into<String>, const COUNT: usize> ReplyPart for [(N, V); COUNT] {
    fn apply(self, reply: &mut Reply) -> Result<(), Error> {
        add(self, reply);
        Ok(())
    }
}

impl<N: Into<String>, V: Into<String>> ReplyPart for Vec<(N, V)> {
    fn apply(self, reply: &mut Reply) -> Result<(), Error> {
        add(self, reply);
        Ok(())
    }
}

impl<P: ReplyPart, R: IntoReply<M>, M> IntoReply<(M,)> for (P, R) {
    fn into_reply(self) -> Result<Reply, Error> {
        let mut reply = self.1.into_reply()?;
        self.0.apply(&mut reply)?;
        Ok(reply)
    }
}

impl<P: ReplyPart, Q: ReplyPart, R: IntoReply<M>, M> IntoReply<(M,)> for (P, Q, R) {
    fn into_reply(self) -> Result<Reply, Error> {
        (self.0, (self.1, self.2)).into_reply()
    }
}
