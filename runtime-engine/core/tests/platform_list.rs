//! Every place of the repository that lists platforms has all of them. The list is `NAMES` of `platform/detect.rs`;
//! this test names each place that lacks one, so that the author of a new platform is led through them.

use faas_core::platform::{NAMES, PLATFORMS, PlatformName, named};
use std::path::Path;

/// A file that lists platforms, and how a platform stands in it.
type Place = (&'static str, fn(&PlatformName) -> String);

const PLACES: &[Place] = &[
    ("runtime-engine/core/Cargo.toml", |names| format!("\n    \"{}\",\n", names.word)),
    ("runtime-engine/core/Cargo.toml", |names| format!("\n{} = [", names.word)),
    ("runtime-engine/Cargo.toml", passed_on),
    ("light-runtime/Cargo.toml", passed_on),
    ("runtime-engine/core/src/platform/mod.rs", |names| format!("`{}`", names.word)),
    ("runtime-engine/spec/src/deploy/mod.rs", |names| format!("\"{}\" => ", names.word)),
    ("runtime-engine/spec/tests/deploy.rs", |names| format!("\"{}\"", names.word)),
    ("handlers-sdk/tests/kit.rs", |names| format!("\"{}\"", names.word)),
    ("integration/tests/platforms.rs", |names| format!("\"{}\"", names.word)),
    ("integration/tests/platforms/packaged.rs", |names| format!("platform: \"{}\"", names.word)),
    ("integration/cargo-faas/src/stage/mod.rs", |names| match names.word {
        "http" => "name: PLAIN_HTTP,".to_owned(),
        word => format!("name: \"{word}\","),
    }),
    ("integration/cargo-faas/src/package/platforms.rs", |names| format!("platform: \"{}\"", names.word)),
    ("README.md", page),
    ("docs/detection.md", page),
    ("docs/platforms.md", page),
    ("docs/deploying.md", page),
    ("docs/packaging.md", |names| format!("`{}`", names.word)),
    ("docs/security.md", |names| format!("`{}`", names.word)),
];

/// Returns the line of a runtime's feature that turns the core's on.
fn passed_on(names: &PlatformName) -> String {
    format!("\n{0} = [\"faas-core/{0}\"]\n", names.word)
}

fn page(names: &PlatformName) -> String {
    format!("platforms/{}.md)", names.word)
}

#[test]
fn every_place_that_lists_platforms_has_all_of_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut lacks = Vec::new();
    for names in NAMES {
        for (path, standing) in PLACES {
            let text = std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            let standing = standing(names);
            if !text.contains(&standing) {
                lacks.push(format!("{path} has no {standing:?}"));
            }
        }
        let page = format!("docs/platforms/{}.md", names.word);
        if !root.join(&page).is_file() {
            lacks.push(format!("{page} is not there"));
        }
    }
    assert!(lacks.is_empty(), "platforms are missing:\n{}", lacks.join("\n"));
}

/// Returns the name of a platform's module: `fn` is a word of Rust.
fn module(names: &PlatformName) -> String {
    if names.word == "fn" { "fn_project".to_owned() } else { names.word.replace('-', "_") }
}

#[test]
fn what_is_made_for_one_platform_is_named_after_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut lacks = Vec::new();
    for names in NAMES {
        let module = module(names);
        // The tests of the server itself are those of HTTP, so that the platform is plain HTTP beside them.
        let of_tests = if module == "http" { "plain_http" } else { &module };
        let places = [
            format!("runtime-engine/core/src/platform/{module}.rs"),
            format!("runtime-engine/spec/src/deploy/{module}.rs"),
            format!("integration/tests/{of_tests}/mod.rs"),
        ];
        lacks.extend(places.into_iter().filter(|place| !root.join(place).is_file()));
    }
    // Events go by vendor, whose platforms share them; a platform without a vendor's events has its own word.
    let vendors = ["aliyun", "aws", "azure", "google", "huawei", "tencent"];
    for entry in std::fs::read_dir(root.join("handlers-sdk/samples")).expect("the samples are there") {
        let name = entry.expect("it can be read").file_name().to_string_lossy().into_owned();
        if !vendors.contains(&name.as_str()) && !NAMES.iter().any(|names| names.word == name) {
            lacks.push(format!("handlers-sdk/samples/{name} is named after no vendor and no platform"));
        }
    }
    assert!(lacks.is_empty(), "not there, or not so named:\n{}", lacks.join("\n"));
}

#[test]
fn every_name_and_alias_means_one_platform() {
    for names in NAMES {
        for word in std::iter::once(names.word).chain(names.aliases.iter().copied()) {
            assert_eq!(named(&word.to_ascii_uppercase()), Some(names), "{word}");
            assert_eq!(word, word.to_ascii_lowercase(), "messages suggest it as it is written here");
        }
    }
    assert_eq!(named("mars"), None);
}

#[test]
fn with_all_features_the_platforms_are_those_that_have_names() {
    let built_in: Vec<&str> = PLATFORMS.iter().map(|entry| entry.name).collect();
    assert_eq!(built_in, NAMES.iter().map(|names| names.word).collect::<Vec<_>>());
}
