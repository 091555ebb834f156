//! The samples: every file is listed, and the runtime recognises every event as the list says.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{sample, samples};
use handlers_sdk::{FaasContext, function};
use std::collections::BTreeSet;
use std::path::Path;

#[function]
fn what(ctx: FaasContext) -> String {
    format!("{} {} on {}", ctx.trigger(), ctx.source(), ctx.platform())
}

#[test]
fn every_file_is_listed_once_in_the_order_of_the_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut files = BTreeSet::new();
    for folder in std::fs::read_dir(&root).expect("the samples are there") {
        let folder = folder.expect("readable").path();
        for file in std::fs::read_dir(folder).expect("a folder for each platform") {
            let name = file.expect("readable").path().with_extension("");
            files.insert(name.strip_prefix(&root).expect("below it").to_string_lossy().into_owned());
        }
    }
    let listed: Vec<&str> = samples().iter().map(|sample| sample.name()).collect();
    assert_eq!(listed, files.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn every_sample_is_to_the_runtime_what_the_list_says() {
    for sample in samples() {
        let answer = sample.invoke().run(what::MODULE);
        let expected = format!("{} {} on {}", sample.trigger(), sample.source(), sample.platform());
        assert_eq!(
            (answer.failed, String::from_utf8_lossy(&answer.body)),
            (None, expected.into()),
            "{}",
            sample.name()
        );
    }
}

#[test]
#[should_panic(expected = "there is no sample \"kinesis\"; near are: aws/kinesis")]
fn a_name_that_is_none_names_its_neighbours() {
    let _ = sample("kinesis");
}
