//! The table of `docs/conformance/aliyun-fc.md` against the tests there are.

#[test]
fn the_table_names_tests_there_are() {
    integration::table::check(module_path!(), "docs/conformance/aliyun-fc.md", 1..=23);
}
