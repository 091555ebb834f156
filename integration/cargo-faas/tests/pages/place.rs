//! The places where commands of pages run: folders outside of the repository, and an environment in which `cargo faas`
//! is this tool.

use super::page::{Block, Page};
use integration::artifacts;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The content of the folder that a page begins in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// The folder is this repository.
    Repository,
    /// The service of docs/deploying.md: a yml, and a library `shop` with the function `order`.
    Service,
    /// The folder has nothing but the yml that the page shows.
    Yml,
    /// The folder has links to the repository's files, so that new files stay out of it.
    Files,
}

impl Room {
    /// Returns the kind of folder of a page.
    pub(crate) fn of(page: &Page) -> Room {
        match &*page.name {
            "docs/combining.md" | "docs/from-midway.md" => Room::Yml,
            "docs/deploying.md" | "docs/packaging.md" => Room::Service,
            "docs/abi.md" | "docs/other-languages.md" | "docs/writing-a-function.md" => Room::Files,
            name if name.starts_with("docs/platforms/") => Room::Service,
            _ => Room::Repository,
        }
    }
}

/// The source of the service's function.
const ORDER: &str = "use handlers_sdk::{Path, function};

/// Returns one order, by its number.
#[function]
pub async fn order(Path(id): Path<u32>) -> String {
    format!(\"order {id}\")
}
";

/// The script in front of cargo. `cargo run` in the repository is this tool. Programs of the repository are built as
/// its tests build them. The tool's own runtimes have all platforms, which is one build for all packages. Those for
/// this machine are the ones that the tests have built already.
const CARGO: &str = r#"#!/bin/sh
runtime=
case "$1" in
    faas) exec "$TOOL_OF_PAGES" "$@" ;;
    run) shift; [ "$1" = -- ] && shift; exec "$TOOL_OF_PAGES" "$@" ;;
    build | zigbuild) ;;
    *) exec "$CARGO_OF_PAGES" "$@" ;;
esac
if [ "$PWD" = "$REPOSITORY_OF_PAGES" ]; then
    case "$*" in *--message-format=json*--target-dir*) is_of_tool=yes ;; *) is_of_tool= ;; esac
    case "$is_of_tool $*" in
        *" --target "*) ;;
        "yes build "*" -p runtime-engine "*) runtime=bootstrap package=runtime-engine ;;
        "yes build "*" -p light-runtime "*) runtime=light-bootstrap package=light-runtime ;;
    esac
    if [ -n "$runtime" ]; then
        printf '{"reason":"compiler-artifact","package_id":"path+file:///r#%s@0","target":{"name":"%s","kind":["bin"]},"executable":"%s"}\n' \
            "$package" "$runtime" "$BIN_OF_PAGES/$runtime"
        exit
    fi
    count=$#
    while [ "$count" -gt 0 ]; do
        word=$1
        shift
        count=$((count - 1))
        case "$word" in
            release) set -- "$@" test-artifacts ;;
            --release) set -- "$@" --profile test-artifacts ;;
            --no-default-features) [ -n "$is_of_tool" ] || set -- "$@" "$word" ;;
            --features)
                [ -n "$is_of_tool" ] || set -- "$@" "$word" "$1"
                shift
                count=$((count - 1))
                ;;
            *) set -- "$@" "$word" ;;
        esac
    done
    [ -n "$is_of_tool" ] || set -- "$@" --target-dir "$FAAS_CACHE/build"
fi
exec "$CARGO_OF_PAGES" "$@"
"#;

/// The folders that commands run in.
pub(crate) struct Places {
    base: PathBuf,
    path: std::ffi::OsString,
    service: Mutex<()>,
    other: Mutex<()>,
    _lock: File,
}

