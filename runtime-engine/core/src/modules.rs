//! Finds the library that the name of a function or layer means, in the folders where it may lie. Files are seen
//! through [`Files`]; nothing is opened here.

use std::fmt;
use std::path::{Path, PathBuf};

/// The part of the file system that the search needs.
pub trait Files {
    /// Returns `true` if there is something at this path. Whether it is a library, the loader finds out.
    fn exists(&self, path: &Path) -> bool;
    /// Returns the names in a folder; empty if it is not a folder.
    fn names(&self, folder: &Path) -> Vec<String>;
}

/// The name of a function or layer: `library.entry`, or one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The library's name without `lib` and `.so`.
    pub library: String,
    /// The entry's name in it.
    pub entry: Option<String>,
}

/// A name or a search that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// The name is not one.
    BadName {
        /// The name as it was written.
        name: String,
        /// The fault of it.
        why: &'static str,
    },
    /// No file has that name.
    NoFile {
        /// The thing that was looked for: `function` or `layer`.
        what: &'static str,
        /// The name that was looked for.
        name: String,
        /// Every path that was looked at.
        looked: Vec<PathBuf>,
    },
    /// No name was given, and the folder does not hold exactly one module.
    NotOne {
        /// The folders that were looked into.
        folders: Vec<PathBuf>,
        /// The names of the modules in them.
        found: Vec<String>,
    },
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotFound::BadName { name, why } => {
                write!(f, "{name:?} is no name of a function or layer: {why}; expected `library.name` or `library`")
            }
            NotFound::NoFile { what, name, looked } => {
                write!(f, "no library for {what} {name:?}; looked for ")?;
                for (index, path) in looked.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, path.display())?;
                }
                Ok(())
            }
            NotFound::NotOne { folders, found } => {
                write!(f, "no function is named (FAAS_HANDLER, or the platform's handler), and ")?;
                if found.is_empty() {
                    f.write_str("there is no module in ")?;
                } else {
                    write!(f, "there are several modules ({}) in ", found.join(", "))?;
                }
                for (index, path) in folders.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { " or " }, path.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for NotFound {}

impl Name {
    /// Reads a handler text.
    ///
    /// # Errors
    /// The name is empty, or holds a part that could leave the folder.
    pub fn parse(text: &str) -> Result<Name, NotFound> {
        let (library, entry) = Name::split(text).map_err(|why| NotFound::BadName { name: text.to_owned(), why })?;
        Ok(Name { library: library.to_owned(), entry: entry.map(str::to_owned) })
    }

    /// Returns the library and the entry of a handler text, or the fault of it.
    pub(crate) fn split(text: &str) -> Result<(&str, Option<&str>), &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.contains("..") {
            return Err("it holds `..`, and libraries are only loaded from the function's own folders");
        }
        if text.contains(['/', '\\', '\0']) {
            return Err("it holds a path separator, and libraries are only loaded from the function's own folders");
        }
        let (library, entry) = match text.split_once('.') {
            None => (text, None),
            Some((library, entry)) => (library, Some(entry)),
        };
        if library.is_empty() || entry.is_some_and(str::is_empty) {
            return Err("a part of it is empty");
        }
        Ok((library, entry))
    }
}

/// The folders a process looks in.
#[derive(Clone, Debug)]
pub struct Roots {
    /// The folder of the task: `LAMBDA_TASK_ROOT`, `FAAS_ROOT`, or the folder in which the process was started.
    pub task: PathBuf,
}

impl Roots {
    /// Returns the library of a function, and the function's name in it if the name has one. Without a name it is the
    /// only module there is.
    ///
    /// # Errors
    /// The message says what was looked for, and where.
    pub fn function(&self, name: Option<&Name>, files: &dyn Files) -> Result<(PathBuf, Option<String>), NotFound> {
        let folders = [self.task.clone(), self.task.join("functions")];
        let Some(name) = name else { return self.only(&folders[1], files).map(|path| (path, None)) };
        let path = search("function", &name.library, &folders, &["lib{}.so", "{}.so"], files)?;
        Ok((path, name.entry.clone()))
    }

    /// Returns the library of a layer.
    ///
    /// # Errors
    /// The message says what was looked for, and where.
    pub fn layer(&self, name: &Name, files: &dyn Files) -> Result<PathBuf, NotFound> {
        // A library of functions may have layers beside them. Its folder comes last: most layers are where layers are.
        let [layers, functions] = ["layers", "functions"].map(|folder| self.task.join(folder));
        let folders = [self.task.clone(), layers, PathBuf::from("/opt/layers"), functions];
        search("layer", &name.library, &folders, &["liblayer_{}.so", "lib{}.so"], files)
    }

    fn only(&self, folder: &Path, files: &dyn Files) -> Result<PathBuf, NotFound> {
        let modules = |folder: &Path| -> Vec<String> {
            let mut sorted: Vec<String> = Vec::new();
            for name in files.names(folder) {
                if name.ends_with(".so") && !name.starts_with("liblayer_") {
                    sorted.insert(sorted.partition_point(|other| *other < name), name);
                }
            }
            sorted
        };
        let found = modules(folder);
        match &found[..] {
            [one] => Ok(folder.join(one)),
            _ => Err(NotFound::NotOne { folders: vec![folder.to_owned()], found }),
        }
    }
}

