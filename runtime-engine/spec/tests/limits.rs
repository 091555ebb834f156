//! Texts that no person writes: long, deep, broken, random. Reading them may not panic, hang, or take memory without
//! bound.

use proptest::prelude::*;
use serverless_spec::variables::Files;
use serverless_spec::{Input, Read, read};
use std::collections::BTreeMap;

#[derive(Debug)]
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<String, String> {
        Err("there are no files".to_owned())
    }
}

fn read_text(text: &[u8]) -> Read {
    let nothing = BTreeMap::new();
    let input = Input {
        name: "serverless.yml",
        text,
        environment: &nothing,
        options: &nothing,
        stage: None,
        platform: None,
        files: &NoFiles,
    };
    let read = read(&input);
    for diagnostic in &read.diagnostics {
        // The finding can be shown, whatever its text is.
        let shown = serverless_spec::diagnostic::render(diagnostic, &read.sources, false);
        assert!(!shown.is_empty());
    }
    read
}

fn codes(text: &str) -> Vec<&'static str> {
    read_text(text.as_bytes()).diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn a_text_of_ten_megabytes_is_refused_at_once() {
    let text = format!("service: shop\nx-long: '{}'\n", "a".repeat(10 << 20));
    assert_eq!(codes(&text), ["too-large"]);
}

#[test]
fn a_text_of_many_values_is_refused_with_its_place() {
    let text = format!("service: shop\nx-many: [{}]\n", "1, ".repeat(300_000));
    assert_eq!(codes(&text), ["too-many-values"]);
}

#[test]
fn many_keys_in_one_mapping_take_no_longer_than_as_many_values() {
    let keys: String = (0..50_000).map(|number| format!("  k{number}: 1\n")).collect();
    assert_eq!(codes(&format!("service: shop\nx-many:\n{keys}")), [""; 0]);
}

#[test]
fn what_lies_too_deep_is_refused() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let text = format!("service: shop\nx-deep: {}1{}\n", open.repeat(1_000), close.repeat(1_000));
        assert_eq!(codes(&text).len(), 1, "{open}");
    }
    let block: String = (0..500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(codes(&format!("x-deep:\n{}", block.replace('\n', "\n "))), ["too-deep"]);
}

#[test]
fn more_mistakes_than_are_listed_are_counted() {
    let keys: String = (0..2_000).map(|number| format!("k{number}: 1\n")).collect();
    let read = read_text(format!("service: shop\n{keys}").as_bytes());
    assert_eq!((read.diagnostics.len(), read.left_out), (500, 1_500));
}

#[test]
fn a_mistake_in_a_very_long_line_does_not_show_all_of_it() {
    let text = format!("{{service: shop, x-long: '{}', functionz: 1}}", "a".repeat(1 << 20));
    let read = read_text(text.as_bytes());
    let shown = serverless_spec::diagnostic::render(&read.diagnostics[0], &read.sources, false);
    assert!(shown.len() < 1_000, "{} bytes", shown.len());
}

#[test]
fn variables_that_repeat_one_another_are_bounded() {
    let mut text = "service: shop\ncustom:\n  v0: [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for number in 1..12 {
        let before = format!("'${{self:custom.v{}}}', ", number - 1).repeat(10);
        text.push_str(&format!("  v{number}: [{before}]\n"));
    }
    text.push_str("provider: {description: '${self:custom.v11}'}\n");
    assert!(codes(&text).contains(&"too-many-values"));
}

#[test]
fn variables_within_variables_are_bounded() {
    let text = format!("service: {}x{}\n", "${env:A, ".repeat(5_000), "}".repeat(5_000));
    assert!(!codes(&text).is_empty());
}

/// Returns words that ymls are made of, so that random texts get far.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "service: ",
        "shop",
        "functions:",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "http: ",
        "timer: ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "path: ",
        "/a/:id",
        "*",
        "&a ",
        "*a",
        "<<: ",
        "${",
        "self:",
        "env:",
        "}",
        "'",
        "\"",
        "|",
        ">",
        "!x ",
        "null",
        "~",
        "0123",
        "aggregation:",
        "functionsPattern: ",
        "provider:",
        "timeout: ",
        "events:",
        "#",
        "\t",
        "\r\n",
        "é",
        "x-a: ",
        "stages:",
        "platforms:",
        "aws-lambda: ",
        "layers: ",
        "cron: ",
        "0 0 * * *",
        "---",
        "...",
        "? ",
        "%",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

#[test]
fn a_text_that_variables_lead_to_again_and_again_is_refused() {
    // Each of the variables asks for a key of the very text in which all of them stand, and none of them for the same.
    let variables: String = (0..60).map(|number| format!("${{self:a{number}}} ")).collect();
    let read = read_text(variables.as_bytes());
    assert_eq!(read.diagnostics[0].code, "endless-variable");
    assert!(read.left_out < 2_000_000, "{} findings", read.left_out);
}

#[test]
fn variables_in_the_names_of_variables_are_refused_when_they_are_too_deep() {
    let text = format!("service: shop\nx-deep: {}stage{}\n", "${self:".repeat(20_000), "}".repeat(20_000));
    assert!(codes(&text).contains(&"too-many-values"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_of_such_words_is_read_or_refused(text in words()) {
        let _ = read_text(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_text(&bytes);
    }

    #[test]
    fn a_good_yml_with_a_byte_changed_is_read_or_refused(at in 0usize..2_000, byte in any::<u8>()) {
        let mut text = include_bytes!("good/midway-aliyun.yml").to_vec();
        let length = text.len();
        text[at % length] = byte;
        let _ = read_text(&text);
    }
}
