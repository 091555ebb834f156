//! The command `new`: a project that compiles, passes its own test, and runs.

mod member;
mod templates;

use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use templates::{PROFILE, Template};

/// The names that are keywords of Rust, or crates that a project depends on under these names.
const TAKEN: [&str; 60] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "axum",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "handlers_sdk",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
    "main",
];

/// Make a project: a crate, or a folder in C or Go
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Its name, and that of its folder
    #[arg(value_parser = name)]
    name: String,

    /// What it is
    #[arg(long, short, value_enum, default_value = "http")]
    template: Template,

    /// The folder that it is made in [default: this one]
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

/// Checks a name: letters, digits, `-` and `_`, which cargo takes and handlers can name.
fn name(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !is_plain || !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err("expected a letter, then letters, digits, `-` and `_`".to_owned());
    }
    if text.len() > 64 {
        return Err(format!("expected at most 64 characters, found {}", text.len()));
    }
    if TAKEN.contains(&text.replace('-', "_").to_ascii_lowercase().as_str()) {
        return Err("the name is taken, by a word of Rust's or a crate that the project uses".to_owned());
    }
    Ok(text.to_owned())
}

impl New {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let place = self.path.clone().unwrap_or_else(|| PathBuf::from("."));
        let folder = place.join(&self.name);
        if folder.symlink_metadata().is_ok() {
            let why = format!("{} is there already; give another name, or another folder by --path", folder.display());
            return Err(Failure::new("new", why));
        }
        let workspace = if self.template.is_rust() { member::workspace_of(&place)? } else { None };
        self.write(&folder, workspace.is_none())?;
        screen.head("made", &format!("{}: {}", shown(&folder), self.files().join(", ")));
        if let Some(workspace) = workspace {
            screen.head("workspace", &member::add(&workspace, &folder)?);
        }
        if self.template.is_rust() && sdk_folder(&source()).is_none() {
            screen.head("note", &unpublished());
        }
        screen.head("next", &format!("cd {}, then: {}, cargo faas invoke", shown(&folder), self.template.test()));
        Ok(ExitCode::SUCCESS)
    }

    fn files(&self) -> Vec<&'static str> {
        self.template.files().iter().map(|(path, _)| *path).collect()
    }

    /// Writes all files. If one cannot be written, those before it are removed.
    fn write(&self, folder: &Path, is_alone: bool) -> Result<(), Failure> {
        let sdk = sdk(&source());
        for (path, text) in self.template.files() {
            let text = text
                .replace("@NAME@", &self.name)
                .replace("@LIB@", &self.name.replace('-', "_"))
                .replace("@VARIABLE@", &self.name.replace('-', "_").to_ascii_uppercase())
                .replace("@SDK@", &sdk)
                .replace("@PROFILE@\n", if is_alone { PROFILE } else { "" });
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
            if let Err(error) = written {
                // The folder was not there before, so all in it is of this command.
                let _ = std::fs::remove_dir_all(folder);
                return Err(Failure::new("new", format!("{}: {error}", path.display())));
            }
        }
        Ok(())
    }
}

fn shown(folder: &Path) -> String {
    folder.strip_prefix(".").unwrap_or(folder).display().to_string()
}

/// Returns the checkout that this tool was built from, which need not be there.
fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the folder of the SDK in a checkout; `None` if it is not there.
fn sdk_folder(source: &Path) -> Option<PathBuf> {
    let folder = source.join("handlers-sdk").canonicalize().ok()?;
    folder.join("Cargo.toml").is_file().then_some(folder)
}

/// Returns the dependency on the SDK: its path in a checkout, else its version.
fn sdk(source: &Path) -> String {
    match sdk_folder(source) {
        Some(folder) => format!("path = {:?}", folder.display().to_string()),
        None => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
    }
}

/// Returns the note for a project that names the SDK by its version, under which no registry has it so far.
fn unpublished() -> String {
    format!(
        "handlers-sdk {} is published nowhere, and the repository that this tool is built from is gone: name the SDK in \
         Cargo.toml by the path of a checkout",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cargo_and_handlers_can_say() {
        for right in ["shop", "my-shop", "Shop_2"] {
            assert_eq!(name(right), Ok(right.to_owned()));
        }
        for wrong in ["", "2nd", "-x", "a.b", "a b", "../x", "café", "fn", "handlers-sdk", "self"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
        assert!(name(&"x".repeat(65)).unwrap_err().contains("found 65"));
    }

    #[test]
    fn the_sdk_is_the_checkouts_where_there_is_one() {
        let here = sdk(&source());
        assert!(here.starts_with("path = \"/"), "{here}");
        let gone = Path::new("/nowhere");
        assert_eq!((sdk_folder(gone), sdk(gone)), (None, format!("version = {:?}", env!("CARGO_PKG_VERSION"))));
    }
}
