//! The table of `docs/conformance/tencent-scf.md` against the tests there are.

#[test]
fn the_table_names_tests_there_are() {
    integration::table::check(module_path!(), "docs/conformance/tencent-scf.md", 1..=31);
}
