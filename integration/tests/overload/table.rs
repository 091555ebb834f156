//! The table of `docs/limits.md` against the tests there are.

#[test]
fn the_table_names_tests_there_are() {
    integration::table::check(module_path!(), "docs/limits.md", 1..=23);
}
