//! Modules and hosts of other minor versions, and tables that do not hold what the contract asks.
#![cfg(feature = "host")]

use core::ffi::c_void;
use core::mem::{offset_of, size_of};
use faas_abi::host::{CheckedModule, Needs};
use faas_abi::tables::read_table;
use faas_abi::{
    Buf, Bytes, F_MAY_BLOCK, F_STREAM_OUT, Function, Host, HostCalls, Inv, Layer, MAGIC, MAJOR, MINOR, Module, OK,
    Status, Tok,
};

const FEATURES: u64 = F_MAY_BLOCK | F_STREAM_OUT;
/// A feature bit of a later minor version.
const UNKNOWN: u64 = 1 << 40;

unsafe extern "C" fn create(_: *const Host, _: Bytes, _: *mut *mut c_void, _: *mut Buf) -> Status {
    OK
}

unsafe extern "C" fn invoke(_: *mut c_void, _: *mut Inv, _: *mut Tok) -> Status {
    OK
}

fn function() -> Function {
    Function {
        size: size_of::<Function>(),
        name: Bytes::of(b"order"),
        flags: 0,
        phases: 0,
        needs: 0,
        wants: UNKNOWN,
        triggers: Bytes::EMPTY,
        group: Bytes::EMPTY,
        create: Some(create),
        invoke: Some(invoke),
        phase: None,
        cancel: None,
        destroy: None,
    }
}

fn layer() -> Layer {
    Layer {
        size: size_of::<Layer>(),
        name: Bytes::of(b"audit"),
        flags: 0,
        order: 0,
        needs: 0,
        wants: 0,
        before_phases: 0,
        after_phases: 0,
        error_phases: 0,
        reserved: 0,
        create: Some(create),
        before: None,
        after: None,
        on_error: None,
        head: None,
        cancel: None,
        destroy: None,
        recognise: None,
        context: None,
        health: None,
    }
}

/// Returns a module over arrays that the caller keeps.
fn module(functions: &[*const Function], layers: &[*const Layer]) -> Module {
    Module {
        size: size_of::<Module>(),
        magic: MAGIC,
        major: MAJOR,
        min_minor: 0,
        name: Bytes::of(b"shop"),
        version: Bytes::of(b"1.2.3"),
        built_with: Bytes::EMPTY,
        refusal: Bytes::EMPTY,
        functions: functions.as_ptr(),
        function_count: functions.len(),
        layers: layers.as_ptr(),
        layer_count: layers.len(),
    }
}

/// Checks a module whose every address is readable, as a library's own data is.
fn check(module: *const Module) -> Result<CheckedModule, Vec<String>> {
    // SAFETY: the tests hand over live tables; the functions in them are this file's.
    unsafe { CheckedModule::read(module, Needs { features: FEATURES }, &|_, _| true) }
}

fn faults(module: &Module) -> String {
    check(module).expect_err("refused").join("\n")
}

#[test]
fn a_module_of_this_version_is_accepted() {
    let (function, layer) = (function(), layer());
    let checked = check(&module(&[&raw const function], &[&raw const layer])).expect("accepted");
    assert_eq!((checked.name.as_str(), checked.version.as_str()), ("shop", "1.2.3"));
    assert_eq!(checked.functions[0].name, "order");
    assert_eq!(checked.layers[0].name, "audit");
}

/// A table as a later minor version has it: this one's, then members that this version does not know.
#[repr(C)]
struct Later<T> {
    table: T,
    unknown: [usize; 3],
}

#[test]
fn tables_of_a_later_minor_are_larger_and_accepted() {
    let mut function = Later { table: function(), unknown: [usize::MAX; 3] };
    function.table.size = size_of::<Later<Function>>();
    function.table.phases = u32::MAX;
    function.table.flags = 1 << 31;
    let mut layer = Later { table: layer(), unknown: [usize::MAX; 3] };
    layer.table.size = size_of::<Later<Layer>>();
    layer.table.before_phases = 1 << 30;
    let (functions, layers) = ([&raw const function.table], [&raw const layer.table]);
    let mut module = Later { table: module(&functions, &layers), unknown: [usize::MAX; 3] };
    module.table.size = size_of::<Later<Module>>();
    let checked = check((&raw const module).cast()).expect("accepted");
    assert_eq!(checked.functions[0].name, "order");
    assert_eq!(checked.layers[0].name, "audit");
    assert_eq!([function.unknown, layer.unknown, module.unknown], [[usize::MAX; 3]; 3]);
}

