//! The table of `docs/conformance/yandex.md` against the tests there are.

#[test]
fn the_table_names_tests_there_are() {
    integration::table::check(module_path!(), "docs/conformance/yandex.md", 1..=8);
}
