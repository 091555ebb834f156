//! The names that platforms take: of which letters they are, how long they may be, and what is done with others. Two names
//! stay two. What has the names, and whether two are one, is not asked here.

use faas_core::encoding::sha256;
use std::collections::BTreeSet;

/// The most characters of the name of an app on Azure. Container Apps takes no more. The host of Azure Functions takes
/// longer names, but knows an app by the first 32 characters in a storage account, where two such apps would be one.
/// Source: the wiki of `Azure/azure-functions-host`, "Host IDs".
pub(super) const MOST_OF_APP: usize = 32;

/// Returns a name as the platform takes it: clusters take labels of DNS. What is too long ends with its digest.
pub(super) fn in_words_of(platform: &str, name: &str) -> String {
    // The names of functions elsewhere have letters, digits, `-` and `_`.
    let words = || name.replace(|char: char| !(char.is_ascii_alphanumeric() || char == '_'), "-");
    match platform {
        "azure-container-apps" | "azure-functions" => label_within(name, MOST_OF_APP),
        // Source: Cloud Run, "Service name".
        "google-cloud" => label_within(name, 49),
        "knative" | "kubernetes" | "openfaas" | "yandex" | "fn" | "http" => label(name),
        // Source: each platform's call "CreateFunction".
        "aws-lambda" => shortened(words(), name, 64),
        "aliyun-fc" | "vefaas" => shortened(with_first_letter(&words()), name, 64),
        "tencent-scf" | "huawei-functiongraph" => shortened(with_first_letter(&words()), name, 60),
        _ => name.to_owned(),
    }
}

/// The most characters of a label of DNS.
pub(super) const MOST_OF_LABEL: usize = 63;

/// Makes a label of DNS: lower-case letters, digits and `-`, beginning with a letter, at most 63 of them. A longer one
/// is cut as [`label_within`] says.
pub(super) fn label(name: &str) -> String {
    label_within(name, MOST_OF_LABEL)
}

/// Makes a name of the letters of a label of DNS, of at most `most` characters. A longer one ends with a part of its
/// digest, so that two names with one beginning stay two. There are no two `-` in a row, which Azure refuses.
pub(super) fn label_within(name: &str, most: usize) -> String {
    shortened(label_of_any_length(name), name, most)
}

/// Makes a label of DNS of a deployment's name and of a path at it, which is a function of these two alone: another path
/// beside it changes nothing. A path of lower-case letters and digits is told by the label. Any other one has a part of its
/// digest at the end, since `/a-b` and `/A/b` would have the label of `/a/b`.
pub(super) fn label_of_path(deployment: &str, path: &str) -> String {
    if path.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'/') {
        return label(&format!("{deployment}{}", path.replace('/', "-")));
    }
    let name = format!("{deployment}{path}");
    digested(label_of_any_length(&name), &name, MOST_OF_LABEL)
}

fn label_of_any_length(name: &str) -> String {
    let letters = letters_and_digits(&name.to_ascii_lowercase());
    let parts: Vec<&str> = letters.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// Makes a name of letters, digits and `-` that begins with a letter, of at most `most` characters. Capitals stay what
/// they are. A longer one ends with a part of its digest.
pub(super) fn word_within(name: &str, most: usize) -> String {
    shortened(letters_and_digits(name), name, most)
}

/// Puts `-` into the place of each other character than a letter or digit.
fn letters_and_digits(name: &str) -> String {
    with_first_letter(&name.replace(|char: char| !char.is_ascii_alphanumeric(), "-"))
}

/// Makes a name begin with a letter, and end with a letter or digit.
fn with_first_letter(name: &str) -> String {
    let name = name.trim_matches(['-', '_']);
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("f{name}") } else { name.to_owned() }
}

/// Cuts what a platform's name became, all of ASCII, to at most `most` characters. What is cut ends with a part of the
/// digest of `name`, which is the whole one.
fn shortened(words: String, name: &str, most: usize) -> String {
    if words.len() <= most { words } else { digested(words, name, most) }
}

/// Ends what a platform's name became, all of ASCII, with a part of the digest of `name`, all within `most` characters.
fn digested(mut words: String, name: &str, most: usize) -> String {
    const DIGITS: usize = 6;
    let digest = sha256::digest(name.as_bytes());
    let digits: String = digest.rsplit(':').next().unwrap_or_default().chars().take(DIGITS).collect();
    words.truncate(most - DIGITS - 1);
    format!("{}-{digits}", words.trim_end_matches(['-', '_']))
}

