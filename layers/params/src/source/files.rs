//! Files: a folder with a file for each name, or one file of JSON with a text for each. They are opened anew each time,
//! so that one that was put in place by a rename is seen.

use super::{Found, Reach, Source, Unknown, field};
use serde_json::Value;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A folder, or a file of JSON.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) path: PathBuf,
}

/// The most bytes of a value, as for the runtime's own secrets.
const LARGEST: u64 = 1 << 20;

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(ErrorKind::InvalidData, "it has more than 1 MiB"));
    }
    Ok(bytes)
}

impl Source for Files {
    fn ask(&self, name: &str, _: &Reach) -> Result<Found, Unknown> {
        let wrong = |path: &Path, why: &dyn std::fmt::Display| Unknown::new(format!("{}: {why}", path.display()));
        if self.path.is_file() {
            let bytes = read(&self.path).map_err(|error| wrong(&self.path, &error))?;
            // The parser's words are left out: they may have a part of a value.
            let object: Value = serde_json::from_slice(&bytes).map_err(|_| wrong(&self.path, &"it is no JSON"))?;
            return Ok(field(object.get(name)));
        }
        let path = self.path.join(name);
        match read(&path) {
            Ok(mut bytes) => {
                if bytes.ends_with(b"\n") {
                    bytes.truncate(bytes.len() - if bytes.ends_with(b"\r\n") { 2 } else { 1 });
                }
                Ok(Found::Value(bytes))
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Found::Nothing),
            Err(error) => Err(wrong(&path, &error)),
        }
    }
}
