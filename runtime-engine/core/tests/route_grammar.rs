//! The macros of the SDK check patterns of routes while a function is compiled, by a grammar of their own: it takes and
//! refuses what the router does, over all short patterns of the signs that matter and over those of `docs/routing.md`.

use faas_core::router::{Matching, Router};

#[path = "../../../handlers-sdk/macros/src/route.rs"]
mod route;

fn router_takes(pattern: &str) -> bool {
    Router::new(Matching::default()).add(pattern, &[], 0).is_ok()
}

fn assert_same(pattern: &str) -> bool {
    let (macros, router) = (route::check(pattern), router_takes(pattern));
    assert_eq!(macros.is_ok(), router, "{pattern:?}: the macros say {macros:?}");
    router
}

#[test]
fn all_short_patterns_are_taken_or_refused_by_both() {
    const SIGNS: [&str; 11] = ["/", "a", ":", "*", "{", "}", "+", "?", "(", "-", "\u{e9}"];
    let mut patterns = vec!["/".to_owned()];
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..5 {
        let longer = |pattern: &String| SIGNS.map(|sign| format!("{pattern}{sign}"));
        patterns = patterns.iter().flat_map(longer).collect();
        for pattern in &patterns {
            if assert_same(pattern) { taken += 1 } else { refused += 1 }
        }
    }
    assert!(taken > 1_000 && refused > 1_000, "{taken} taken, {refused} refused");
}

#[test]
fn segments_of_all_kinds_are_taken_or_refused_by_both_in_all_orders() {
    const SEGMENTS: [&str; 16] = [
        "", "a", "%2A", ":id", "{id}", "{other}", "*", "*id", "{id+}", "{*id}", "{**id}", "{id?}", ":id.html",
        "{a.b-c}", "{}", "..",
    ];
    for first in SEGMENTS {
        for second in SEGMENTS {
            for third in SEGMENTS {
                assert_same(&format!("/{first}/{second}/{third}"));
                assert_same(&format!("{first}/{second}/{third}/"));
            }
        }
    }
}

#[test]
fn the_patterns_of_the_page_are_taken_or_refused_by_both() {
    let page = include_str!("../../../docs/routing.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    // Of a row the first cell has patterns, with methods before some.
    let patterns = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2));
    let mut seen = 0;
    for pattern in patterns {
        assert_same(pattern.split(' ').next_back().unwrap_or_default());
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}