/// Returns what the platform calls `name`, and takes it. If another one has taken it, that is what the platform calls
/// `name-2`, `name-3` and so on. So the name depends on the order: it is for what no later deployment looks for by name, or with a warning.
pub(super) fn numbered(name: &str, on_platform: impl Fn(&str) -> String, taken: &mut BTreeSet<String>) -> String {
    let mut found = on_platform(name);
    let mut number = 1;
    while !taken.insert(found.clone()) {
        number += 1;
        found = on_platform(&format!("{name}-{number}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_cut_stays_another_than_one_with_the_same_beginning() {
        assert_eq!(label_within("Shop-dev_order-nightly", 32), "shop-dev-order-nightly");
        let long = |end: &str| label_within(&format!("shop-production-warehouse-{end}"), 32);
        let (nightly, hourly) = (long("nightly"), long("hourly"));
        assert!(nightly != hourly && nightly.starts_with("shop-production-warehouse-"), "{nightly}, {hourly}");
        assert!(nightly.len() <= 32 && hourly.len() <= 32, "{nightly}, {hourly}");
        assert_eq!(label_within("shop-dev-order__list.", 32), "shop-dev-order-list");
        assert_eq!(label("-7-a."), "f7-a");
        assert_eq!(label(&"a".repeat(63)), "a".repeat(63));
        assert!(label(&"a".repeat(64)).starts_with(&format!("{}-", "a".repeat(56))), "{}", label(&"a".repeat(64)));
        let (one, other) = (label(&"a".repeat(100)), label(&"a".repeat(101)));
        assert!(one != other && one.len() == 63 && other.len() == 63, "{one}, {other}");
    }

    #[test]
    fn a_path_is_called_by_itself_and_no_two_alike() {
        for (path, expected) in
            [("/", "order"), ("/a/b", "order-a-b"), ("/v1/orders", "order-v1-orders"), ("/a/b/", "order-a-b")]
        {
            assert_eq!(label_of_path("order", path), expected, "{path}");
        }
        let mut all: Vec<String> =
            ["/a/b", "/a-b", "/A/b", "/a/B", "/a.b", "/a_b", "/a--b", "/-a/b", "/ä", "/%20", "/-"]
                .map(|path| label_of_path("order", path))
                .into();
        all.extend(["a", "b"].map(|end| label_of_path("order", &format!("/{}{end}", "a".repeat(70)))));
        all.extend(["a", "-a"].map(|end| label_of_path("order", &format!("/{}/{end}", "A".repeat(70)))));
        for name in &all {
            assert!(name.len() <= MOST_OF_LABEL && name.starts_with("order-"), "{name}");
            assert_eq!(label(name), *name);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
        assert!(label_of_path("order", "/a-b").starts_with("order-a-b-"));
    }

    #[test]
    fn a_name_of_a_function_is_no_longer_than_its_platform_takes() {
        let name = |end: &str| format!("ecommerce-platform-production-inventory-synchronisation-of-warehouses-{end}");
        for (platform, most) in [
            ("aliyun-fc", 64),
            ("aws-lambda", 64),
            ("google-cloud", 49),
            ("huawei-functiongraph", 60),
            ("knative", 63),
            ("kubernetes", 63),
            ("openfaas", 63),
            ("tencent-scf", 60),
            ("vefaas", 64),
        ] {
            let (created, deleted) = (in_words_of(platform, &name("created")), in_words_of(platform, &name("deleted")));
            assert!(created != deleted, "{platform}: {created}");
            for long in [created, deleted] {
                assert!(long.len() <= most && long.starts_with("ecommerce-platform-production-"), "{platform}: {long}");
            }
        }
    }

    #[test]
    fn a_name_of_a_function_has_the_letters_that_its_platform_takes() {
        assert_eq!(in_words_of("aws-lambda", "1st.Shop-dev-größe_7"), "1st-Shop-dev-gr--e_7");
        assert_eq!(in_words_of("aliyun-fc", "1st.shop-dev-order_"), "f1st-shop-dev-order");
        assert_eq!(in_words_of("tencent-scf", "_Shop-dev-a_b"), "Shop-dev-a_b");
        assert_eq!(word_within("1st.Shop_x-dev", 128), "f1st-Shop-x-dev");
        assert_eq!(word_within(&"Shop.".repeat(30), 128).len(), 128);
    }
}
