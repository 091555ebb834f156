//! Checks the entries that a library offers before the first call, and lists everything that does not fit at once.

use super::entry::{FunctionInstance, GroupInstance, LayerInstance};
use super::table::HostTable;
use crate::constants::{IS_ABORTING, IS_REENTRANT, MAGIC, MAJOR, MINOR};
use crate::tables::{Function, Layer, Module, Table, read_table};
use crate::values::Bytes;
use core::mem::offset_of;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The abilities of this host: its minor version and feature bits.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// The host's `FAAS_F_*` flags.
    pub features: u64,
}

/// A module whose tables obey the contract.
#[derive(Debug)]
pub struct CheckedModule {
    /// The module's own name; shown, never compared.
    pub name: String,
    /// The module's own version; shown, never compared.
    pub version: String,
    /// The module's toolchain; shown, never compared.
    pub built_with: String,
    /// The functions that the module offers.
    pub functions: Vec<FunctionEntry>,
    /// The layers that the module offers.
    pub layers: Vec<LayerEntry>,
}

/// A function a module offers.
#[derive(Debug)]
pub struct FunctionEntry {
    /// The function's name in its module.
    pub name: String,
    /// The events it is written for, as a JSON array; empty for any event.
    pub triggers: String,
    /// The group of the function. Functions of one module with the same group share an instance. It is empty if the
    /// function shares its instance with no other.
    pub group: String,
    table: Function,
}

/// A layer a module offers.
#[derive(Debug)]
pub struct LayerEntry {
    /// The layer's name in its module.
    pub name: String,
    table: Layer,
}

// SAFETY: the raw pointers in the copied tables point to static data or code of a library that stays loaded.
unsafe impl Send for FunctionEntry {}
// SAFETY: as for `FunctionEntry`.
unsafe impl Send for LayerEntry {}

/// Returns `true` if `len` bytes at that address are part of a loaded library. It lets a check refuse junk instead of
/// following it.
pub type Probe<'a> = &'a dyn Fn(*const u8, usize) -> bool;

/// The most entries of a module that are believed, far more than any module has. A larger count is junk.
const MOST_ENTRIES: usize = 4096;
const LONGEST_TEXT: usize = 1 << 20;

impl CheckedModule {
    /// Reads the table that `faas_module_v1` returned. `probe` tells which addresses are safe to read.
    ///
    /// # Errors
    /// The text lists every mismatch, each with what was expected and what was found.
    ///
    /// # Safety
    /// Whatever `probe` accepts must be readable for the rest of the process, and the functions named in the tables
    /// must keep the contract of `faas.h`.
    pub unsafe fn read(module: *const Module, needs: Needs, probe: Probe<'_>) -> Result<CheckedModule, Vec<String>> {
        if module.is_null() {
            return Err(vec![format!(
                "it refuses this runtime (contract {MAJOR}.{MINOR}) without a reason: faas_module_v1 returned NULL"
            )]);
        }
        // The first 24 bytes hold size, magic and versions in every minor.
        if !aligned(module) || !probe(module.cast(), offset_of!(Module, name)) {
            return Err(vec![format!("faas_module_v1 returned {module:p}, which is not in the library's own data")]);
        }
        // SAFETY: aligned, and its first bytes are readable by the probe's word.
        let size = unsafe { module.cast::<usize>().read() };
        // SAFETY: as above.
        let magic = unsafe { (*module).magic };
        if magic != MAGIC {
            return Err(vec![format!("magic: expected {MAGIC:#018x} (\"FAAS-ABI\"), found {magic:#018x}")]);
        }
        // SAFETY: as above.
        let major = unsafe { (*module).major };
        if major != MAJOR {
            return Err(vec![format!(
                "major version of the contract: expected {MAJOR}, found {major}; rebuild the module"
            )]);
        }
        if size < Module::FIRST_SIZE || !probe(module.cast(), size.min(1 << 16)) {
            let expected = Module::FIRST_SIZE;
            return Err(vec![format!("size of faas_module: expected at least {expected} bytes (1.0), found {size}")]);
        }
        // SAFETY: the whole table is readable by the probe's word.
        let table = unsafe { read_table(module) };
        let mut check = Check { probe, needs, faults: Vec::new() };
        let refusal = check.text("faas_module.refusal", table.refusal);
        if !refusal.is_empty() {
            return Err(vec![format!("it refuses this runtime (contract {MAJOR}.{MINOR}): {refusal}")]);
        }
        if table.min_minor > MINOR {
            check.faults.push(format!(
                "minor version of the contract: the module needs {MAJOR}.{}, this runtime has {MAJOR}.{MINOR}; use a newer runtime",
                table.min_minor
            ));
        }
        let name = check.text("faas_module.name", table.name);
        let version = check.text("faas_module.version", table.version);
        let built_with = check.text("faas_module.built_with", table.built_with);
        let functions = check.functions(&table);
        let layers = check.layers(&table);
        check.distinct("function", functions.iter().map(|function| &*function.name));
        check.distinct("layer", layers.iter().map(|layer| &*layer.name));
        if check.faults.is_empty() && functions.is_empty() && layers.is_empty() {
            check.faults.push("it offers neither a function nor a layer".to_owned());
        }
        if check.faults.is_empty() {
            Ok(CheckedModule { name, version, built_with, functions, layers })
        } else {
            Err(check.faults)
        }
    }
}

