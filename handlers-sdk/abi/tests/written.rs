//! The entries that `docs/abi.md` says the contract carries, written down in C: each trigger, layer and service of that
//! page is a small file in `tests/signatures`, compiled here as C11, and by `cpp.rs` as C++17.

mod common;

use common::{compiler, written};
use std::collections::BTreeSet;

#[test]
fn every_trigger_layer_and_service_of_the_page_compiles_as_c11() {
    let mut wrong = Vec::new();
    for file in written::files() {
        let flags = ["-std=c11", "-c", "-I", written::FOLDER];
        if let Err(why) = compiler::compile(&compiler::c(), &format!("{}.c", file.name), &file.source, &flags) {
            wrong.push(format!("{}: {why}", file.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_links_to_each_of_them_and_to_no_other() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/abi.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let links = page.split("abi/tests/signatures/").skip(1).filter_map(|rest| rest.split_once(".c)"));
    let linked: BTreeSet<&str> = links.map(|(name, _)| name).collect();
    let files = written::files();
    let there: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert!(there.len() > 20, "{there:?}");
    assert_eq!(linked, there);
}
