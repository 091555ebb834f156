//! Finds a yml, and gathers what it is read with: the environment, dotenv files, options, the files beside it.

use crate::failure::Failure;
use crate::options::Service;
use serverless_spec::variables::Files;
use serverless_spec::{Input, Read};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The names that a yml may have, in the order in which midway looks for them.
const NAMES: [&str; 4] = ["f.yml", "f.yaml", "serverless.yml", "serverless.yaml"];

/// A yml that has been read.
pub(super) struct Found {
    /// What has become of it.
    pub(super) read: Read,
    /// What it is called.
    pub(super) name: String,
}

/// The folder of a yml.
#[derive(Debug)]
struct Folder(PathBuf);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// Reads the yml that the command line names, or the one that is here.
pub(super) fn read(service: &Service) -> Result<Found, Failure> {
    let path = match &service.file {
        Some(path) => path.clone(),
        None => here()?,
    };
    read_file(&path, service)
}

/// The only yml of this folder.
fn here() -> Result<PathBuf, Failure> {
    let there: Vec<&str> = NAMES.into_iter().filter(|name| Path::new(name).is_file()).collect();
    match there[..] {
        [only] => Ok(PathBuf::from(only)),
        [] => Err(Failure::new("yml", format!("there is none of {} here; --file says where it is", NAMES.join(", ")))),
        [..] => {
            let why = format!("there are {} here: keep one, or say which by --file", there.join(" and "));
            Err(Failure::new("yml", why))
        }
    }
}

/// Reads a yml with the options of the command line.
pub(super) fn read_file(path: &Path, service: &Service) -> Result<Found, Failure> {
    let name = path.display().to_string();
    let text = std::fs::read(path).map_err(|error| Failure::new("yml", format!("{name}: {error}")))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let options: BTreeMap<String, String> = service.options.iter().cloned().collect();
    let environment = environment(&folder, service.stage.as_deref())?;
    let input = Input {
        name: &name,
        text: &text,
        environment: &environment,
        options: &options,
        stage: service.stage.as_deref(),
        platform: service.platform.as_deref(),
        files: &Folder(folder),
    };
    Ok(Found { read: serverless_spec::read(&input), name })
}

/// The environment, over `.env.<stage>` over `.env` beside the yml. A variable that is not UTF-8 is left out.
fn environment(folder: &Path, stage: Option<&str>) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = BTreeMap::new();
    let of_stage = stage.map(|stage| format!(".env.{stage}"));
    for name in std::iter::once(".env".to_owned()).chain(of_stage) {
        let path = folder.join(&name);
        if !path.is_file() {
            continue;
        }
        let entries = dotenvy::from_path_iter(&path).map_err(|error| wrong(&path, &error))?;
        for entry in entries {
            let (name, value) = entry.map_err(|error| wrong(&path, &error))?;
            all.insert(name, value);
        }
    }
    let own =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    all.extend(own);
    Ok(all)
}

fn wrong(path: &Path, error: &dotenvy::Error) -> Failure {
    let why = match error {
        // The line may have a secret in it.
        dotenvy::Error::LineParse(_, at) => format!("a line cannot be read, at its character {}", at + 1),
        other => other.to_string(),
    };
    Failure::new("dotenv", format!("{}: {why}", path.display()))
}