#[test]
fn a_module_that_needs_a_later_minor_is_refused() {
    let function = function();
    let functions = [&raw const function];
    let mut module = module(&functions, &[]);
    module.min_minor = MINOR + 1;
    let faults = faults(&module);
    assert!(
        faults.contains(&format!("the module needs {MAJOR}.{}, this runtime has {MAJOR}.{MINOR}", MINOR + 1)),
        "{faults}"
    );
}

#[test]
fn a_table_smaller_than_that_of_minor_0_is_refused() {
    let (mut function, mut layer) = (function(), layer());
    let functions = [&raw const function];
    let mut small = module(&functions, &[]);
    small.size -= 8;
    assert_eq!(faults(&small), "size of faas_module: expected at least 120 bytes (1.0), found 112");

    function.size = 8;
    layer.size = 0;
    let (functions, layers) = ([&raw const function], [&raw const layer]);
    let faults = faults(&module(&functions, &layers));
    assert!(faults.contains("function 0: expected a size of at least 120 bytes (1.0), found 8"), "{faults}");
    assert!(faults.contains("layer 0: expected a size of at least 144 bytes (1.0), found 0"), "{faults}");
}

#[test]
fn an_entry_that_needs_an_unknown_feature_is_refused_and_one_that_wants_it_is_not() {
    let (mut function, mut layer) = (function(), layer());
    function.wants = UNKNOWN;
    layer.wants = UNKNOWN;
    let (functions, layers) = ([&raw const function], [&raw const layer]);
    assert!(check(&module(&functions, &layers)).is_ok());
    function.needs = UNKNOWN | F_MAY_BLOCK;
    layer.needs = UNKNOWN;
    let (functions, layers) = ([&raw const function], [&raw const layer]);
    let faults = faults(&module(&functions, &layers));
    assert_eq!(
        faults,
        format!(
            "function \"order\": it needs the features {UNKNOWN:#x}, which this runtime does not have\n\
             layer \"audit\": it needs the features {UNKNOWN:#x}, which this runtime does not have"
        )
    );
}

#[test]
fn all_that_does_not_fit_is_in_one_list() {
    let (mut first, mut second, mut layer) = (function(), function(), layer());
    first.needs = UNKNOWN;
    first.invoke = None;
    second.name = Bytes::EMPTY;
    second.create = None;
    layer.name = Bytes::of(b"\xff\xfe");
    layer.create = None;
    let functions = [&raw const first, &raw const second, core::ptr::null()];
    let layers = [&raw const layer];
    let mut module = module(&functions, &layers);
    module.min_minor = 99;
    module.version = Bytes { ptr: core::ptr::null(), len: 5 };
    let faults = check(&raw const module).expect_err("refused");
    for expected in [
        "the module needs 1.99",
        "faas_module.version: expected a text, found 5 bytes at 0x0",
        "function \"order\": it needs the features",
        "function \"order\": expected `invoke`, found NULL",
        "function \"\" (number 1): expected a name, found none",
        "function \"\": expected `create`, found NULL",
        "function 2: expected a table, found 0x0",
        "layer 0: name: expected UTF-8",
        "expected `create`, found NULL",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}\nin: {faults:#?}");
    }
}

#[test]
fn two_entries_of_one_kind_and_name_are_refused_by_name_and_number() {
    let (order, other, audit) = (function(), Function { name: Bytes::of(b"other"), ..function() }, layer());
    let module = module(&[&raw const order, &raw const other, &raw const order], &[&raw const audit, &raw const audit]);
    let faults = faults(&module);
    assert!(
        faults.contains("function \"order\": the entries 0 and 2 have the same name; give one of them another"),
        "{faults}"
    );
    assert!(faults.contains("layer \"audit\": the entries 0 and 1 have the same name"), "{faults}");
    assert!(!faults.contains("other\""), "{faults}");
}

