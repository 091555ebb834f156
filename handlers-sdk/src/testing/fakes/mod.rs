//! Services for a test, in the place of the layers that would reach for a network, a store or a secret manager. Each says
//! what the test has told it to say, and notes what it was asked. Nothing here leaves the process or waits for time.

mod http;
mod kv;
mod params;

pub use http::FakeHttp;
pub use kv::FakeKv;
pub use params::FakeParams;

use crate::service::table::{self, Made, Service};
use crate::service::{Offered, ServiceErrorKind};
use faas_abi::host::ServiceTable;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A service as the runtime takes it: name, major version and table.
pub(super) type Linked = (&'static str, u32, ServiceTable);

/// The services that a test gives an app.
#[derive(Default)]
pub(super) struct Fakes {
    pub(super) http: Option<FakeHttp>,
    pub(super) kv: Option<FakeKv>,
    pub(super) params: Option<FakeParams>,
}

impl Fakes {
    /// Makes the services of an app with this clock, and adds them to `linked`. They end when the returned values are
    /// dropped.
    pub(super) fn make(self, clock: &Arc<AtomicU64>, linked: &mut Vec<Linked>) -> Vec<Offered> {
        let mut all = Vec::new();
        if let Some(FakeHttp(sender)) = self.http {
            let clock = clock.clone();
            // As the process reads it, whose clock is never 0.
            let now_ns = Box::new(move || clock.load(Ordering::SeqCst) + 1);
            all.push(link(table::http::made(sender, now_ns), linked));
        }
        if let Some(FakeKv(store)) = self.kv {
            store.goes_by(clock.clone());
            all.push(link(table::kv::made(store), linked));
        }
        if let Some(FakeParams(source)) = self.params {
            all.push(link(table::params::made(source), linked));
        }
        all
    }
}

fn link<S: Service>(made: Made<S>, linked: &mut Vec<Linked>) -> Offered {
    linked.push((S::NAME, S::MAJOR, ServiceTable::of(made.table)));
    made.offered
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Failures to come, each for one call.
#[derive(Debug)]
struct Failures<K>(HashMap<K, VecDeque<ServiceErrorKind>>);

impl<K> Default for Failures<K> {
    fn default() -> Failures<K> {
        Failures(HashMap::new())
    }
}

impl<K: Eq + Hash> Failures<K> {
    fn add(&mut self, key: K, kind: ServiceErrorKind) {
        self.0.entry(key).or_default().push_back(kind);
    }

    /// Returns the failure of the call at hand; `None` if it goes well.
    fn next<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<ServiceErrorKind>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.get_mut(key)?.pop_front()
    }
}
