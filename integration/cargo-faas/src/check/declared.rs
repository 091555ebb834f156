//! Checks that the libraries of a package have the functions and layers that its manifest names. The package's own
//! runtime is asked, in a process of its own, so no code of a library runs inside the tool. It has to be for this
//! machine.

use super::finding::Findings;
use crate::package::contents::Contents;
use crate::package::layout::MANIFEST;
use crate::package::platforms::PROGRAM;
use crate::project::library::{Declared, Library};
use faas_core::manifest::Manifest;
use faas_core::modules::{Name, Roots, pick};
use faas_core::settings::LayerName;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Checks the functions and layers that the manifest of a package names. `root` is the folder of its files.
pub(crate) fn check(contents: &Contents, root: &Path, found: &mut Findings) {
    let Some(manifest) = contents.file(MANIFEST).and_then(|file| Manifest::read(&file.bytes).ok()) else { return };
    let roots = Roots { task: PathBuf::new() };
    let mut libraries = Libraries { root, asked: BTreeMap::new() };
    for function in &manifest.functions {
        let Ok(name) = Name::parse(&function.handler) else { continue };
        let Ok((path, entry)) = roots.function(Some(&name), contents) else { continue };
        let Some(declared) = libraries.declared(&path, found) else { continue };
        let offered = declared.functions.iter().map(|function| function.name.as_str());
        if let Err(why) = pick("function", offered, entry.as_deref()) {
            let message = format!("function {}: {}: {why}", function.name, path.display());
            found.error("no-function", MANIFEST, message);
        }
    }
    let own = manifest.functions.iter().flat_map(|function| &function.layers);
    for layer in manifest.layers.iter().chain(own) {
        let path = Name::parse(&layer.name).and_then(|name| Ok((roots.layer(&name, contents)?, name)));
        let Ok((path, name)) = path else { continue };
        let Some(declared) = libraries.declared(&path, found) else { continue };
        self::layer(layer, &name, &path, declared, found);
    }
}

fn layer(layer: &LayerName, name: &Name, path: &Path, declared: &Declared, found: &mut Findings) {
    let offered = declared.layers.iter().map(|layer| layer.name.as_str());
    let wanted = name.entry.as_deref().or_else(|| offered.clone().find(|offered| *offered == name.library));
    match pick("layer", offered, wanted) {
        Err(why) => {
            found.error("no-layer", MANIFEST, format!("layer {}: {}: {why}", layer.name, path.display()));
        }
        Ok(index) if declared.layers[index].is_required && !layer.required => {
            let message = format!("layer {} is optional here, which that layer does not allow", layer.name);
            found.error("layer-required", MANIFEST, message).help("leave out `optional`, or `?`");
        }
        Ok(_) => {}
    }
}

/// The declarations of libraries, each asked once.
struct Libraries<'r> {
    root: &'r Path,
    asked: BTreeMap<PathBuf, Option<Declared>>,
}

impl Libraries<'_> {
    fn declared(&mut self, path: &Path, found: &mut Findings) -> Option<&Declared> {
        let root = self.root;
        let ask = || match Library::load(&root.join(path), None, &root.join(PROGRAM)) {
            Ok(library) => Some(library.declared),
            Err(why) => {
                let why = why.to_string().replace(&format!("{}/", root.display()), "");
                found.error("cannot-be-loaded", &path.display().to_string(), why);
                None
            }
        };
        self.asked.entry(path.to_owned()).or_insert_with(ask).as_ref()
    }
}
