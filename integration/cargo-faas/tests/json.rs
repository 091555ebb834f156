//! What `--json` answers has the members that `docs/json.md` lists, each of them, and no others.
#![forbid(unsafe_code)]

mod dev_rig;

use dev_rig::{Rig, tool};
use integration::artifacts;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The members that are another document's own: what is in them is not listed.
const OPEN: [&str; 1] = ["invocations[].monitor"];

/// The members of a section, with those of the sections that its rows link to.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = std::fs::read_to_string(artifacts::workspace().join("docs/json.md")).expect("the page is there");
    let rows = |section: &str| -> Vec<(String, String)> {
        let row = |line: &str| {
            let (member, is) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((member.to_owned(), is.to_owned()))
        };
        section.lines().filter_map(row).collect()
    };
    let sections: BTreeMap<&str, Vec<(String, String)>> = page
        .split("\n## ")
        .skip(1)
        .filter_map(|part| part.split_once('\n'))
        .map(|(name, text)| (name, rows(text)))
        .collect();
    let whole = |rows: &Vec<(String, String)>| {
        let mut all = BTreeSet::new();
        for (member, is) in rows {
            all.insert(member.clone());
            for (name, rows) in &sections {
                if is.contains(&format!("(#{})", name.to_lowercase().replace(' ', "-"))) {
                    all.extend(rows.iter().map(|(below, _)| format!("{member}.{below}")));
                }
            }
        }
        all
    };
    sections.iter().map(|(name, rows)| ((*name).to_owned(), whole(rows))).collect()
}

/// Adds the paths of all members, as the page writes them.
fn add(value: &Value, path: &str, members: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                members.insert(if value.is_array() { format!("{path}[]") } else { path.clone() });
                if !OPEN.contains(&path.as_str()) {
                    add(value, &path, members);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| add(value, &format!("{path}[]"), members)),
        _ => {}
    }
}

/// The members that were seen, by section.
#[derive(Default)]
struct Seen(BTreeMap<String, BTreeSet<String>>);

impl Seen {
    /// Runs the tool, and notes the members of its answer.
    fn run(&mut self, section: &str, folder: &Path, arguments: &[&str]) {
        let output = tool(folder).args(arguments).arg("--json").output().expect("the tool starts");
        let said = String::from_utf8_lossy(&output.stdout);
        // The only answer that is no single object.
        let parts: Vec<&str> = if section == "logs" { said.lines().collect() } else { vec![&*said] };
        for part in parts {
            let answer: Value = serde_json::from_str(part).unwrap_or_else(|error| {
                panic!("{arguments:?}: {error}: {said}{}", String::from_utf8_lossy(&output.stderr))
            });
            add(&answer, "", self.0.entry(section.to_owned()).or_default());
        }
    }
}

/// A yml of two routes and a timer.
const YML: &str = "service: shop
provider: {name: aws-lambda, memorySize: 256, timeout: 5}
functions:
  order: {handler: shop.order, events: [{http: {path: '/orders/:id', method: get}}]}
  list: {handler: shop.list, events: [{http: {path: /orders, method: get}}]}
  tidy:
    handler: shop.tidy
    initTimeout: 20
    events: [{timer: {name: nightly, cron: 0 30 2 * * *}}]
";

/// A yml with mistakes, of which one has to do with two places.
const WRONG: &str = "service: shop\nservice: shop\nfunctionz: {}\n";

fn about_a_yml(seen: &mut Seen) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("it is written");
    write("serverless.yml", &format!("{YML}aggregation: {{web: {{functions: [order, list]}}}}\n"));
    write("before.yml", &YML.replace("/orders, method: get", "/all, method: get"));
    write("wrong.yml", WRONG);
    seen.run("plan", folder, &["plan"]);
    seen.run("plan", folder, &["plan", "--against", "before.yml"]);
    seen.run("explain", folder, &["explain", "order"]);
    seen.run("check", folder, &["check", "--file", "wrong.yml"]);
    for section in ["templates", "deploy"] {
        seen.run(section, folder, &[section]);
        seen.run(section, folder, &[section, "--file", "wrong.yml", "--platform", "aws"]);
    }
    seen.run("events list", folder, &["events", "list"]);
}

