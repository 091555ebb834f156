//! The compiled header against the Rust mirror, and both against `v1.layout`, which may only grow.
//!
//! A C program prints every size, offset and constant. Its lines must say the same as the mirror, and hold every line
//! ever committed. A line that is gone or different is a broken module in somebody's production (P2, P3, P4).

mod common;

use common::{compiler, header};
use faas_abi::constants::*;
use faas_abi::services::*;
use faas_abi::tables::Table;
use faas_abi::{Buf, Bytes, Field, Function, Host, Layer, Module, Pair};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::mem::{offset_of, size_of_val};
use std::process::Command;
use std::sync::LazyLock;

const GOLDEN: &str = include_str!("../v1.layout");

/// Lists each member's name, offset and size in the mirror: `members!(T: a b c)`.
macro_rules! members {
    ($of:ty: $($member:ident)*) => {
        vec![$((stringify!($member), offset_of!($of, $member), size_of_member(|of: &$of| size_of_val(&of.$member)))),*]
    };
}

fn size_of_member<T>(size: impl Fn(&T) -> usize) -> usize {
    let zeroed = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the contract's types are numbers, raw pointers and nullable functions: all valid when zero.
    size(unsafe { zeroed.assume_init_ref() })
}

type Members = Vec<(&'static str, usize, usize)>;

/// Returns C name, size, alignment, size in 1.0 and members of each type of the mirror.
fn mirror() -> Vec<(&'static str, usize, usize, Option<usize>, Members)> {
    macro_rules! row {
        ($c:literal, $of:ty, $first:expr, $($member:ident)*) => {
            ($c, size_of::<$of>(), align_of::<$of>(), $first, members!($of: $($member)*))
        };
    }
    vec![
        row!("faas_bytes", Bytes, None, ptr len),
        row!("faas_pair", Pair, None, name value),
        row!("faas_buf", Buf, None, ptr len release owner),
        row!("faas_field", Field, None, name value kind reserved),
        row!("faas_host", Host, Some(Host::FIRST_SIZE),
            size major minor features ctx done log_enabled log emit config now_ns service offer meta num set_meta event
            body set_body count at get set add remove cancelled scratch set_slot slot reply reply_body fail
            stream_begin stream_write stream_read token set_num stream_filter),
        row!("faas_function", Function, Some(Function::FIRST_SIZE),
            size name flags phases needs wants triggers group create invoke phase cancel destroy),
        row!("faas_layer", Layer, Some(Layer::FIRST_SIZE),
            size name flags order needs wants before_phases after_phases error_phases reserved create before after
            on_error head cancel destroy recognise context health),
        row!("faas_module", Module, Some(Module::FIRST_SIZE),
            size magic major min_minor name version built_with refusal functions function_count layers layer_count),
        row!("faas_http_request", HttpRequest, Some(HttpRequest::FIRST_SIZE),
            size method url headers header_count body deadline_ns most_bytes),
        row!("faas_http_reply", HttpReply, Some(HttpReply::FIRST_SIZE), size status headers header_count body),
        row!("faas_http", Http, Some(Http::FIRST_SIZE), size provider send cancel),
        row!("faas_telemetry", Telemetry, Some(Telemetry::FIRST_SIZE),
            size provider counter gauge histogram span_begin span_context span_event span_end),
        row!("faas_kv", Kv, Some(Kv::FIRST_SIZE), size provider get put put_if_absent put_if_version remove),
        row!("faas_params", Params, Some(Params::FIRST_SIZE), size provider get watch unwatch),
    ]
}

/// Returns name, value and width of each constant of the mirror.
fn constants() -> Vec<(String, i128, usize)> {
    macro_rules! list {
        ($($name:ident)*) => { vec![$((format!("FAAS_{}", stringify!($name)), i128::from($name), size_of_val(&$name))),*] };
    }
    list![
        MAGIC MAJOR MINOR TEXT JSON OK PENDING END E_INVALID E_UNSUPPORTED E_CANCELLED E_DEADLINE E_TOO_BIG E_PANIC E_USER
        E_INTERNAL E_NOT_FOUND E_CONFLICT RUNTIME_START FUNCTION_START INVOKE CLOSE SUSPEND RESUME REPLIED RECORD F_MAY_BLOCK
        F_STREAM_OUT F_STREAM_IN F_CONCURRENT F_SUSPEND F_REPLIED F_RECORDS F_UPGRADE IS_BLOCKING IS_INLINE IS_REENTRANT
        IS_ABORTING IS_DEFAULT IS_WHOLE_BODY IS_PER_RECORD IS_REQUIRED LIST_HEADER LIST_QUERY LIST_COOKIE LIST_PATH_PARAM
        LIST_PLATFORM LIST_EXTENSION LIST_REPLY_HEADER LIST_REPLY_COOKIE LIST_RECORD LIST_FAILED_RECORD LIST_ATTRIBUTE LIST_REPLY_TRAILER LIST_CALL
        META_REQUEST_ID META_FUNCTION META_VERSION META_SERVICE META_STAGE META_PLATFORM META_REGION META_TRIGGER
        META_SOURCE META_INVOKED_AS META_TENANT META_ACCOUNT META_HANDLER META_TRACEPARENT META_TRACESTATE META_TRACE
        META_METHOD META_PATH META_RAW_PATH META_RAW_QUERY META_HOST META_SCHEME META_CLIENT_IP META_PROTOCOL
        META_ROUTE META_CONTENT_TYPE META_CLIENT_CONTEXT META_IDENTITY META_ERROR_KIND META_ERROR_MESSAGE
        META_ERROR_DETAIL META_RECORD_ID META_RECORD_GROUP NUM_DEADLINE_EPOCH_MS NUM_REMAINING_MS NUM_COLD_START
        NUM_ATTEMPT NUM_MEMORY_MB NUM_IS_HTTP NUM_REPLY_STATUS NUM_REPLY_BYTES NUM_STREAMED NUM_RECEIVED_NS
        NUM_IN_FLIGHT NUM_DEADLINE_NS NUM_REPLY_CODE NUM_STREAMED_IN NUM_STARTED_NS NUM_RECORD_INDEX
        NUM_AFTER_REPLY NUM_TIMED NUM_TAKES_FILTERS REPLY_RAW REPLY_VALUE CANCEL_DEADLINE CANCEL_PEER_GONE CANCEL_CLOSING HTTP_MAJOR TELEMETRY_MAJOR SPANS_MAJOR SPAN_UNSET SPAN_OK
        SPAN_ERROR TRACEPARENT_BYTES KV_MAJOR PARAMS_MAJOR
    ]
}

/// Returns the lines of the mirror, in the golden file's words. A type of a table grows, so only its first size is a
/// line.
fn mirrored_lines() -> Vec<String> {
    let mut lines = Vec::new();
    for (name, size, align, first, members) in mirror() {
        let kind = if first.is_some() { "table" } else { "value" };
        lines.push(format!("{kind} {name} size {} align {align}", first.unwrap_or(size)));
        lines.extend(members.iter().map(|(member, offset, size)| format!("{name}.{member} at {offset} size {size}")));
    }
    lines.extend(constants().into_iter().map(|(name, value, width)| format!("{name} = {value} width {width}")));
    lines
}

/// Returns the C program that prints the same lines for the header.
fn program() -> String {
    let mut body = String::new();
    for one in header::structs() {
        let name = &one.name;
        let _ = writeln!(body, "  printf(\"type {name} size %zu align %zu\\n\", sizeof({name}), _Alignof({name}));");
        for (member, _) in &one.members {
            let _ = writeln!(
                body,
                "  printf(\"{name}.{member} at %zu size %zu\\n\", offsetof({name}, {member}), sizeof((({name} *)0)->{member}));"
            );
        }
    }
    for name in header::constants() {
        let _ = writeln!(
            body,
            "  if ({name} < 1) printf(\"{name} = %lld width %zu\\n\", (long long)({name}), sizeof({name}));\n  \
             else printf(\"{name} = %llu width %zu\\n\", (unsigned long long)({name}), sizeof({name}));"
        );
    }
    let includes: String = header::FILES.iter().map(|file| format!("#include \"{file}\"\n")).collect();
    // Each header works on its own, and may be included again.
    format!("{includes}{includes}#include <stdio.h>\nint main(void) {{\n{body}  return 0;\n}}\n")
}

/// The header's lines as the C compiler sees them. They are compiled once in a run.
static COMPILED: LazyLock<Vec<String>> = LazyLock::new(compiled_lines);

fn compiled_lines() -> Vec<String> {
    let program = compiler::compile(&compiler::c(), "layout.c", &program(), &["-std=c11"]).expect("the header is C11");
    let run = Command::new(&program).output().expect("the program it made runs");
    assert!(run.status.success());
    let mut lines: Vec<String> = String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect();
    for line in &mut lines {
        if let Some(rest) = line.strip_prefix("type ") {
            let (name, rest) = rest.split_once(' ').expect("a type line");
            let row = mirror().into_iter().find(|row| row.0 == name).unwrap_or_else(|| panic!("not mirrored: {name}"));
            let align = rest.rsplit_once(' ').expect("a type line").1;
            let size: usize = rest.split(' ').nth(1).and_then(|size| size.parse().ok()).expect("a size");
            assert_eq!(size, row.1, "size of {name}");
            *line = match row.3 {
                Some(first) => format!("table {name} size {first} align {align}"),
                None => format!("value {name} size {size} align {align}"),
            };
        }
    }
    lines
}

/// Returns the golden lines of today: as compiled, and each member with its C type. The minor version is left out,
/// since it grows.
fn golden_lines() -> Vec<String> {
    let structs = header::structs();
    let typed = |line: &str| {
        let (name, member) = line.split_once(" at ").and_then(|(path, _)| path.split_once('.'))?;
        let one = structs.iter().find(|one| one.name == name)?;
        let (_, of_type) = one.members.iter().find(|(found, _)| found == member)?;
        Some(format!("{line}: {of_type}"))
    };
    let lines = COMPILED.iter().filter(|line| !line.starts_with("FAAS_MINOR "));
    let entry = format!("faas_module_v1: {}", header::entry());
    let names = header::names().into_iter().map(|(name, value)| format!("{name} = {value}"));
    lines.map(|line| typed(line).unwrap_or_else(|| line.clone())).chain([entry]).chain(names).collect()
}

#[test]
fn the_mirror_says_what_the_compiled_header_says() {
    let (compiled, mirrored) = (&*COMPILED, mirrored_lines());
    let missing: Vec<&String> = compiled.iter().filter(|line| !mirrored.contains(line)).collect();
    let extra: Vec<&String> = mirrored.iter().filter(|line| !compiled.contains(line)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "header alone: {missing:#?}\nmirror alone: {extra:#?}");
    assert!(*compiled == mirrored, "the mirror has the header's lines in another order");
}

#[test]
fn the_mirror_has_the_headers_names() {
    let mirrored = [
        ("HTTP", HTTP),
        ("TELEMETRY", TELEMETRY),
        ("SPANS", SPANS),
        ("FUNCTION_SPAN", FUNCTION_SPAN),
        ("KV", KV),
        ("PARAMS", PARAMS),
    ];
    let mirrored = mirrored.map(|(name, value)| (format!("FAAS_{name}"), format!("{value:?}")));
    assert_eq!(header::names(), mirrored);
}

#[test]
fn every_line_ever_committed_is_still_true() {
    let now: BTreeSet<String> = golden_lines().into_iter().collect();
    let broken: Vec<&str> = GOLDEN.lines().filter(|line| !now.contains(*line)).collect();
    assert!(broken.is_empty(), "released, and changed in place (faas.h, P2 to P4): {broken:#?}");
}

#[test]
fn every_line_of_today_is_committed() {
    let golden: BTreeSet<&str> = GOLDEN.lines().collect();
    let new: Vec<String> = golden_lines().into_iter().filter(|line| !golden.contains(line.as_str())).collect();
    assert!(new.is_empty(), "additions to the contract; append them to v1.layout:\n{}\n", new.join("\n"));
}

#[test]
fn tables_have_no_padding_and_no_member_is_missing() {
    for (name, size, _, first, members) in mirror() {
        let mut end = 0;
        for (member, offset, width) in members {
            assert_eq!(offset, end, "{name}.{member} does not begin where the member before it ends");
            end = offset + width;
        }
        assert_eq!(end, size, "{name} ends with its last member");
        assert!(first.is_none_or(|first| first <= size), "{name} has not shrunk");
    }
}

#[test]
fn a_first_size_is_the_size_of_minor_version_0() {
    for (name, size, _, first, _) in mirror() {
        if let Some(first) = first {
            assert!(size == first || MINOR != 0, "{name}: {size} bytes in 1.0, but the mirror says {first}");
        }
    }
}

#[test]
fn no_two_constants_of_a_family_have_the_same_value() {
    for family in ["E_", "F_", "IS_", "LIST_", "META_", "NUM_", "REPLY_", "CANCEL_", "SPAN_"] {
        let family = format!("FAAS_{family}");
        let values: Vec<i128> =
            constants().iter().filter(|(name, ..)| name.starts_with(&family)).map(|(_, value, _)| *value).collect();
        let distinct: BTreeSet<&i128> = values.iter().collect();
        assert_eq!(distinct.len(), values.len(), "{family}");
        assert!(!values.is_empty(), "{family}");
    }
}
