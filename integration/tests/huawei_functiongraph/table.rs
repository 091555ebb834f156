//! The table of `docs/conformance/huawei-functiongraph.md` against the tests there are.

#[test]
fn the_table_names_tests_there_are() {
    integration::table::check(module_path!(), "docs/conformance/huawei-functiongraph.md", 1..=30);
}
