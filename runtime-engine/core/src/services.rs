//! Services that modules offer to one another: `faas.h`, S1 to S5. Nothing here knows whose they are; the order in which
//! instances are ended because of them is [`chain`](crate::chain)'s.

use faas_abi::host::{HostTable, ServiceTable};
use faas_abi::{E_CONFLICT, OK, Status};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The services that are offered now, by name and major.
#[derive(Debug, Default)]
pub struct Services(Mutex<Vec<Offer>>);

#[derive(Debug)]
struct Offer {
    name: Vec<u8>,
    major: u32,
    table: ServiceTable,
    /// The owner: the address of its entry's view of the host, which lives as long as the process.
    owner: usize,
}

impl Services {
    fn all(&self) -> MutexGuard<'_, Vec<Offer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the service of that name and major. It is `None` if nobody offers it now.
    pub fn find(&self, name: &[u8], major: u32) -> Option<ServiceTable> {
        let all = self.all();
        all.iter().find(|offer| offer.name == name && offer.major == major).map(|offer| offer.table)
    }

    /// Offers a service. A second owner of a name would make the answer depend on the order of creation.
    pub(crate) fn offer(&self, owner: usize, name: &[u8], major: u32, table: ServiceTable) -> Status {
        let mut all = self.all();
        if all.iter().any(|offer| offer.name == name && offer.major == major) {
            return E_CONFLICT;
        }
        all.push(Offer { name: name.to_vec(), major, table, owner });
        OK
    }

    /// Offers the services that the process itself has for its modules. It is never withdrawn: no entry's view of the
    /// host is at 0.
    pub(crate) fn offer_own(&self, services: &[(&str, u32, ServiceTable)]) {
        for (name, major, table) in services {
            let _ = self.offer(0, name.as_bytes(), *major, *table);
        }
    }

    /// Returns `true` if the entry with this view of the host offers anything.
    pub(crate) fn has_offer_of(&self, host: HostTable) -> bool {
        self.all().iter().any(|offer| offer.owner == host.context())
    }

    /// Takes back the services that the entry with this view of the host has offered.
    pub(crate) fn withdraw(&self, host: HostTable) {
        self.all().retain(|offer| offer.owner != host.context());
    }
}
