//! The table of `docs/conformance/google-cloud.md` against the tests there are.

#[test]
fn the_table_names_tests_there_are() {
    integration::table::check(module_path!(), "docs/conformance/google-cloud.md", 1..=20);
}
