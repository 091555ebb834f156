//! The header as C++17 and as a header of a real program. Without a C++ compiler the tests are listed as ignored.

mod common;

use common::{compiler, header, written};
use libtest_mimic::{Arguments, Failed, Trial};

const FLAGS: [&str; 3] = ["-std=c++17", "-x", "c++"];

/// A module that uses every kind of thing the header has, and includes it twice.
const MODULE: &str = r#"
#include "faas.h"
#include "faas.h"
#include <string>

namespace {
const faas_host *host;
faas_bytes text(const std::string &of) { return {reinterpret_cast<const uint8_t *>(of.data()), of.size()}; }
faas_status create(const faas_host *given, faas_bytes, void **self, faas_buf *) {
    host = given;
    *self = nullptr;
    return FAAS_OK;
}
faas_status invoke(void *, faas_inv *inv, faas_tok *) {
    const faas_bytes event = host->event(inv);
    if (FAAS_HAS(faas_host, host, set_num)) { host->set_num(inv, FAAS_NUM_DEADLINE_NS, host->now_ns(host->ctx)); }
    return host->reply(inv, FAAS_REPLY_VALUE, faas_buf{event.ptr, event.len, nullptr, nullptr});
}
const std::string name = "echo";
faas_function function() {
    faas_function made{};
    made.size = sizeof made;
    made.name = text(name);
    made.create = create;
    made.invoke = invoke;
    return made;
}
}

const faas_module *faas_module_v1(uint32_t, uint32_t) {
    static const faas_function echo = function();
    static const faas_function *const functions[] = {&echo};
    static const faas_module module = [] {
        faas_module made{};
        made.size = sizeof made;
        made.magic = FAAS_MAGIC;
        made.major = FAAS_MAJOR;
        made.name = text(name);
        made.functions = functions;
        made.function_count = 1;
        return made;
    }();
    return &module;
}
"#;

fn module(compiler: &str) -> Result<(), Failed> {
    compiler::compile(compiler, "module.cpp", MODULE, &[&FLAGS[..], &["-shared", "-fPIC"]].concat())?;
    Ok(())
}

fn alone(compiler: &str) -> Result<(), Failed> {
    let includes: String = header::FILES.iter().map(|file| format!("#include \"{file}\"\n")).collect();
    let source = format!("{includes}{includes}int main() {{ return sizeof(faas_host) == 0; }}\n");
    compiler::compile(compiler, "alone.cpp", &source, &FLAGS)?;
    Ok(())
}

fn written(compiler: &str) -> Result<(), Failed> {
    for file in written::files() {
        let flags = [&FLAGS[..], &["-c", "-I", written::FOLDER]].concat();
        compiler::compile(compiler, &format!("{}.cpp", file.name), &file.source, &flags)?;
    }
    Ok(())
}

fn main() {
    let found = compiler::cpp();
    let required = std::env::var("FAAS_REQUIRE").is_ok_and(|what| what == "all");
    let trial = |name: &str, run: fn(&str) -> Result<(), Failed>| {
        let compiler = found.clone();
        let trial = Trial::test(name, move || match compiler {
            Some(compiler) => run(&compiler),
            None => Err("no C++ compiler: c++, g++, clang++ or the one named in CXX".into()),
        });
        match found {
            Some(_) => trial,
            None => trial.with_kind("needs a C++ compiler").with_ignored_flag(!required),
        }
    };
    let trials = vec![
        trial("the_headers_included_twice_are_cpp17", alone),
        trial("every_trigger_layer_and_service_of_the_page_compiles_as_cpp17", written),
        trial("a_module_in_cpp17_compiles_without_a_warning", module),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
