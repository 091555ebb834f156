//! `docs/security.md` against the platforms there are: what it says of trusted proxies is what the code goes by, and
//! each platform's page says the setting.
#![allow(missing_docs, reason = "tests")]

use faas_core::platform::PLATFORMS;

fn page(name: &str) -> String {
    let path = format!("{}/../../docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_page_says_how_many_proxies_each_platform_has() {
    let page = page("security");
    for row in PLATFORMS {
        let line = format!("| `{}` | {} |", row.name, row.trusted_hops);
        assert_eq!(page.lines().filter(|found| found.starts_with(&line)).count(), 1, "no line begins with {line}");
    }
}

#[test]
fn each_platforms_page_names_the_setting_and_where_it_is_explained() {
    for row in PLATFORMS {
        let page = page(&format!("platforms/{}", row.name));
        assert!(page.contains("`FAAS_TRUSTED_HOPS`") && page.contains("](../security.md)"), "{}", row.name);
    }
}