fn search(
    what: &'static str,
    name: &str,
    folders: &[PathBuf],
    patterns: &[&str],
    files: &dyn Files,
) -> Result<PathBuf, NotFound> {
    // Cargo writes `-` of a package's name as `_` into the file's.
    let spelt = name.replace('-', "_");
    let names: &[&str] = if spelt == name { &[name] } else { &[&spelt, name] };
    let mut looked = Vec::new();
    for folder in folders {
        for pattern in patterns {
            for name in names {
                let path = folder.join(pattern.replace("{}", name));
                if files.exists(&path) {
                    return Ok(path);
                }
                looked.push(path);
            }
        }
    }
    Err(NotFound::NoFile { what, name: name.to_owned(), looked })
}

/// Picks an entry out of those that a module offers: the named one, else the one called `handler`, else the only one.
///
/// # Errors
/// The text lists the entries that there are.
pub fn pick<'a>(
    what: &str,
    offered: impl Iterator<Item = &'a str> + Clone,
    wanted: Option<&str>,
) -> Result<usize, String> {
    let list = |offered: &dyn Fn() -> Vec<&'a str>| {
        let names = offered();
        if names.is_empty() { format!("it offers no {what}") } else { format!("it offers: {}", names.join(", ")) }
    };
    let all = || offered.clone().collect::<Vec<_>>();
    if let Some(wanted) = wanted {
        return offered
            .clone()
            .position(|name| name == wanted)
            .ok_or_else(|| format!("no {what} {wanted:?} in it; {}", list(&all)));
    }
    if let Some(index) = offered.clone().position(|name| name == "handler") {
        return Ok(index);
    }
    match offered.clone().count() {
        1 => Ok(0),
        _ => Err(format!("no {what} is named, and {}; name one as `library.{what}`", list(&all))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(&'static [&'static str]);

    impl Files for Tree {
        fn exists(&self, path: &Path) -> bool {
            self.0.iter().any(|file| Path::new(file) == path)
        }

        fn names(&self, folder: &Path) -> Vec<String> {
            self.0
                .iter()
                .filter(|file| Path::new(file).parent() == Some(folder))
                .map(|file| Path::new(file).file_name().unwrap().to_string_lossy().into_owned())
                .collect()
        }
    }

    fn roots() -> Roots {
        Roots { task: PathBuf::from("/var/task") }
    }

    #[test]
    fn a_dot_separates_library_and_function() {
        assert_eq!(Name::parse("shop.order"), Ok(Name { library: "shop".into(), entry: Some("order".into()) }));
        assert_eq!(Name::parse("shop"), Ok(Name { library: "shop".into(), entry: None }));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        for name in ["", "../x", "a/b", "x..y", ".x", "x.", "a\0b"] {
            assert!(matches!(Name::parse(name), Err(NotFound::BadName { .. })), "{name:?}");
        }
    }

    #[test]
    fn functions_and_layers_are_found_in_their_folders_in_order() {
        let tree = Tree(&["/var/task/functions/libmy_shop.so", "/var/task/layers/liblayer_monitor.so"]);
        let name = Name::parse("my-shop.order").unwrap();
        let (path, entry) = roots().function(Some(&name), &tree).unwrap();
        assert_eq!((path.to_str().unwrap(), entry.as_deref()), ("/var/task/functions/libmy_shop.so", Some("order")));
        let layer = roots().layer(&Name::parse("monitor").unwrap(), &tree).unwrap();
        assert_eq!(layer.to_str().unwrap(), "/var/task/layers/liblayer_monitor.so");
        let beside_functions = roots().layer(&Name::parse("my-shop.guard").unwrap(), &tree).unwrap();
        assert_eq!(beside_functions.to_str().unwrap(), "/var/task/functions/libmy_shop.so");
    }

    #[test]
    fn what_was_looked_for_and_where_is_in_the_error() {
        let error = roots().function(Some(&Name::parse("shop").unwrap()), &Tree(&[])).unwrap_err().to_string();
        assert_eq!(
            error,
            "no library for function \"shop\"; looked for /var/task/libshop.so, /var/task/shop.so, /var/task/functions/libshop.so, /var/task/functions/shop.so"
        );
    }

    #[test]
    fn without_a_name_the_only_module_serves() {
        let (path, _) = roots().function(None, &Tree(&["/var/task/functions/liba.so"])).unwrap();
        assert_eq!(path.to_str().unwrap(), "/var/task/functions/liba.so");
        let error = roots().function(None, &Tree(&["/var/task/functions/liba.so", "/var/task/functions/b.so"]));
        assert!(error.unwrap_err().to_string().contains("several modules (b.so, liba.so) in /var/task/functions"));
    }

    #[test]
    fn an_entry_is_picked_by_name_or_as_the_only_one() {
        assert_eq!(pick("function", ["a", "handler"].into_iter(), None), Ok(1));
        assert_eq!(pick("function", ["a"].into_iter(), None), Ok(0));
        assert_eq!(pick("function", ["a", "b"].into_iter(), Some("b")), Ok(1));
        assert_eq!(
            pick("function", ["a", "b"].into_iter(), Some("c")).unwrap_err(),
            "no function \"c\" in it; it offers: a, b"
        );
        assert_eq!(
            pick("function", ["a", "b"].into_iter(), None).unwrap_err(),
            "no function is named, and it offers: a, b; name one as `library.function`"
        );
    }
}
