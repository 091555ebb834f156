//! The open connections, found by the number that the system tells of them by.
//!
//! A number is a place in a list and the count of connections that had the place before, so that news of a connection
//! that is gone finds nobody, even if its place has been taken.

use super::link::Link;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The numbers that belong to no connection: places are counted far below.
pub(super) const LISTENER: u64 = u64::MAX;
pub(super) const ALARM: u64 = u64::MAX - 1;
pub(super) const END: u64 = u64::MAX - 2;
pub(super) const NEWS: u64 = u64::MAX - 3;

#[derive(Debug, Default)]
pub(super) struct Table(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    list: Vec<Place>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Place {
    before: u32,
    connection: Option<Arc<Link>>,
}

fn token(place: u32, before: u32) -> u64 {
    u64::from(before) << 32 | u64::from(place)
}

impl Table {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a connection its place; `make` is told the number.
    pub(super) fn add(&self, make: impl FnOnce(u64) -> Link) -> Arc<Link> {
        let mut places = self.places();
        let index = places.free.pop().unwrap_or_else(|| {
            places.list.push(Place::default());
            u32::try_from(places.list.len() - 1).unwrap_or(u32::MAX - 1)
        });
        let place = &mut places.list[index as usize];
        let connection = Arc::new(make(token(index, place.before)));
        place.connection = Some(connection.clone());
        connection
    }

    /// Returns the connection of that number, if it is still open.
    pub(super) fn get(&self, token: u64) -> Option<Arc<Link>> {
        let places = self.places();
        let connection = places.list.get((token & u64::from(u32::MAX)) as usize)?.connection.as_ref()?;
        (connection.token == token).then(|| connection.clone())
    }

    /// Forgets the connection of that token.
    pub(super) fn remove(&self, token: u64) {
        let mut places = self.places();
        let index = (token & u64::from(u32::MAX)) as u32;
        if let Some(place) = places.list.get_mut(index as usize)
            && place.connection.as_ref().is_some_and(|connection| connection.token == token)
        {
            place.connection = None;
            place.before = place.before.wrapping_add(1);
            places.free.push(index);
        }
    }

    /// Returns all open connections.
    pub(super) fn all(&self) -> Vec<Arc<Link>> {
        self.places().list.iter().filter_map(|place| place.connection.clone()).collect()
    }

    /// Returns the number of open connections.
    pub(super) fn len(&self) -> usize {
        let places = self.places();
        places.list.len() - places.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::silent;
    use crate::serving::socket::tests::tcp;
    use faas_core::process::{Identity, Process};
    use faas_core::serve::{Budget, Connection};
    use faas_core::settings::{Env, ServerSettings};
    use std::time::Duration;

    #[test]
    fn a_number_of_a_gone_connection_finds_nobody_though_its_place_is_taken() {
        let process = Process::new(Identity::default(), silent());
        let config = ServerSettings::read(&Env::new(&|_| None), 1, Duration::ZERO, 1).unwrap();
        let link = |token, peer: &str| {
            Link::new(token, tcp().1, peer.into(), Connection::new(None, &Budget::new(1), &config, &process))
        };
        let table = Table::default();
        let first = table.add(|token| link(token, "1"));
        let second = table.add(|token| link(token, "2"));
        table.remove(first.token);
        table.remove(first.token);
        let third = table.add(|token| link(token, "3"));
        assert_eq!(third.token & 0xffff_ffff, first.token & 0xffff_ffff, "the place is used again");
        assert!(table.get(first.token).is_none());
        assert_eq!(&*table.get(second.token).unwrap().peer, "2");
        assert_eq!(&*table.get(third.token).unwrap().peer, "3");
        table.remove(second.token);
        table.remove(third.token);
        assert!(table.len() == 0 && table.all().is_empty());
        assert!(table.get(LISTENER).is_none() && table.get(ALARM).is_none());
    }
}
