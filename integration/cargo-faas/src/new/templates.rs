//! The files of the templates. `@NAME@` in them is the project's name, `@LIB@` its library's, `@VARIABLE@` the same in
//! capitals, `@SDK@` where cargo finds the SDK, and `@PROFILE@` how it is built for shipping, which is the workspace's
//! where there is one.

use clap::ValueEnum;

/// The thing that `new` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Template {
    /// A function that answers HTTP requests
    Http,
    /// A function that takes the messages of a queue, one at a time
    Event,
    /// A class: several functions around one instance
    Class,
    /// A layer, with a function to try it with
    Layer,
    /// Routes, a timer, a queue and two layers, with a serverless.yml
    Service,
    /// An axum application as a function
    Axum,
    /// A function in C
    C,
    /// A function in Go
    Go,
}

/// A file of a template: its path in the project, and its text.
pub(super) type File = (&'static str, &'static str);

/// The contract, of which projects in C and Go have a copy. The template is a link to it, so that it also is in the
/// archive of this crate.
const HEADER: File = ("include/faas.h", include_str!("templates/faas.h"));

const IGNORED: File = (".gitignore", include_str!("templates/gitignore"));

/// The manifest of a crate, for all but axum's, which depends on more.
const MANIFEST: &str = include_str!("templates/Cargo.toml.in");

/// The release profile of a crate that is no member of a workspace.
pub(super) const PROFILE: &str = include_str!("templates/profile.toml");

/// The files that all templates in Rust have, by the template's folder.
macro_rules! rust {
    ($folder:literal $(, $path:literal)*) => { rust!($folder, manifest MANIFEST $(, $path)*) };
    ($folder:literal, manifest $manifest:expr $(, $path:literal)*) => {
        &[
            ("Cargo.toml", $manifest),
            ("src/lib.rs", include_str!(concat!("templates/", $folder, "/lib.rs"))),
            ("README.md", include_str!(concat!("templates/", $folder, "/README.md"))),
            IGNORED,
            $(($path, include_str!(concat!("templates/", $folder, "/", $path))),)*
        ]
    };
}

impl Template {
    /// Returns the files of the template.
    pub(super) fn files(self) -> &'static [File] {
        match self {
            Template::Http => rust!("http"),
            Template::Event => rust!("event"),
            Template::Class => rust!("class"),
            Template::Layer => rust!("layer"),
            Template::Service => rust!("service", "serverless.yml"),
            Template::Axum => rust!("axum", manifest include_str!("templates/axum/Cargo.toml.in")),
            Template::C => &[
                ("hello.c", include_str!("templates/c/hello.c")),
                ("test/hello_test.c", include_str!("templates/c/hello_test.c")),
                ("README.md", include_str!("templates/c/README.md")),
                IGNORED,
                HEADER,
            ],
            Template::Go => &[
                ("go.mod", include_str!("templates/go/go.mod.in")),
                ("hello.go", include_str!("templates/go/hello.go")),
                ("hello_test.go", include_str!("templates/go/hello_test.go")),
                ("module.c", include_str!("templates/go/module.c")),
                // These two are the same in each module of Go's: links to those of the example.
                ("module.h", include_str!("templates/go/module.h")),
                ("exports.map", include_str!("templates/go/exports.map")),
                ("README.md", include_str!("templates/go/README.md")),
                IGNORED,
                HEADER,
            ],
        }
    }

    /// Returns the command that runs the project's own test.
    pub(super) fn test(self) -> &'static str {
        match self {
            Template::C => {
                "mkdir -p target && cc -std=c11 -Wall -Wextra -I include -o target/test test/hello_test.c && target/test"
            }
            Template::Go => "go test ./...",
            _ => "cargo test",
        }
    }

    /// Returns `true` if it is a crate of cargo's.
    pub(super) fn is_rust(self) -> bool {
        !matches!(self, Template::C | Template::Go)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_readme_begins_with_the_test() {
        for template in Template::value_variants() {
            let readme = template.files().iter().find(|(path, _)| *path == "README.md").expect("it has one").1;
            let first = readme.lines().find_map(|line| line.strip_prefix("$ "));
            assert_eq!(first, Some(template.test()), "{template:?}");
        }
    }

    #[test]
    fn no_template_holds_a_place_that_nothing_fills() {
        for template in Template::value_variants() {
            for (path, text) in template.files() {
                let marks = text.split('@').skip(1).step_by(2);
                for mark in marks.filter(|mark| !mark.is_empty() && mark.bytes().all(|byte| byte.is_ascii_uppercase()))
                {
                    assert!(
                        ["NAME", "LIB", "VARIABLE", "SDK", "PROFILE"].contains(&mark),
                        "{template:?}, {path}: @{mark}@"
                    );
                }
            }
        }
    }
}