fn aligned<T>(pointer: *const T) -> bool {
    pointer.addr().is_multiple_of(align_of::<T>())
}

struct Check<'a> {
    probe: Probe<'a>,
    needs: Needs,
    faults: Vec<String>,
}

impl Check<'_> {
    fn text(&mut self, what: &str, bytes: Bytes) -> String {
        if bytes.len == 0 {
            return String::new();
        }
        if bytes.ptr.is_null() || bytes.len > LONGEST_TEXT || !(self.probe)(bytes.ptr, bytes.len) {
            self.faults.push(format!("{what}: expected a text, found {} bytes at {:p}", bytes.len, bytes.ptr));
            return String::new();
        }
        // SAFETY: readable by the probe's word.
        let text = unsafe { bytes.as_slice() };
        match core::str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(error) => {
                self.faults.push(format!("{what}: expected UTF-8, found {error}"));
                String::new()
            }
        }
    }

    /// Returns the tables behind an array of pointers.
    fn entries<T>(&mut self, what: &str, array: *const *const T, count: usize) -> Vec<*const T> {
        if count == 0 {
            return Vec::new();
        }
        let bytes = count.saturating_mul(size_of::<*const T>());
        if array.is_null() || !aligned(array) || count > MOST_ENTRIES || !(self.probe)(array.cast(), bytes) {
            self.faults.push(format!("{what}: expected {count} pointers, found an array at {array:p}"));
            return Vec::new();
        }
        // SAFETY: aligned and readable by the probe's word.
        unsafe { core::slice::from_raw_parts(array, count) }.to_vec()
    }

    /// Returns `true` if this is a pointer to a table whose `size` covers 1.0.
    fn table<T: Table>(&mut self, what: &str, table: *const T) -> bool {
        if table.is_null() || !aligned(table) || !(self.probe)(table.cast(), size_of::<usize>()) {
            self.faults.push(format!("{what}: expected a table, found {table:p}"));
            return false;
        }
        // SAFETY: aligned, and its first member is readable by the probe's word.
        let size = unsafe { table.cast::<usize>().read() };
        if size < T::FIRST_SIZE || !(self.probe)(table.cast(), size.min(1 << 16)) {
            let expected = T::FIRST_SIZE;
            self.faults.push(format!("{what}: expected a size of at least {expected} bytes (1.0), found {size}"));
            return false;
        }
        true
    }

    fn needs(&mut self, what: &str, needs: u64) {
        let missing = needs & !self.needs.features;
        if missing != 0 {
            self.faults.push(format!("{what}: it needs the features {missing:#x}, which this runtime does not have"));
        }
    }

    /// Refuses two entries of one kind and name: nobody could call the second.
    fn distinct<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n str>) {
        let mut first = HashMap::new();
        for (index, name) in names.enumerate().filter(|(_, name)| !name.is_empty()) {
            match first.entry(name) {
                Entry::Vacant(place) => _ = place.insert(index),
                Entry::Occupied(place) => self.faults.push(format!(
                    "{what} {name:?}: the entries {} and {index} have the same name; give one of them another",
                    place.get()
                )),
            }
        }
    }

    fn functions(&mut self, module: &Module) -> Vec<FunctionEntry> {
        let mut functions = Vec::new();
        for (index, pointer) in
            self.entries("faas_module.functions", module.functions, module.function_count).into_iter().enumerate()
        {
            let what = format!("function {index}");
            if !self.table(&what, pointer) {
                continue;
            }
            // SAFETY: checked just now.
            let table = unsafe { read_table(pointer) };
            let name = self.text(&format!("{what}: name"), table.name);
            let what = format!("function {name:?}");
            if name.is_empty() && table.name.len == 0 {
                self.faults.push(format!("{what} (number {index}): expected a name, found none"));
            }
            let triggers = self.text(&format!("{what}: triggers"), table.triggers);
            let group = self.text(&format!("{what}: group"), table.group);
            self.needs(&what, table.needs);
            for (member, present) in [("create", table.create.is_some()), ("invoke", table.invoke.is_some())] {
                if !present {
                    self.faults.push(format!("{what}: expected `{member}`, found NULL"));
                }
            }
            functions.push(FunctionEntry { name, triggers, group, table });
        }
        self.groups(&functions);
        functions
    }

    /// Refuses functions that share an instance and describe it differently.
    fn groups(&mut self, functions: &[FunctionEntry]) {
        for (index, function) in functions.iter().enumerate().filter(|(_, function)| !function.group.is_empty()) {
            let Some(first) = functions[..index].iter().find(|other| other.group == function.group) else { continue };
            let differing = first.differs_in(function);
            if !differing.is_empty() {
                let (name, group, other) = (&function.name, &function.group, &first.name);
                self.faults.push(format!(
                    "function {name:?}: expected what function {other:?} of its group {group:?} has, found another {}",
                    differing.join(", ")
                ));
            }
        }
    }

    fn layers(&mut self, module: &Module) -> Vec<LayerEntry> {
        let mut layers = Vec::new();
        for (index, pointer) in
            self.entries("faas_module.layers", module.layers, module.layer_count).into_iter().enumerate()
        {
            let what = format!("layer {index}");
            if !self.table(&what, pointer) {
                continue;
            }
            // SAFETY: checked just now.
            let table = unsafe { read_table(pointer) };
            let name = self.text(&format!("{what}: name"), table.name);
            let what = format!("layer {name:?}");
            if name.is_empty() && table.name.len == 0 {
                self.faults.push(format!("{what} (number {index}): expected a name, found none"));
            }
            self.needs(&what, table.needs);
            if table.create.is_none() {
                self.faults.push(format!("{what}: expected `create`, found NULL"));
            }
            layers.push(LayerEntry { name, table });
        }
        layers
    }
}

