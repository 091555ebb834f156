//! The host's side for each entry of a module: logs with its name on them, configuration, clock, services.

use crate::invocation::{Invocation, Stamp};
use crate::log::{Field, Level, Origin};
use crate::order;
use crate::process::Process;
use faas_abi::Status;
use faas_abi::host::{Context, Fields, HostTable, ServiceTable};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The state that all entries of a process share.
#[derive(Debug)]
pub struct Shared {
    /// The process that modules are hosted by.
    pub process: Arc<Process>,
    /// The environment as it was at the first question, without the variables that are some function's own. Nobody
    /// changes it: that would crash modules with a std of their own.
    environment: OnceLock<HashMap<Vec<u8>, Vec<u8>>>,
}

impl Shared {
    /// Makes the table's state for a process.
    pub fn new(process: Arc<Process>) -> Arc<Shared> {
        Arc::new(Shared { process, environment: OnceLock::new() })
    }

    /// Returns a variable as modules see it: the value that the platform has sent, else the environment's. It is `None`
    /// without either.
    pub fn variable(&self, name: &[u8]) -> Option<&[u8]> {
        if let Some(value) = self.process.given(name) {
            return Some(value.as_bytes());
        }
        if !self.process.is_of_machine() {
            return None;
        }
        let read = || {
            let own = std::env::vars_os().map(|(name, value)| (name.into_encoded_bytes(), value.into_encoded_bytes()));
            let mut all: HashMap<_, _> = own.collect();
            for (name, before) in self.process.covered() {
                match before {
                    Some(value) => all.insert(name.clone().into_bytes(), value.clone()),
                    None => all.remove(name.as_bytes()),
                };
            }
            all
        };
        self.environment.get_or_init(read).get(name).map(Vec::as_slice)
    }
}

/// Variables that one function has of its own: it and its own layers see them over those of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Environment(Arc<[(String, String)]>);

impl Environment {
    /// Makes an environment of these names and values.
    pub fn of(variables: &[(String, String)]) -> Environment {
        Environment(variables.into())
    }

    /// Returns a text that two entries have in common only if they see the same variables.
    fn text(&self) -> String {
        let mut all: Vec<&(String, String)> = self.0.iter().collect();
        order::sort(&mut all, |a, b| a < b);
        all.iter().fold(String::new(), |text, (name, value)| text + &format!("{name:?}={value:?}\n"))
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
    /// The value under `faas_abi::settings::ENVIRONMENT`, once an entry has asked for it.
    environment_text: OnceLock<String>,
    /// The name that its lines are stamped with, such as `function hello` or `layer monitor`.
    label: String,
}

/// Makes the host table of an entry. It lives as long as the process.
pub fn table(shared: &Arc<Shared>, label: String, environment: &Environment, features: u64) -> HostTable {
    let environment_text = OnceLock::new();
    let entry = Entry { shared: shared.clone(), environment: environment.clone(), environment_text, label };
    faas_abi::host::table(entry, features)
}

impl Entry {
    /// Keeps a line for the reply or writes it.
    fn write<'f>(
        &self,
        stamp: Option<&Stamp>,
        level: Level,
        target: &[u8],
        message: &[u8],
        fields: impl Iterator<Item = Field<'f>> + Clone,
    ) {
        let process = &self.shared.process;
        if stamp.is_some_and(|stamp| stamp.capture(&process.log, level, message, fields.clone())) {
            return;
        }
        let (entry, account) = (self.label.as_str(), process.identity.account.as_str());
        let origin = match stamp {
            Some(stamp) => stamp.origin(target, entry, account),
            None => Origin { target, entry, account, ..Origin::default() },
        };
        process.log.write(level, origin, message, fields);
    }
}

impl Context for Entry {
    type Inv = Invocation;

    fn log_enabled(&self, level: u32, _: &[u8]) -> bool {
        self.shared.process.log.enabled(Level::of(level))
    }

    fn log(&self, stamp: Option<&Stamp>, level: u32, target: &[u8], message: &[u8], fields: Fields<'_>) {
        let (process, level) = (&self.shared.process, Level::of(level));
        let fields = fields.iter().map(|field| Field { name: field.name, value: field.value, is_json: field.is_json });
        match process.log.hide(message, fields.clone()) {
            None => self.write(stamp, level, target, message, fields),
            Some(hidden) => self.write(stamp, level, target, &hidden.message, hidden.fields()),
        }
    }

    fn emit(&self, line: &[u8]) {
        self.shared.process.log.emit(line);
    }

    fn config(&self, key: &[u8]) -> Option<&[u8]> {
        if key == faas_abi::settings::ENVIRONMENT.as_bytes() {
            return Some(self.environment_text.get_or_init(|| self.environment.text()).as_bytes());
        }
        self.environment.get(key).or_else(|| self.shared.variable(key))
    }

    fn now_ns(&self) -> u64 {
        self.shared.process.now_ns()
    }

    fn service(&self, name: &[u8], major: u32) -> Option<ServiceTable> {
        self.shared.process.services.find(name, major)
    }

    fn offer(&self, name: &[u8], major: u32, table: ServiceTable) -> Status {
        self.shared.process.services.offer(std::ptr::from_ref(self).addr(), name, major, table)
    }
}
