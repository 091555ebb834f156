//! Small ymls, each with its findings and its result, kept beside it: `bad/x.yml` with `bad/x.txt`, and `good/x.yml`
//! with `good/x.txt` (its findings) and `good/x.json` (its manifests). `FAAS_REWRITE=1` writes them anew.

use serverless_spec::diagnostic::{Diagnostic, Diagnostics, Severity, render};
use serverless_spec::keys::{EventKey, KINDS, Object, SERVICE, Shape};
use serverless_spec::source::Sources;
use serverless_spec::tree::{Node, Value};
use serverless_spec::variables::Files;
use serverless_spec::{Input, Read, Spec, read};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The files beside a yml of the corpus.
#[derive(Debug)]
struct Beside(PathBuf);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "it is not there".to_owned(),
            other => other.to_string(),
        })
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn ymls(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    all.sort();
    all
}

/// Reads a yml of the corpus. A comment in its first line may give options: `# stage: prod`, `# platform: aws-lambda`.
fn read_file(path: &Path) -> Read {
    let text = std::fs::read(path).expect("a yml can be read");
    let first = String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned();
    let told = |key: &str| {
        let (_, rest) = first.strip_prefix('#')?.split_once(&format!("{key}: "))?;
        Some(rest.split_whitespace().next().unwrap_or_default().to_owned())
    };
    let environment = BTreeMap::from(
        [
            ("STAGE", "prod"),
            ("MEMORY", "256"),
            ("ID", "007"),
            ("EMPTY", ""),
            ("TABLE", "orders: {a: b}"),
            ("LIKE_A_SECRET", "${secret:given}"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let options = BTreeMap::from([("region".to_owned(), "eu-central-1".to_owned())]);
    let name = path.file_name().and_then(|name| name.to_str()).expect("its name is a text");
    let (stage, platform) = (told("stage"), told("platform"));
    read(&Input {
        name,
        text: &text,
        environment: &environment,
        options: &options,
        stage: stage.as_deref(),
        platform: platform.as_deref(),
        files: &Beside(path.parent().expect("it is in a folder").to_owned()),
    })
}

fn said(read: &Read) -> String {
    let show = |diagnostic: &Diagnostic| render(diagnostic, &read.sources, false);
    let mut out: String = read.diagnostics.iter().map(|diagnostic| show(diagnostic) + "\n\n").collect();
    if read.left_out > 0 {
        writeln!(out, "and {} more", read.left_out).expect("a text takes all");
    }
    out
}

fn manifests(spec: &Spec) -> String {
    let one = |unit| spec.manifest(unit).expect("a manifest can be written");
    spec.units.iter().map(one).collect()
}

/// Compares a text with the one that is kept, or keeps it. Returns the difference; `None` if there is none.
fn compare(path: &Path, made: &str) -> Option<String> {
    if std::env::var_os("FAAS_REWRITE").is_some() {
        if made.is_empty() {
            let _ = std::fs::remove_file(path);
        } else {
            std::fs::write(path, made).expect("a golden file can be written");
        }
        return None;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    (kept != made).then(|| format!("{}: expected\n{kept}\nfound\n{made}", path.display()))
}

#[test]
fn each_bad_yml_has_its_exact_diagnostics() {
    let mut wrong = Vec::new();
    for path in ymls(&folder("bad")) {
        let read = read_file(&path);
        let is_bad = read.diagnostics.iter().any(|diagnostic| diagnostic.severity < Severity::Note);
        if !is_bad {
            wrong.push(format!("{}: expected a mistake, found none", path.display()));
        }
        wrong.extend(compare(&path.with_extension("txt"), &said(&read)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_good_yml_has_its_manifests() {
    let mut wrong = Vec::new();
    for path in ymls(&folder("good")) {
        let read = read_file(&path);
        wrong.extend(compare(&path.with_extension("txt"), &said(&read)));
        let Some(spec) = &read.spec else {
            wrong.push(format!("{}: expected a service, found\n{}", path.display(), said(&read)));
            continue;
        };
        wrong.extend(compare(&path.with_extension("json"), &manifests(spec)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_runtimes_read_each_manifest() {
    for path in ymls(&folder("good")) {
        let read = read_file(&path);
        let spec = read.spec.unwrap_or_else(|| panic!("{}: expected a service", path.display()));
        for unit in &spec.units {
            let text = spec.manifest(unit).expect("a manifest can be written");
            let manifest = faas_core::manifest::Manifest::read(text.as_bytes());
            assert!(manifest.is_ok(), "{}: {:?}\n{text}", path.display(), manifest.err());
        }
    }
}

#[test]
fn a_mistake_lies_within_its_text() {
    for path in ymls(&folder("bad")) {
        let read = read_file(&path);
        for diagnostic in &read.diagnostics {
            let length = read.sources.text(diagnostic.span.file).len();
            assert!(diagnostic.span.end as usize <= length, "{}: {diagnostic:?}", path.display());
        }
    }
}

/// Adds the keys that a value uses, each with the path to it, without names and numbers.
fn used(shape: &Shape, node: &Node, path: &str, all: &mut BTreeSet<String>) {
    let below = |path: &str, name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let keys = |object: &'static Object, node: &Node, path: &str, all: &mut BTreeSet<String>| {
        for entry in node.as_map().into_iter().flat_map(|map| map.entries()) {
            if let Some(key) = object.key(&entry.key) {
                let path = below(path, key.name);
                used(&key.shape, &entry.value, &path, all);
                all.insert(path);
            }
        }
    };
    match (shape, &node.value) {
        (Shape::Object(object), _) => keys(object, node, path, all),
        (Shape::Map(_, of), Value::Map(map)) => {
            map.entries().iter().for_each(|entry| used(of, &entry.value, path, all));
        }
        (Shape::List(of) | Shape::OneOrMany(of), Value::List(list)) => {
            list.iter().for_each(|element| used(of, element, path, all));
        }
        (Shape::OneOrMany(of), _) => used(of, node, path, all),
        (Shape::Either(shapes), _) => shapes.iter().for_each(|shape| used(shape, node, path, all)),
        (Shape::Event, Value::Map(map)) => {
            for entry in map.entries() {
                if let Some(kind) = EventKey::of(&entry.key) {
                    let path = below(path, kind.word);
                    keys(kind.object, &entry.value, &path, all);
                    all.insert(path);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_good_ymls_use_every_key_and_every_event() {
    let mut all = BTreeSet::new();
    for path in ymls(&folder("good")) {
        let mut sources = Sources::new();
        let file = sources.add("yml", std::fs::read_to_string(&path).expect("a yml can be read"));
        let tree = serverless_spec::tree::read(&sources, file, &mut Diagnostics::default()).expect("it is YAML");
        used(&Shape::Object(&SERVICE), &tree, "", &mut all);
    }
    // Kinds without effect are warnings, and so among the bad ones.
    let served = || KINDS.iter().filter(|kind| kind.nothing.is_empty());
    let events = served().map(|kind| format!("functions.events.{}", kind.word));
    let is_served = |path: &String| match path.strip_prefix("functions.<name>.events[].") {
        Some(rest) => served().any(|kind| rest.split('.').next() == Some(kind.word)),
        None => true,
    };
    let keys = serverless_spec::explain::keys().into_iter().map(|place| place.path).filter(is_served);
    let missing: BTreeSet<String> = events
        .chain(keys)
        .map(|path| path.replace(".<name>", "").replace("[]", ""))
        .filter(|path| !all.contains(path))
        .collect();
    assert!(missing.is_empty(), "no good yml has {missing:#?}");
}

#[test]
fn the_schema_takes_each_good_yml() {
    let schema = serverless_spec::schema::schema();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("serverless.json", schema).expect("the schema is JSON");
    // Compiling checks the schema against the one of its draft.
    let index = compiler.compile("serverless.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
    for path in ymls(&folder("good")) {
        let mut sources = serverless_spec::source::Sources::new();
        let text = std::fs::read_to_string(&path).expect("a yml can be read");
        let file = sources.add("yml", text);
        let mut found = serverless_spec::diagnostic::Diagnostics::default();
        let tree = serverless_spec::tree::read(&sources, file, &mut found).expect("it is YAML");
        let json = serde_json::from_str(&tree.to_json(&sources)).expect("a tree is JSON");
        if let Err(error) = schemas.validate(&json, index) {
            panic!("{}: {error:#}", path.display());
        }
    }
}

#[test]
fn what_the_schema_refuses_is_wrong() {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("serverless.json", serverless_spec::schema::schema()).expect("the schema is JSON");
    let index = compiler.compile("serverless.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
    let mut refused = 0;
    for path in ymls(&folder("bad")) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let mut sources = serverless_spec::source::Sources::new();
        let file = sources.add("yml", text);
        let mut found = serverless_spec::diagnostic::Diagnostics::default();
        let Some(tree) = serverless_spec::tree::read(&sources, file, &mut found) else { continue };
        let json = serde_json::from_str(&tree.to_json(&sources)).expect("a tree is JSON");
        if schemas.validate(&json, index).is_err() {
            refused += 1;
            let read = read_file(&path);
            assert!(read.spec.is_none(), "{}: the schema refuses what is right", path.display());
        }
    }
    assert!(refused > 40, "{refused}");
}