impl FunctionEntry {
    /// Makes an instance.
    ///
    /// # Errors
    /// The module refuses, with its own reason.
    pub fn create(&self, host: HostTable, config: &[u8]) -> Result<FunctionInstance, String> {
        // SAFETY: `&self.table` is this version's own full-sized copy.
        let table = unsafe { read_table(&raw const self.table) };
        FunctionInstance::create(table, self.name.clone(), host, config)
    }

    /// Takes part in an instance that another function of the group has made. Returns `None` if it is gone.
    ///
    /// # Panics
    /// The instance is not one of this group, which is a bug in the host's books.
    pub fn join(&self, instance: &GroupInstance) -> Option<FunctionInstance> {
        // SAFETY: `&self.table` is this version's own full-sized copy.
        let table = unsafe { read_table(&raw const self.table) };
        instance.join(table, self.name.clone())
    }

    /// Returns the members in which it differs from another function of its group, and must not.
    fn differs_in(&self, other: &FunctionEntry) -> Vec<&'static str> {
        // The other flags are each function's own.
        const SHARED: u32 = IS_REENTRANT | IS_ABORTING;
        let (one, two) = (&self.table, &other.table);
        let differing = [
            ("create", one.create.map(|of| of as usize) != two.create.map(|of| of as usize)),
            ("phase", one.phase.map(|of| of as usize) != two.phase.map(|of| of as usize)),
            ("cancel", one.cancel.map(|of| of as usize) != two.cancel.map(|of| of as usize)),
            ("destroy", one.destroy.map(|of| of as usize) != two.destroy.map(|of| of as usize)),
            ("phases", one.phases != two.phases),
            ("flags", (one.flags ^ two.flags) & SHARED != 0),
        ];
        differing.into_iter().filter(|(_, differs)| *differs).map(|(member, _)| member).collect()
    }

    /// Returns the `FAAS_F_*` that it wants and that are not among `features`.
    pub fn misses(&self, features: u64) -> u64 {
        self.table.wants & !features
    }

    /// Returns `true` if a fault in it ends the process.
    pub fn aborts(&self) -> bool {
        self.table.flags & IS_ABORTING != 0
    }

    /// Returns its `FAAS_IS_*` flags as bits.
    pub fn flags(&self) -> u32 {
        self.table.flags
    }

    /// Returns `true` if it serves the events that no other function serves.
    pub fn is_default(&self) -> bool {
        self.table.flags & crate::constants::IS_DEFAULT != 0
    }
}

impl LayerEntry {
    /// Makes an instance.
    ///
    /// # Errors
    /// The module refuses, with its own reason.
    pub fn create(&self, host: HostTable, config: &[u8]) -> Result<LayerInstance, String> {
        // SAFETY: `&self.table` is this version's own full-sized copy.
        let table = unsafe { read_table(&raw const self.table) };
        LayerInstance::create(table, self.name.clone(), host, config)
    }

    /// Returns the `FAAS_F_*` that it wants and that are not among `features`.
    pub fn misses(&self, features: u64) -> u64 {
        self.table.wants & !features
    }

    /// Returns `true` if a fault in it ends the process.
    pub fn aborts(&self) -> bool {
        self.table.flags & IS_ABORTING != 0
    }

    /// Returns `true` if it must never be skipped.
    pub fn is_required(&self) -> bool {
        self.table.flags & crate::constants::IS_REQUIRED != 0
    }
}