fn about_a_project(seen: &mut Seen) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = tool(folder.path()).args(["new", "greet", "--template", "c"]).status().expect("the tool starts");
    assert!(made.success());
    let folder = folder.path().join("greet");
    let runtime = artifacts::get().light_bootstrap().path.display().to_string();
    let package = ["package", "--linker", "cargo", "--runtime", &runtime, "--profile", "dev", "--platform"];
    seen.run("package", &folder, &[&package[..], &["http"]].concat());
    // It is not for a system that is so old.
    seen.run("package", &folder, &[&package[..], &["aws-lambda", "--glibc", "2.17"]].concat());
    let start = ["--platform", "http", "--glibc", "99.0", "--start", "--files"];
    seen.run("check", &folder, &[&["check", "dist/http/greet"], &start[..]].concat());
    seen.run("check", &folder, &["check", "hello.c"]);
    // A reply that is no text.
    let code = std::fs::read_to_string(folder.join("hello.c")).expect("it is there");
    std::fs::write(folder.join("hello.c"), code.replace("\"hello, \"", r#""\xff, ""#)).expect("it is written");
    seen.run("invoke", &folder, &["invoke", "--runtime", &runtime, "--platform", "http"]);
}

fn about_invocations(seen: &mut Seen) {
    let built = artifacts::get();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| built.module(name).display().to_string();
    let (runtime, monitor) = (built.light_bootstrap().path.display().to_string(), file("layer_monitor"));
    for (function, more) in [("hello", &["--platform", "http"][..]), ("faulty", &["--data", r#"{"do":"panic"}"#])] {
        let library = file(function);
        let start = ["invoke", "--runtime", &runtime, "--layers", &monitor, "--function", &library];
        seen.run("invoke", folder.path(), &[&start[..], more].concat());
    }
    let manifest = r#"{"version":1,"layers":["monitor"],"functions":[
        {"name":"hello","events":[{"http":{"path":"/hello"}}]},
        {"name":"faulty","events":[{"queue":{"source":"orders"}}]}]}"#;
    let rig = Rig::start(&[("shop", &["hello", "faulty", "layer_monitor"], manifest)], &[]);
    let url = format!("http://{}/", rig.address);
    let invoke = |seen: &mut Seen, more: &[&str]| {
        seen.run("invoke by a running dev", rig.folder.path(), &[&["invoke", "--url", &url], more].concat());
    };
    invoke(seen, &["--path", "/hello"]);
    invoke(seen, &["--function", "faulty", "--data", r#"{"do":"panic"}"#]);
    seen.run("logs", rig.folder.path(), &["logs", "--url", &url, "--no-follow"]);
    rig.leave();
    let bare = OnHttp::start(built.light_bootstrap(), Deployment::of("hello"), "hello");
    let url = format!("http://{}/", bare.address);
    seen.run("invoke at another server", folder.path(), &["invoke", "--url", &url, "--path", "/"]);
}

#[test]
fn every_answer_has_the_members_that_are_documented_and_no_others() {
    let mut seen = Seen::default();
    about_a_yml(&mut seen);
    about_a_project(&mut seen);
    about_invocations(&mut seen);
    let documented = documented();
    let mut wrong = Vec::new();
    for (section, members) in &seen.0 {
        let none = BTreeSet::new();
        let listed = documented.get(section).unwrap_or(&none);
        wrong.extend(members.difference(listed).map(|member| format!("{section}: {member} is not listed")));
        wrong.extend(listed.difference(members).map(|member| format!("{section}: no answer has {member}")));
    }
    assert!(wrong.is_empty(), "docs/json.md: {wrong:#?}");
    let parts = ["A diagnostic", "A finding", "A plan"];
    let unasked: Vec<_> =
        documented.keys().filter(|name| !seen.0.contains_key(*name) && !parts.contains(&name.as_str())).collect();
    assert!(unasked.is_empty(), "{unasked:?}");
}

#[test]
fn the_page_has_every_command_that_takes_json() {
    let documented = documented();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let help = |command: &[&str]| {
        let output = tool(folder.path()).args(command).arg("--help").output().expect("the tool starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let whole = help(&[]);
    let listed = whole.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    let commands: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let commands = commands.into_iter().filter(|name| !name.is_empty() && *name != "help");
    for command in commands.map(|name| vec![name]).chain([vec!["events", "list"]]) {
        // A manifest and a schema are JSON as they are.
        if command == ["manifest"] || command == ["schema"] || !help(&command).contains("--json") {
            continue;
        }
        assert!(documented.contains_key(&command.join(" ")), "{command:?}");
    }
}
