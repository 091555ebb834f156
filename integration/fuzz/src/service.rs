//! The whole way from the bytes of a yml to manifests: an accepted yml gives manifests that the runtime reads, with
//! each function where the plan says; a refused one has an error that lies in its text and can be shown.

use faas_core::manifest::Manifest;
use faas_core::secrets::LookUp;
use serverless_spec::diagnostic::{Severity, render};
use serverless_spec::plan::Plan;
use serverless_spec::variables::Files;
use serverless_spec::{Input, Read, Spec, read};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
struct OneFile;

impl Files for OneFile {
    fn read(&self, path: &str) -> Result<String, String> {
        if path == "a.yml" { Ok("b: {c: [1, two]}\n".to_owned()) } else { Err("it is not there".to_owned()) }
    }
}

/// Reads `text`, and checks the result.
pub fn check(text: &[u8]) {
    let environment = BTreeMap::from([("A".to_owned(), "1: {b: 2}".to_owned()), ("UDEV_B".to_owned(), "c".to_owned())]);
    let options = BTreeMap::from([("c".to_owned(), "d".to_owned())]);
    let input = Input {
        name: "serverless.yml",
        text,
        environment: &environment,
        options: &options,
        stage: None,
        platform: None,
        files: &OneFile,
    };
    let read = read(&input);
    shown(&read);
    let has_error = read.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    match &read.spec {
        Some(spec) => {
            assert!(!has_error);
            made(spec);
        }
        None => assert!(has_error || read.left_out > 0, "refused without a word"),
    }
}

fn shown(read: &Read) {
    for diagnostic in &read.diagnostics {
        for span in diagnostic.others.iter().map(|(span, _)| *span).chain([diagnostic.span]) {
            let text = read.sources.text(span.file);
            assert!(span.start <= span.end && span.end as usize <= text.len(), "{diagnostic:?}");
            let place = read.sources.place(span);
            assert!(place.line >= 1 && place.column >= 1);
        }
        assert!(render(diagnostic, &read.sources, false).contains(diagnostic.code));
    }
}

fn made(spec: &Spec) {
    let plan = Plan::of(spec);
    assert_eq!(plan.units.len(), spec.units.len());
    let mut owned = BTreeSet::new();
    for owner in &plan.owners {
        assert!(owned.insert((&owner.what, &owner.unit)), "{owner:?} is there twice in one unit");
    }
    for unit in spec.units.iter().filter(|unit| !unit.members.is_empty()) {
        let text = spec.manifest(unit).expect("a manifest can be written");
        match Manifest::read(text.as_bytes()) {
            Ok(mut manifest) => {
                // Its secrets, if it has any, can be looked for.
                let filled = manifest.fill_secrets(&|name| LookUp::Found(format!("the secret {name:?}\n")));
                filled.unwrap_or_else(|failure| panic!("{failure}\n{text}"));
                let names: Vec<&str> = manifest.functions.iter().map(|function| function.name.as_str()).collect();
                let members: Vec<&str> =
                    unit.members.iter().map(|number| spec.service.functions[*number].name.as_str()).collect();
                assert_eq!(names, members);
            }
            Err(mistakes) => panic!("the runtime refuses a manifest: {}\n{text}", mistakes[0]),
        }
    }
    assert!(plan.difference(&Plan::of(spec)) == serverless_spec::plan::Difference::default());
}