impl Places {
    pub(crate) fn make() -> Result<Places, String> {
        // The place is the same from run to run, outside of every workspace, for one run at a time: cargo would build
        // anew in any other place.
        let mut hasher = DefaultHasher::new();
        artifacts::target().hash(&mut hasher);
        let base = std::env::temp_dir().join(format!("faas-pages-{:x}", hasher.finish()));
        fs::create_dir_all(&base).map_err(|error| failed(&base, &error))?;
        let lock = File::create(base.join("lock")).map_err(|error| failed(&base, &error))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(&base, &error.into()))?;
        let bin = base.join("bin");
        empty(&bin)?;
        let built = artifacts::get();
        let zig = integration::needs::folder("zig").path().map(|zig| zig.join("bin"));
        let link = |from: &Path, to: PathBuf| symlink(from, &to).map_err(|error| failed(&to, &error));
        link(Path::new(env!("CARGO_BIN_EXE_cargo-faas")), bin.join("cargo-faas"))?;
        built.both().iter().try_for_each(|runtime| link(&runtime.path, bin.join(runtime.name)))?;
        let shim = bin.join("cargo");
        fs::write(&shim, CARGO)
            .and_then(|()| fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)))
            .map_err(|error| failed(&shim, &error))?;
        let old = std::env::var_os("PATH").unwrap_or_default();
        let folders = [bin].into_iter().chain(zig).chain(std::env::split_paths(&old));
        let path = std::env::join_paths(folders).map_err(|error| error.to_string())?;
        // On a terminal curl shows no meter beside its output.
        let home = artifacts::target().join("pages-home");
        fs::create_dir_all(&home).map_err(|error| failed(&home, &error))?;
        fs::write(home.join(".curlrc"), "silent\nshow-error\n").map_err(|error| failed(&home, &error))?;
        let places = Places { base, path, service: Mutex::new(()), other: Mutex::new(()), _lock: lock };
        places.make_service()?;
        places.make_files()?;
        Ok(places)
    }

    /// Waits until no page runs that would disturb one of that folder. Two would wait for one another's builds, and one's
    /// dev would answer the other. Pages of the service start none, and build in a folder of their own.
    pub(crate) fn turn(&self, room: Room) -> MutexGuard<'_, ()> {
        let taken = if room == Room::Service { &self.service } else { &self.other };
        taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the target folder of what is built in a folder.
    fn target_of(&self, folder: &Path) -> PathBuf {
        match folder.starts_with(self.base.join("service")) {
            true => artifacts::target().join("of-service"),
            false => artifacts::target_of_tool(folder),
        }
    }

    /// Returns the folder that a page begins in, as its reader has it.
    pub(crate) fn enter(&self, room: Room) -> Result<PathBuf, String> {
        match room {
            Room::Repository => Ok(artifacts::workspace().to_owned()),
            Room::Files => Ok(self.base.join("files")),
            Room::Yml => self.fresh(),
            Room::Service => {
                let folder = self.base.join("service/shop");
                for made in ["dist", "deploy"] {
                    let made = folder.join(made);
                    if made.exists() {
                        fs::remove_dir_all(&made).map_err(|error| failed(&made, &error))?;
                    }
                }
                Ok(folder)
            }
        }
    }

    /// Returns an empty folder.
    pub(crate) fn fresh(&self) -> Result<PathBuf, String> {
        let folder = self.base.join("new");
        empty(&folder)?;
        Ok(folder)
    }

    /// Returns a command of a shell, in a folder.
    pub(crate) fn shell(&self, text: &str, folder: &Path) -> Command {
        let mut command = Command::new("sh");
        // Both outputs are one, as on a terminal.
        command.arg("-c").arg(format!("exec 2>&1\n{text}")).current_dir(folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_", "FAAS_", "XDG_"].iter().any(|own| text.starts_with(own)) {
                command.env_remove(&name);
            }
        }
        let home = |name: &str, folder: &str| {
            let of_user = || Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(folder);
            std::env::var_os(name).map_or_else(of_user, PathBuf::from)
        };
        command.env("CARGO_HOME", home("CARGO_HOME", ".cargo")).env("RUSTUP_HOME", home("RUSTUP_HOME", ".rustup"));
        let kept = artifacts::target();
        // The files that were made for other tests of the tool are used.
        command.env("CARGO_TARGET_DIR", self.target_of(folder)).env("FAAS_CACHE", kept.join("faas-cache"));
        command.env("HOME", kept.join("pages-home")).env("PATH", &self.path).env("NO_COLOR", "1");
        command.env("CARGO_NET_OFFLINE", "true").env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
        command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        command
            .env("BIN_OF_PAGES", self.base.join("bin"))
            .env("CARGO_OF_PAGES", env!("CARGO"))
            .env("CARGO", self.base.join("bin/cargo"));
        command
            .env("TOOL_OF_PAGES", env!("CARGO_BIN_EXE_cargo-faas"))
            .env("REPOSITORY_OF_PAGES", artifacts::workspace());
        command
    }

    /// Lets a project find the built files where a reader looks for them.
    pub(crate) fn link_target(&self, project: &Path) -> Result<(), String> {
        let link = project.join("target");
        if link.exists() || !project.join("Cargo.toml").is_file() {
            return Ok(());
        }
        symlink(self.target_of(project), &link).map_err(|error| failed(&link, &error))
    }

    fn make_service(&self) -> Result<(), String> {
        let folder = self.base.join("service");
        empty(&folder)?;
        let mut commands = "cargo faas new shop --template http && mkdir shop/Order".to_owned();
        if integration::needs::program("umoci").path().is_some() {
            commands.push_str(" && umoci init --layout shop/base && umoci new --image shop/base:12");
        }
        let output = self.shell(&commands, &folder).output().map_err(|error| failed(&folder, &error))?;
        if !output.status.success() {
            return Err(format!("the service: {}", String::from_utf8_lossy(&output.stdout)));
        }
        let deploying = Page::read("docs/deploying.md");
        let yml = deploying.blocks.iter().find_map(|block| match block {
            Block::Yml(yml) => Some(yml.as_str()),
            Block::Commands(_) => None,
        });
        let yml = yml.ok_or("docs/deploying.md shows no yml")?;
        for (name, text) in
            [("src/lib.rs", ORDER), ("serverless.yml", yml), ("host.json", "{}\n"), ("Order/function.json", "{}\n")]
        {
            let path = folder.join("shop").join(name);
            fs::write(&path, text).map_err(|error| failed(&path, &error))?;
        }
        self.link_target(&folder.join("shop"))
    }

    fn make_files(&self) -> Result<(), String> {
        let folder = self.base.join("files");
        empty(&folder)?;
        let root = artifacts::workspace();
        let link = |from: &str, to: &str| {
            let to = folder.join(to);
            symlink(root.join(from), &to).map_err(|error| failed(&to, &error))
        };
        let examples = "integration/examples";
        let copied = folder.join(examples).join("echo-go");
        fs::create_dir_all(&copied).map_err(|error| failed(&copied, &error))?;
        // Go writes beside its sources.
        for entry in fs::read_dir(root.join(examples).join("echo-go")).map_err(|error| failed(&copied, &error))? {
            let from = entry.map_err(|error| failed(&copied, &error))?.path();
            let to = copied.join(from.file_name().unwrap_or_default());
            fs::copy(&from, &to).map_err(|error| failed(&from, &error))?;
        }
        for name in ["handlers-sdk", "integration/examples/cpp", "integration/examples/echo-c"] {
            link(name, name)?;
        }
        link("handlers-sdk/abi/include", "include")?;
        for name in ["echo.c", "audit.c"] {
            link("integration/examples/echo-c/echo.c", name)?;
        }
        Ok(())
    }
}

fn empty(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
