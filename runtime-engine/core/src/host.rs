//! What the runtime offers to each entry of a module: logs with its name on them, configuration, clock, services.

use crate::invocation::Invocation;
use crate::log::{Level, Origin};
use crate::unit::Unit;
use faas_abi::host::{Context, Fields, HostTable, ServiceTable};
use faas_abi::{E_INVALID, OK, Status};
use std::collections::HashMap;
use std::os::unix::ffi::OsStringExt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Services that modules offer to one another, by name and major.
#[derive(Debug, Default)]
pub struct Services(Mutex<Vec<(Vec<u8>, u32, ServiceTable)>>);

/// What all entries of a process share.
#[derive(Debug)]
pub struct Shared {
    /// The process.
    pub unit: Arc<Unit>,
    services: Services,
    /// The environment as it was at the first question. Nobody changes it: that would crash modules with a std of
    /// their own.
    environment: OnceLock<HashMap<Vec<u8>, Vec<u8>>>,
}

impl Shared {
    /// For this process, which itself offers these services.
    pub fn new(unit: Arc<Unit>, services: &[(&str, u32, ServiceTable)]) -> Arc<Shared> {
        let own = services.iter().map(|(name, major, table)| (name.as_bytes().to_vec(), *major, *table)).collect();
        Arc::new(Shared { unit, services: Services(Mutex::new(own)), environment: OnceLock::new() })
    }

    /// A variable as modules see it: the value that the platform has sent, else the environment's. `None` without either.
    pub fn variable(&self, name: &[u8]) -> Option<&[u8]> {
        if let Some(value) = self.unit.given(name) {
            return Some(value.as_bytes());
        }
        let read = || std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec())).collect();
        self.environment.get_or_init(read).get(name).map(Vec::as_slice)
    }
}

/// Variables that one function has of its own: it and its own layers see them over those of the process.
#[derive(Clone, Debug, Default)]
pub struct Environment(Arc<[(String, String)]>);

impl Environment {
    /// Of these names and values.
    pub fn of(variables: &[(String, String)]) -> Environment {
        Environment(variables.into())
    }

    fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.0.iter().find(|(other, _)| other.as_bytes() == name).map(|(_, value)| value.as_bytes())
    }
}

/// The view of one entry.
#[derive(Debug)]
struct Entry {
    shared: Arc<Shared>,
    environment: Environment,
    /// `function hello`, `layer monitor`: stamped on its lines.
    label: String,
}

/// Makes the host table of an entry. It lives as long as the process.
pub fn table(shared: &Arc<Shared>, label: String, environment: &Environment, features: u64) -> HostTable {
    faas_abi::host::table(Entry { shared: shared.clone(), environment: environment.clone(), label }, features)
}

impl Context for Entry {
    type Inv = Invocation;

    fn log_enabled(&self, level: u32, _: &[u8]) -> bool {
        self.shared.unit.log.enabled(Level::of(level))
    }

    fn log(&self, inv: Option<&Invocation>, level: u32, target: &[u8], message: &[u8], fields: Fields<'_>) {
        if inv.is_some_and(|inv| inv.capture(Level::of(level), message, fields.iter())) {
            return;
        }
        let unit = &self.shared.unit;
        let origin = match inv {
            Some(inv) => inv.origin(target, &self.label),
            None => Origin { target, entry: &self.label, account: &unit.identity.account, ..Origin::default() },
        };
        unit.log.write(Level::of(level), origin, message, fields.iter());
    }

    fn emit(&self, line: &[u8]) {
        self.shared.unit.log.emit(line);
    }

    fn config(&self, key: &[u8]) -> Option<&[u8]> {
        self.environment.get(key).or_else(|| self.shared.variable(key))
    }

    fn now_ns(&self) -> u64 {
        self.shared.unit.now_ns()
    }

    fn service(&self, name: &[u8], major: u32) -> Option<ServiceTable> {
        let services = self.shared.services.0.lock().unwrap_or_else(PoisonError::into_inner);
        services.iter().find(|(other, version, _)| other == name && *version == major).map(|(.., table)| *table)
    }

    fn offer(&self, name: &[u8], major: u32, table: ServiceTable) -> Status {
        let mut services = self.shared.services.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A second owner of a name would make the answer depend on load order.
        if services.iter().any(|(other, version, _)| other == name && *version == major) {
            return E_INVALID;
        }
        services.push((name.to_vec(), major, table));
        OK
    }
}
