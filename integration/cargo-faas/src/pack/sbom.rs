//! A bill of materials in CycloneDX's JSON: every crate that a package was built from. It is made of what `cargo
//! metadata` resolves, so it may name a crate that the linker left out, and never leaves one out that is in the
//! package. It has neither the time nor the place: the same crates make the same text.

use crate::failure::Failure;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The version of CycloneDX.
const VERSION: &str = "1.5";

/// The description of crates by `cargo metadata`, and the packages that were built.
#[derive(Debug)]
pub(crate) struct Source {
    /// The answer of cargo.
    pub(crate) metadata: Value,
    /// The names of the packages that were built.
    pub(crate) packages: Vec<String>,
}

/// A file of the package.
#[derive(Debug)]
pub(crate) struct Described<'f> {
    /// The path of the file in the package.
    pub(crate) path: &'f str,
    /// The digest of the file, `sha256:…`.
    pub(crate) digest: String,
}

/// Returns the bill of the crates that `name` was built from. A version of `None` is not known, and is left out.
///
/// # Errors
/// Cargo's answer has another form than expected.
pub(crate) fn sbom(
    name: &str,
    version: Option<&str>,
    sources: &[Source],
    files: &[Described<'_>],
) -> Result<String, Failure> {
    let mut crates: BTreeMap<String, Value> = BTreeMap::new();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut direct = BTreeSet::new();
    for source in sources {
        walk(source, &mut crates, &mut edges, &mut direct)?;
    }
    let root = format!("package:{name}");
    let file = |file: &Described<'_>| {
        let content = file.digest.rsplit(':').next().unwrap_or_default();
        json!({
            "type": "file",
            "bom-ref": format!("file:{}", file.path),
            "name": file.path,
            "hashes": [{"alg": "SHA-256", "content": content}],
        })
    };
    let mut components: Vec<Value> = crates.into_values().collect();
    components.extend(files.iter().map(file));
    let mut dependencies = vec![json!({"ref": root, "dependsOn": direct})];
    dependencies.extend(edges.into_iter().map(|(reference, on)| json!({"ref": reference, "dependsOn": on})));
    let mut component = json!({"type": "application", "bom-ref": root, "name": name});
    if let Some(version) = version {
        component["version"] = version.into();
    }
    let text = json!({
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "version": 1,
        "metadata": {
            "component": component,
            "tools": {"components": [{
                "type": "application", "name": "cargo-faas", "version": env!("CARGO_PKG_VERSION"),
            }]},
        },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(format!("{text:#}\n"))
}

/// Returns the version of a package of the workspace itself; `None` if the workspace has no package of that name.
pub(crate) fn version<'m>(metadata: &'m Value, package: &str) -> Option<&'m str> {
    let mut all = metadata["packages"].as_array().into_iter().flatten();
    all.find(|one| one["name"] == *package && one["source"].is_null())?["version"].as_str()
}

/// Adds every crate that is reached from the packages by dependencies that are linked.
fn walk(
    source: &Source,
    crates: &mut BTreeMap<String, Value>,
    edges: &mut BTreeMap<String, BTreeSet<String>>,
    direct: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let failed = |what: &str| Failure::new("bill of materials", format!("cargo metadata says no {what}"));
    let packages = source.metadata["packages"].as_array().ok_or_else(|| failed("packages"))?;
    let by_id: BTreeMap<&str, &Value> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes = source.metadata["resolve"]["nodes"].as_array().ok_or_else(|| failed("resolve.nodes"))?;
    let nodes: BTreeMap<&str, &Value> = nodes.iter().filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let is_root =
        |package: &&Value| source.packages.iter().any(|name| package["name"] == **name) && package["source"].is_null();
    let mut open: Vec<&str> = packages.iter().filter(is_root).filter_map(|package| package["id"].as_str()).collect();
    direct.extend(open.iter().filter_map(|id| Some(reference(by_id.get(id)?))));
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let Some(package) = by_id.get(id).filter(|_| seen.insert(id)) else { continue };
        let linked: Vec<&str> = nodes.get(id).map(|node| linked(node)).unwrap_or_default();
        let on = edges.entry(reference(package)).or_default();
        on.extend(linked.iter().filter_map(|id| Some(reference(by_id.get(id)?))));
        crates.entry(reference(package)).or_insert_with(|| component(package));
        open.extend(linked);
    }
    Ok(())
}

/// Returns the dependencies of a crate that are neither for its tests nor for its build script.
fn linked(node: &Value) -> Vec<&str> {
    let is_normal = |dependency: &&Value| {
        dependency["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    let all = node["deps"].as_array().into_iter().flatten();
    all.filter(is_normal).filter_map(|dependency| dependency["pkg"].as_str()).collect()
}

fn reference(package: &Value) -> String {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    format!("pkg:cargo/{}@{}", text("name"), text("version").replace('+', "%2B"))
}

fn component(package: &Value) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    });
    if let Some(licence) = package["license"].as_str() {
        // Cargo still takes the old way to write a choice.
        let licence = licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
        component["licenses"] = json!([{"expression": licence}]);
    }
    if let Some(description) = package["description"].as_str() {
        component["description"] = json!(description.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    if let Some(repository) = package["repository"].as_str() {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Value {
        let package = |name: &str, source: Value| json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": source});
        let dependency = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        json!({
            "packages": [
                package("shop", Value::Null), package("serde", json!("registry")), package("cc", json!("registry")),
                package("other", Value::Null),
            ],
            "resolve": {"nodes": [
                {"id": "shop", "deps": [dependency("serde", Value::Null), dependency("cc", json!("build"))]},
                {"id": "serde", "deps": []},
                {"id": "cc", "deps": []},
                {"id": "other", "deps": [dependency("shop", Value::Null)]},
            ]},
        })
    }

    #[test]
    fn what_is_linked_is_in_it_and_nothing_else() {
        let source = Source { metadata: metadata(), packages: vec!["shop".to_owned()] };
        let file = Described { path: "bootstrap", digest: "sha256:ab".to_owned() };
        let text = sbom("shop", version(&source.metadata, "shop"), std::slice::from_ref(&source), &[file])
            .expect("it is made");
        let bill: Value = serde_json::from_str(&text).expect("it is JSON");
        let names: Vec<&Value> =
            bill["components"].as_array().expect("a list").iter().map(|component| &component["name"]).collect();
        assert_eq!(names, ["serde", "shop", "bootstrap"]);
        assert_eq!(bill["metadata"]["component"]["version"], "1.0.0");
        assert_eq!(bill["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"][0]["dependsOn"], json!(["pkg:cargo/shop@1.0.0"]));
    }

    #[test]
    fn an_answer_without_packages_is_an_error() {
        let source = Source { metadata: json!({}), packages: Vec::new() };
        let error = sbom("shop", None, &[source], &[]).expect_err("it says nothing").to_string();
        assert_eq!(error, "bill of materials: cargo metadata says no packages");
        let unknown = sbom("shop", None, &[], &[]).expect("it is made");
        assert!(!unknown.contains("\"version\": \"\"") && !unknown.contains("0.0.0"), "{unknown}");
    }
}