#[test]
fn the_first_words_are_judged_before_anything_behind_them_is_read() {
    let mut wrong = module(&[], &[]);
    wrong.magic = 0x1122;
    wrong.functions = core::ptr::without_provenance(0x10);
    wrong.function_count = 3;
    assert_eq!(faults(&wrong), "magic: expected 0x464141532d414249 (\"FAAS-ABI\"), found 0x0000000000001122");
    wrong.magic = MAGIC;
    wrong.major = 2;
    assert_eq!(faults(&wrong), "major version of the contract: expected 1, found 2; rebuild the module");
    let refused = check(core::ptr::null()).expect_err("refused").join("\n");
    assert_eq!(refused, "it refuses this runtime (contract 1.1) without a reason: faas_module_v1 returned NULL");
    let mut refusing = module(&[], &[]);
    refusing.refusal = Bytes::of(b"no moon");
    assert_eq!(faults(&refusing), "it refuses this runtime (contract 1.1): no moon");
    let empty = faults(&module(&[], &[]));
    assert_eq!(empty, "it offers neither a function nor a layer");
}

#[test]
fn an_address_outside_the_library_is_never_followed() {
    let function = function();
    let functions = [&raw const function];
    let table = module(&functions, &[]);
    let inside = |from: *const u8, len: usize| {
        let (start, end) = ((&raw const table).addr(), (&raw const table).addr() + size_of::<Module>());
        start <= from.addr() && from.addr() + len <= end
    };
    let check = |module: *const Module| {
        // SAFETY: `inside` accepts the table alone.
        unsafe { CheckedModule::read(module, Needs { features: FEATURES }, &inside) }.expect_err("refused").join("\n")
    };
    let far: *const Module = core::ptr::without_provenance(0x10);
    assert_eq!(check(far), "faas_module_v1 returned 0x10, which is not in the library's own data");
    let odd: *const Module = core::ptr::without_provenance((&raw const table).addr() + 1);
    assert!(check(odd).contains("not in the library's own data"));
    let faults = check(&raw const table);
    assert!(faults.contains("faas_module.functions: expected 1 pointers, found an array at"), "{faults}");
    assert!(faults.contains("faas_module.name: expected a text, found 4 bytes at"), "{faults}");
}

unsafe extern "C" fn now(_: *mut faas_abi::HostCtx) -> u64 {
    7
}

unsafe extern "C" fn set_num(_: *mut Inv, _: u32, _: u64) -> Status {
    OK
}

fn host(size: usize) -> Host {
    // SAFETY: every member of a table is valid when zero (`tables::Table`).
    let mut host: Host = unsafe { core::mem::zeroed() };
    host.size = size;
    host.features = FEATURES;
    host.now_ns = Some(now);
    host.set_num = Some(set_num);
    host
}

#[test]
fn what_lies_beyond_a_hosts_size_is_absent_even_if_the_memory_says_otherwise() {
    for (size, has_clock, has_set_num) in [
        (size_of::<Host>(), true, true),
        (size_of::<Host>() + 800, true, true),
        (offset_of!(Host, set_num), true, false),
        (offset_of!(Host, set_num) + 7, true, false),
        (offset_of!(Host, now_ns) + 8, true, false),
        (offset_of!(Host, now_ns), false, false),
        (offset_of!(Host, done), false, false),
    ] {
        let theirs = host(size);
        // SAFETY: at least `Host::size` bytes of a `Host` are readable; larger sizes are only claimed.
        let ours = unsafe { read_table(&raw const theirs) };
        assert_eq!((ours.now_ns.is_some(), ours.set_num.is_some()), (has_clock, has_set_num), "{size}");
        assert_eq!((ours.size, ours.features), (size, FEATURES));
    }
}

#[test]
fn a_host_that_filled_nothing_but_its_size_offers_nothing() {
    let theirs = host(size_of::<usize>());
    // SAFETY: as above.
    let ours = unsafe { read_table(&raw const theirs) };
    assert_eq!((ours.size, ours.features, ours.now_ns.is_some()), (8, 0, false));
    // Such a host breaks the contract, which a module of handlers-sdk reports when it is created.
    assert_eq!(HostCalls::of(&ours).err(), Some("done"));
}
