//! The service `faas.params` of a test: values by name, which the test changes while they are watched.

use super::{Failures, lock};
use crate::service::ServiceErrorKind;
use crate::service::params::{Got, Source, Value, Watch};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// A source of parameters and secrets: the test says what they are, changes them, and sees what was asked for. Clones
/// are the same source.
///
/// ```
/// # use handlers_sdk::{Error, FaasContext, function};
/// use handlers_sdk::testing::{App, FakeParams, Invoke};
///
/// #[function]
/// async fn sign(ctx: FaasContext) -> Result<String, Error> {
///     let params = ctx.params().ok_or_else(|| Error::msg("expected a layer such as params"))?;
///     let key = params.get("mail/key").await?;
///     Ok(format!("signed with {} bytes", key.reveal().len()))
/// }
///
/// let secrets = FakeParams::new().with("mail/key", "s3cr3t");
/// let app = App::builder().module(sign::MODULE).params(&secrets).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "signed with 6 bytes");
/// secrets.with("mail/key", "n3w");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "signed with 3 bytes");
/// assert_eq!(secrets.asked(), ["mail/key", "mail/key"]);
/// ```
#[derive(Clone, Default)]
pub struct FakeParams(pub(super) Arc<Known>);

/// The state behind all clones of a source.
#[derive(Default)]
pub(super) struct Known(Mutex<State>);

#[derive(Default)]
struct State {
    values: HashMap<String, Value>,
    /// The version of the value that was set last.
    version: u64,
    failures: Failures<String>,
    watches: Vec<(String, Watch)>,
    asked: Vec<String>,
}

impl FakeParams {
    /// Returns a source that knows no name.
    pub fn new() -> FakeParams {
        FakeParams::default()
    }

    /// Sets the value of a name, and tells those that watch it.
    pub fn with(&self, name: &str, value: impl Into<Vec<u8>>) -> FakeParams {
        let news = {
            let mut state = lock(&self.0.0);
            state.version += 1;
            let value = Value::new(value, state.version);
            state.values.insert(name.to_owned(), value.clone());
            value
        };
        self.tell(name, &Ok(news));
        self.clone()
    }

    /// Removes a name with its value, and tells those that watch it.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, function};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::testing::FakeParams;
    /// # #[function]
    /// # async fn sender(ctx: FaasContext) -> Result<String, Error> {
    /// #     let params = ctx.params().ok_or_else(|| Error::msg("expected a layer such as params"))?;
    /// #     Ok(params.get("mail/sender").await.map_or("nobody", |_| "ada").to_owned())
    /// # }
    ///
    /// let names = FakeParams::new().with("mail/sender", "ada@example.com");
    /// names.remove("mail/sender");
    /// let app = App::builder().module(sender::MODULE).params(&names).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("")).text(), "nobody");
    /// ```
    pub fn remove(&self, name: &str) {
        lock(&self.0.0).values.remove(name);
        self.tell(name, &Err(ServiceErrorKind::NotFound));
    }

    /// Fails the next question for a name that nothing of the kind is said for yet. Said twice, it is the next two.
    /// Those that watch the name hear nothing of it.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, function};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::{service::ServiceErrorKind, testing::FakeParams};
    /// # #[function]
    /// # async fn sign(ctx: FaasContext) -> Result<(), Error> {
    /// #     let params = ctx.params().ok_or_else(|| Error::msg("expected a layer such as params"))?;
    /// #     params.get("mail/key").await?;
    /// #     Ok(())
    /// # }
    ///
    /// let secrets = FakeParams::new().with("mail/key", "s3cr3t").fail("mail/key", ServiceErrorKind::Deadline);
    /// let app = App::builder().module(sign::MODULE).params(&secrets).start().expect("starts");
    /// assert!(app.invoke(Invoke::event("")).failed.is_some());
    /// assert!(app.invoke(Invoke::event("")).failed.is_none());
    /// ```
    pub fn fail(&self, name: &str, kind: ServiceErrorKind) -> FakeParams {
        lock(&self.0.0).failures.add(name.to_owned(), kind);
        self.clone()
    }

    /// Returns the names whose values were asked for so far, in the order of the questions.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.0.0).asked.clone()
    }

    /// Tells those that watch a name. They are told one after the other, and not under the lock: each runs code of its
    /// own, which may ask.
    fn tell(&self, name: &str, news: &Result<Value, ServiceErrorKind>) {
        let watches: Vec<Watch> = {
            let mut state = lock(&self.0.0);
            state.watches.retain(|(_, watch)| !watch.is_over());
            state.watches.iter().filter(|(of, _)| of == name).map(|(_, watch)| watch.clone()).collect()
        };
        for watch in watches {
            watch.tell(news.clone());
        }
    }
}

impl State {
    fn value(&self, name: &str) -> Result<Value, ServiceErrorKind> {
        self.values.get(name).cloned().ok_or(ServiceErrorKind::NotFound)
    }
}

impl Source for Known {
    fn get(&self, name: &str, answer: Got) {
        let result = {
            let mut state = lock(&self.0);
            state.asked.push(name.to_owned());
            state.failures.next(name).map_or_else(|| state.value(name), Err)
        };
        answer.give(result);
    }

    fn watch(&self, name: &str, watch: Watch) {
        let now = {
            let mut state = lock(&self.0);
            state.watches.push((name.to_owned(), watch.clone()));
            state.value(name)
        };
        watch.tell(now);
    }
}

impl fmt::Debug for FakeParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeParams").field("asked", &lock(&self.0.0).asked).finish_non_exhaustive()
    }
}
