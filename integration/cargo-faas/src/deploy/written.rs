//! The files of one platform in their folder. A file that an earlier run wrote and this one does not is removed, so
//! that no trigger stays that the yml has no more. Other people's files stay.

use crate::failure::Failure;
use serverless_spec::deploy::File;
use std::path::Path;

/// The name of the list of written files, which lies beside them.
const LIST: &str = ".cargo-faas";

/// Writes the files into their folder.
///
/// # Errors
/// A file cannot be written.
pub(super) fn write(folder: &Path, files: &[File]) -> Result<(), Failure> {
    let wrong = |path: &Path, error: std::io::Error| Failure::new("templates", format!("{}: {error}", path.display()));
    let list = folder.join(LIST);
    for earlier in std::fs::read_to_string(&list).unwrap_or_default().lines() {
        // A path in a list that somebody else wrote leads nowhere else.
        let is_inside =
            !earlier.is_empty() && !earlier.starts_with('/') && !earlier.split('/').any(|part| part == "..");
        if is_inside && !files.iter().any(|file| file.path == earlier) {
            let path = folder.join(earlier);
            let _ = std::fs::remove_file(&path);
            // A folder with other files in it stays.
            let _ = path.parent().map(std::fs::remove_dir);
        }
    }
    for file in files {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|error| wrong(parent, error))?;
        std::fs::write(&path, &file.text).map_err(|error| wrong(&path, error))?;
    }
    let names: String = files.iter().map(|file| format!("{}\n", file.path)).collect();
    std::fs::write(&list, names).map_err(|error| wrong(&list, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_yml_has_no_more_goes_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path();
        let file = |name: &str| File { path: name.to_owned(), text: name.to_owned() };
        std::fs::create_dir_all(path.join("b")).expect("a folder can be made");
        std::fs::write(path.join("b/own"), "").expect("a file can be written");
        write(path, &[file("a/f"), file("b/f"), file("c")]).expect("they can be written");
        write(path, &[file("c")]).expect("they can be written");
        assert!(!path.join("a").exists() && !path.join("b/f").exists());
        assert!(path.join("b/own").exists() && path.join("c").exists());
    }
}
