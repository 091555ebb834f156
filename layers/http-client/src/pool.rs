//! Connections that are idle: the youngest is taken first, unless it is too old or has ended.

use crate::connection::Connection;
use crate::url::Origin;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

#[derive(Debug)]
struct Idle {
    connection: Connection,
    /// The time since when it is idle, on both clocks: one of them may stand still while the process is frozen.
    since: (Instant, SystemTime),
}

impl Idle {
    fn is_younger_than(&self, limit: Duration) -> bool {
        let (instant, wall) = self.since;
        let by_wall = SystemTime::now().duration_since(wall).unwrap_or_default();
        instant.elapsed().max(by_wall) < limit
    }
}

/// The idle connections.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<Origin, Vec<Idle>>>,
    most: usize,
    limit: Duration,
}

impl Pool {
    /// Makes a pool that keeps at most `most` connections, each for that time.
    pub(crate) fn new(most: usize, limit: Duration) -> Pool {
        Pool { idle: Mutex::default(), most, limit }
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Origin, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection to that server which can take a request; `None` if there is none.
    pub(crate) fn take(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let mut idle = self.idle().get_mut(origin)?.pop()?;
            // The check is done without the lock, since it asks the system.
            if idle.is_younger_than(self.limit) && idle.connection.is_usable() {
                return Some(idle.connection);
            }
        }
    }

    /// Keeps a connection that has served a request whole.
    pub(crate) fn put(&self, origin: &Origin, connection: Connection) {
        let mut idle = self.idle();
        for of_one in idle.values_mut() {
            of_one.retain(|idle| idle.is_younger_than(self.limit));
        }
        idle.retain(|_, of_one| !of_one.is_empty());
        if idle.values().map(Vec::len).sum::<usize>() < self.most {
            let since = (Instant::now(), SystemTime::now());
            idle.entry(origin.clone()).or_default().push(Idle { connection, since });
        }
    }

    /// Closes all of them.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.idle());
        drop(all);
    }
}
