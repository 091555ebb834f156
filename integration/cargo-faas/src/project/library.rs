//! A shared library and its declarations: its functions with their events, and its layers. A runtime is asked, in a
//! process of its own (`bootstrap --describe`), so that no code of a library runs inside the tool.

use crate::failure::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A built library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Library {
    /// The package that made it; `None` for a file that was there already and for one that cargo did not make.
    pub(crate) package: Option<String>,
    /// The name of the file without `lib` and `.so`, which is the part of a handler before the dot.
    pub(crate) name: String,
    /// The path of the file.
    pub(crate) path: PathBuf,
    /// The declarations of the library.
    pub(crate) declared: Declared,
}

/// The declarations of a library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    /// The functions, by their names.
    pub(crate) functions: Vec<DeclaredFunction>,
    /// The layers, in the library's order.
    pub(crate) layers: Vec<DeclaredLayer>,
}

/// A function of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeclaredFunction {
    /// The name of the function, which is the part of a handler behind the dot.
    pub(crate) name: String,
    /// The group of the function. Functions of one library with the same group are the methods of one class. It is
    /// empty if the function stands alone.
    pub(crate) group: String,
    /// The events that it is written for, each in the form of an element of a manifest's `events`; empty for any event.
    pub(crate) triggers: Vec<Value>,
    /// `true` if it serves the events that no other function of its library serves.
    pub(crate) is_default: bool,
}

/// A layer of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeclaredLayer {
    /// The name of the layer.
    pub(crate) name: String,
    /// `true` if it may not be optional.
    pub(crate) is_required: bool,
}

/// The purpose of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LibraryKind {
    /// It declares functions, and maybe layers.
    Functions,
    /// It declares layers alone.
    Layers,
}

impl Library {
    /// Asks a runtime of this machine for the declarations of a library.
    ///
    /// # Errors
    /// The library is no module, does not fit the runtime, or is for another machine; the runtime cannot be started.
    pub(crate) fn load(path: &Path, package: Option<String>, runtime: &Path) -> Result<Library, Failure> {
        let mut declared = declared(path, runtime)?;
        // The order of a class's functions is the linker's choice, and differs from build to build.
        declared.functions.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Library { package, name: name_of(path), path: path.to_owned(), declared })
    }

    /// Returns the purpose of the library.
    pub(crate) fn kind(&self) -> LibraryKind {
        if self.declared.functions.is_empty() { LibraryKind::Layers } else { LibraryKind::Functions }
    }

    /// Returns the name by which layers are named: the library's without `layer_`.
    pub(crate) fn layer_name(&self) -> &str {
        self.name.strip_prefix("layer_").unwrap_or(&self.name)
    }

    /// Returns its place in a package, from the root: `libshop.so`, `layers/liblayer_auth.so`.
    pub(crate) fn place(&self) -> String {
        match self.kind() {
            LibraryKind::Functions => format!("lib{}.so", self.name),
            LibraryKind::Layers => format!("layers/liblayer_{}.so", self.layer_name()),
        }
    }

    /// Returns `true` if this library is meant by the first part of a handler: `my-shop` means `my_shop` as well.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.name == name.replace('-', "_")
    }

    /// Returns `true` if this library is meant by the first part of a layer's name.
    pub(crate) fn is_layer_called(&self, name: &str) -> bool {
        !self.declared.layers.is_empty() && (self.is_called(name) || self.layer_name() == name.replace('-', "_"))
    }
}

/// Returns the name of a library in its file's name. A dot would separate library and function.
pub(crate) fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_prefix("lib").unwrap_or(&stem).replace('.', "_")
}

fn declared(path: &Path, runtime: &Path) -> Result<Declared, Failure> {
    let failed = |why: String| Failure::new("library", why);
    let output = Command::new(runtime)
        .arg("--describe")
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("{} cannot be started: {error}", runtime.display())))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim_end();
        // The runtime's own name before its words is of no use here.
        let said = said.split_once("bootstrap: ").map_or(said, |(_, said)| said);
        let why = if said.is_empty() { format!("{}: {}", path.display(), output.status) } else { said.to_owned() };
        return Err(failed(why));
    }
    // A library may write a line of its own when it is loaded; the answer is the last line.
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().last().and_then(read);
    let why = || format!("{} does not say what {} declares: is it older?", runtime.display(), path.display());
    answer.ok_or_else(|| failed(why()))
}

fn read(line: &str) -> Option<Declared> {
    let answer: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let functions = answer["functions"].as_array()?.iter().map(|function| {
        Some(DeclaredFunction {
            name: text(&function["name"])?,
            group: text(&function["group"]).unwrap_or_default(),
            triggers: function["triggers"].as_array().cloned().unwrap_or_default(),
            is_default: function["isDefault"].as_bool().unwrap_or(false),
        })
    });
    let layers = answer["layers"].as_array()?.iter().map(|layer| {
        Some(DeclaredLayer { name: text(&layer["name"])?, is_required: layer["isRequired"].as_bool().unwrap_or(false) })
    });
    Some(Declared { functions: functions.collect::<Option<_>>()?, layers: layers.collect::<Option<_>>()? })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns a library with functions and layers of these names.
    pub(crate) fn library(name: &str, functions: &[&str], layers: &[&str]) -> Library {
        let function = |name: &&str| DeclaredFunction {
            name: (*name).to_owned(),
            group: String::new(),
            triggers: Vec::new(),
            is_default: false,
        };
        let layer = |name: &&str| DeclaredLayer { name: (*name).to_owned(), is_required: false };
        let declared = Declared {
            functions: functions.iter().map(function).collect(),
            layers: layers.iter().map(layer).collect(),
        };
        let path = PathBuf::from(format!("/t/lib{name}.so"));
        Library { package: Some(name.replace('_', "-")), name: name.to_owned(), path, declared }
    }

    #[test]
    fn libraries_lie_where_the_runtimes_look_for_them() {
        assert_eq!(library("shop", &["order"], &["auth"]).place(), "libshop.so");
        assert_eq!(library("layer_auth", &[], &["auth"]).place(), "layers/liblayer_auth.so");
        assert_eq!(library("auth", &[], &["auth"]).place(), "layers/liblayer_auth.so");
    }

    #[test]
    fn names_are_those_of_files_with_dashes_or_without() {
        assert_eq!(name_of(Path::new("/t/libmy_shop.so")), "my_shop");
        assert_eq!(name_of(Path::new("./my.v2.so")), "my_v2");
        let shop = library("my_shop", &["order"], &[]);
        assert!(shop.is_called("my-shop") && shop.is_called("my_shop") && !shop.is_called("shop"));
        let layer = library("layer_rate_limit", &[], &["limit"]);
        assert!(layer.is_layer_called("rate-limit") && layer.is_layer_called("layer-rate-limit"));
        assert!(!shop.is_layer_called("my-shop"), "it has no layer");
    }

    #[test]
    fn an_answer_without_functions_or_layers_is_none() {
        let whole = r#"{"functions":[{"name":"a","triggers":[{"http":true}]}],"layers":[{"name":"l"}]}"#;
        let declared = read(whole).unwrap();
        assert_eq!(declared.functions[0].triggers, [serde_json::json!({"http": true})]);
        assert_eq!(declared.layers[0].name, "l");
        assert!(read("{}").is_none() && read("hello").is_none());
    }
}
