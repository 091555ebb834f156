//! Finds a yml, and gathers the inputs that it is read with: the environment, dotenv files, options, the files beside
//! it.

use crate::failure::Failure;
use clap::Args;
use serverless_spec::variables::Files;
use serverless_spec::{Input, Read};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The names that a yml may have, in the order in which midway looks for them.
pub(crate) const NAMES: [&str; 4] = ["f.yml", "f.yaml", "serverless.yml", "serverless.yaml"];

/// The yml, and the options that it is read with.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct YmlArgs {
    /// The yml [default: f.yml, serverless.yml or serverless.yaml, whichever is here]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// The stage [default: what the yml says, or dev]
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: Option<String>,

    /// The platform [default: what the yml says]
    #[arg(long, value_name = "NAME")]
    pub(crate) platform: Option<String>,

    /// The value of `${opt:NAME}`
    #[arg(long = "opt", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) options: Vec<(String, String)>,
}

/// Splits `NAME=VALUE`.
///
/// # Errors
/// The text has no name or no `=`.
pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// A yml that has been read, with its place.
#[derive(Debug)]
pub(crate) struct Found {
    /// The result of reading it.
    pub(crate) read: Read,
    /// The name of the yml in messages.
    pub(crate) name: String,
    /// The folder of the yml.
    pub(crate) folder: PathBuf,
}

/// The folder of a yml, for the files beside it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// Reads the yml that the command line names, or the one that is here.
///
/// # Errors
/// There is no yml, there are two, or it cannot be read. Mistakes in it are part of the result.
pub(crate) fn read(yml: &YmlArgs) -> Result<Found, Failure> {
    match &yml.file {
        Some(path) => read_file(path, yml),
        None => find(Path::new(""), yml)?.ok_or_else(none),
    }
}

/// Returns the failure for a folder without a yml, in which functions may well be: whoever has not written one so far is
/// shown the shortest, for the library that the folder most likely makes.
fn none() -> Failure {
    let folder = std::env::current_dir().unwrap_or_default();
    let name = folder.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let library = if is_plain { name.replace('-', "_") } else { "hello".to_owned() };
    let why = format!(
        "there is none of {} here; --file says where it is. It names the functions, and the events that call them: the \
         shortest one of a library with one function is `{}`, and `cargo faas new --template service` makes a longer one",
        NAMES.join(", "),
        shortest(&library)
    );
    Failure::new("yml", why)
}

/// Returns the shortest yml of a library with one function, on one line.
fn shortest(library: &str) -> String {
    let events = "[{http: {path: /, method: get}}]";
    format!("{{service: {library}, functions: {{{library}: {{handler: {library}, events: {events}}}}}}}")
}

/// Reads the only yml of a folder; `None` if it has no yml.
///
/// # Errors
/// The folder has two, or the yml cannot be read.
pub(crate) fn find(folder: &Path, yml: &YmlArgs) -> Result<Option<Found>, Failure> {
    let there: Vec<&str> = NAMES.into_iter().filter(|name| folder.join(name).is_file()).collect();
    match there[..] {
        [only] => read_file(&folder.join(only), yml).map(Some),
        [] => Ok(None),
        [..] => {
            let place =
                if folder.as_os_str().is_empty() { "here".to_owned() } else { format!("in {}", folder.display()) };
            let why = format!("there are {} {place}: keep one, or say which by --file", there.join(" and "));
            Err(Failure::new("yml", why))
        }
    }
}

/// Reads a yml with the options of the command line.
///
/// # Errors
/// The yml, or a dotenv file beside it, cannot be read.
pub(crate) fn read_file(path: &Path, yml: &YmlArgs) -> Result<Found, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let name = path.strip_prefix(here).unwrap_or(path).display().to_string();
    let text = std::fs::read(path).map_err(|error| Failure::new("yml", format!("{name}: {error}")))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let options: BTreeMap<String, String> = yml.options.iter().cloned().collect();
    let environment = environment(&folder, yml.stage.as_deref())?;
    let input = Input {
        name: &name,
        text: &text,
        environment: &environment,
        options: &options,
        stage: yml.stage.as_deref(),
        platform: yml.platform.as_deref(),
        files: &Folder(folder.clone()),
    };
    let read = serverless_spec::read(&input);
    Ok(Found { read, name, folder })
}

/// Returns the environment, over `.env.<stage>` over `.env` beside the yml. A variable that is not UTF-8 is left out.
fn environment(folder: &Path, stage: Option<&str>) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = BTreeMap::new();
    let of_stage = stage.map(|stage| format!(".env.{stage}"));
    for name in std::iter::once(".env".to_owned()).chain(of_stage) {
        let path = folder.join(&name);
        if !path.is_file() {
            continue;
        }
        all.extend(dotenv(&path)?);
    }
    let own =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    all.extend(own);
    Ok(all)
}

/// Returns the variables of a dotenv file, in its order.
///
/// # Errors
/// The file cannot be read. A wrong line is named without its text.
pub(crate) fn dotenv(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let entries = dotenvy::from_path_iter(path).map_err(|error| wrong(path, &error))?;
    entries.map(|entry| entry.map_err(|error| wrong(path, &error))).collect()
}

fn wrong(path: &Path, error: &dotenvy::Error) -> Failure {
    let why = match error {
        // The line may have a secret in it.
        dotenvy::Error::LineParse(_, at) => format!("a line cannot be read, at its character {}", at + 1),
        other => other.to_string(),
    };
    Failure::new("dotenv", format!("{}: {why}", path.display()))
}
