//! The page of keys is made of the table.

use serverless_spec::explain::{KeyPlace, effect, keys};
use std::fmt::Write;

const BEGIN: &str = "<!-- The keys of the table begin. -->\n";
const END: &str = "<!-- The keys of the table end. -->\n";

fn tables() -> String {
    let mut out = String::new();
    let mut section = String::new();
    for KeyPlace { path, key } in keys() {
        let first = path.split(['.', '[']).next().unwrap_or_default();
        let event = path.strip_prefix("functions.<name>.events[].").and_then(|rest| rest.split('.').next());
        let title = match event {
            Some(kind) => format!("`functions.<name>.events[].{kind}`"),
            None => format!("`{first}`"),
        };
        if title != section {
            write!(
                out,
                "\n## {title}\n\n| key | expected | meaning | default | what it becomes |\n|---|---|---|---|---|\n"
            )
            .expect("a text takes all");
            section = title;
        }
        let expected = key.shape.words().replace('|', "\\|");
        let needed = if key.is_required { " (required)" } else { "" };
        let platforms: Vec<String> =
            key.platforms.iter().map(|(platform, name)| format!("{platform}: `{name}`")).collect();
        let on = if platforms.is_empty() { String::new() } else { format!("; {}", platforms.join(", ")) };
        let default = key.default.unwrap_or_default();
        writeln!(out, "| `{path}`{needed} | {expected} | {} | {default} | {}{on} |", key.doc, effect(key))
            .expect("a text takes all");
    }
    out.push('\n');
    out
}

#[test]
fn the_page_has_the_keys_of_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keys.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the tables");
    let (written, after) = rest.split_once(END).expect("the tables end");
    let made = tables();
    if std::env::var_os("FAAS_REWRITE").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{made}{END}{after}")).expect("the page can be written");
        return;
    }
    assert_eq!(written, made, "docs/keys.md; FAAS_REWRITE=1 writes it anew");
}

/// Checks that every yml that a page shows whole is right, and that every part of one is a part of a right one.
#[test]
fn the_ymls_of_the_guide_are_right() {
    #[derive(Debug)]
    struct NoFiles;
    impl serverless_spec::variables::Files for NoFiles {
        fn read(&self, _: &str) -> Result<String, String> {
            Err("there are no files".to_owned())
        }
    }
    let page = [include_str!("../../../docs/serverless-yml.md"), include_str!("../../../docs/secrets.md")].concat();
    let nothing = std::collections::BTreeMap::new();
    let mut whole = 0;
    for block in page.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap_or_default();
        let text = if text.contains("service:") { text.to_owned() } else { format!("service: shop\n{text}") };
        let read = serverless_spec::read(&serverless_spec::Input {
            name: "serverless.yml",
            text: text.as_bytes(),
            environment: &nothing,
            options: &nothing,
            stage: None,
            platform: None,
            files: &NoFiles,
        });
        assert!(read.diagnostics.is_empty(), "{text}\n{:?}", read.diagnostics);
        whole += 1;
    }
    assert!(whole > 2);
}
