//! The files of a package, in memory, for a zip, a folder or an image.

use crate::failure::Failure;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The most bytes of a package, unpacked: more than any platform takes.
const MOST_BYTES: u64 = 4 << 30;

/// The mode of files that are executed.
const EXECUTABLE: u32 = 0o755;

/// The mode of all other files.
const PLAIN: u32 = 0o644;

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The bytes of the file.
    pub(crate) bytes: Vec<u8>,
    /// The permissions as Unix has them; `None` if a zip does not say.
    pub(crate) mode: Option<u32>,
}

impl File {
    /// Makes a file that may be executed.
    pub(crate) fn executable(bytes: Vec<u8>) -> File {
        File { bytes, mode: Some(EXECUTABLE) }
    }

    /// Makes a file that is only read.
    pub(crate) fn plain(bytes: Vec<u8>) -> File {
        File { bytes, mode: Some(PLAIN) }
    }

    /// Returns the file with one of the two modes that packages have.
    pub(crate) fn with_plain_mode(&self) -> File {
        let is_executable = self.mode.is_some_and(|mode| mode & 0o100 != 0);
        if is_executable { File::executable(self.bytes.clone()) } else { File::plain(self.bytes.clone()) }
    }

    /// Returns `true` if everybody may execute it.
    pub(crate) fn is_executable(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o111 == 0o111)
    }

    /// Returns `true` if everybody may read it.
    pub(crate) fn is_readable(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o444 == 0o444)
    }
}

/// The files of a package, by their paths, which are relative and have `/` between folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    files: BTreeMap<String, File>,
    /// The paths that are no plain files, or that would land outside of the package, with their kind.
    pub(crate) refused: Vec<(String, &'static str)>,
}

impl Contents {
    /// Adds a file.
    ///
    /// # Errors
    /// Another file with other content has this path.
    pub(crate) fn add(&mut self, path: &str, file: File) -> Result<(), Failure> {
        match self.files.get(path) {
            Some(there) if *there != file => {
                Err(Failure::new("package", format!("two different files would both be {path} in the package")))
            }
            _ => {
                self.files.insert(path.to_owned(), file);
                Ok(())
            }
        }
    }

    /// Returns the files, in the order of their paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// Returns the file of a path; `None` if there is none.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Returns the size of all files together.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes.len() as u64).sum()
    }

    /// Reads a zip.
    ///
    /// # Errors
    /// The bytes are no zip, are damaged, or are larger than any platform takes.
    pub(crate) fn of_zip(bytes: impl Read + Seek) -> Result<Contents, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new("zip", error);
        let mut zip = ZipArchive::new(bytes).map_err(|error| failed(&error))?;
        let mut contents = Contents::default();
        let mut room = MOST_BYTES;
        for index in 0..zip.len() {
            let entry = zip.by_index(index).map_err(|error| failed(&error))?;
            let path = entry.name().map_err(|error| failed(&error))?.into_owned();
            if entry.is_dir() {
                continue;
            }
            if entry.is_symlink() {
                contents.refused.push((path, "a symbolic link"));
                continue;
            }
            if entry.enclosed_name().is_none() || path.contains('\\') || path.starts_with('/') {
                contents.refused.push((path, "a path that leads out of the package or is not one of Unix"));
                continue;
            }
            let mode = entry.unix_mode().map(|mode| mode & 0o7777);
            let mut bytes = Vec::new();
            entry.take(room).read_to_end(&mut bytes).map_err(|error| failed(&format!("{path}: {error}")))?;
            room -= bytes.len() as u64;
            if room == 0 {
                return Err(failed(&"it unpacks to more than 4 GiB"));
            }
            if contents.files.insert(path.clone(), File { bytes, mode }).is_some() {
                contents.refused.push((path, "there twice"));
            }
        }
        Ok(contents)
    }

    /// Reads all files of a folder.
    ///
    /// # Errors
    /// A file in it cannot be read.
    pub(crate) fn of_folder(folder: &Path) -> Result<Contents, Failure> {
        let mut contents = Contents::default();
        contents.walk(folder, "")?;
        Ok(contents)
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::new("reading", format!("{}: {error}", folder.display()));
        let mut room = MOST_BYTES.saturating_sub(self.bytes());
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let about = entry.metadata().map_err(failed)?;
            if about.is_dir() {
                self.walk(&entry.path(), &format!("{path}/"))?;
            } else if about.is_file() {
                room = room.saturating_sub(about.len());
                if room == 0 {
                    return Err(Failure::new("reading", format!("{}: more than 4 GiB", folder.display())));
                }
                let bytes = std::fs::read(entry.path()).map_err(failed)?;
                self.files.insert(path, File { bytes, mode: Some(about.permissions().mode() & 0o7777) });
            } else {
                self.refused.push((path, "no plain file"));
            }
        }
        Ok(())
    }

    /// Writes the files into a folder, which is emptied before. Modes do not depend on the user's mask.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn write_folder(&self, folder: &Path) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::new("package", format!("{}: {error}", folder.display()));
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        for (path, file) in self.files() {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            std::fs::DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(failed)?;
            let mode = file.mode.unwrap_or(PLAIN);
            let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
            opened.and_then(|mut opened| opened.write_all(&file.bytes)).map_err(failed)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
        }
        Ok(())
    }
}

/// A maker of zips. It deflates a file once, however many zips it is in: the runtime is the same in all packages of a
/// platform.
#[derive(Debug, Default)]
pub(crate) struct Zipper {
    /// The files so far, each in a zip of its own.
    deflated: Vec<(File, ZipArchive<Cursor<Vec<u8>>>)>,
}

impl Zipper {
    /// Returns a zip: the same bytes for the same files, wherever and whenever it is written.
    ///
    /// # Errors
    /// A path is too long for a zip.
    pub(crate) fn zip(&mut self, contents: &Contents) -> Result<Vec<u8>, Failure> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, file) in contents.files() {
            self.copy(path, file, &mut zip).map_err(|error| Failure::new("zip", format!("{path}: {error}")))?;
        }
        let zip = zip.finish().map_err(|error| Failure::new("zip", format!("the end: {error}")))?;
        Ok(zip.into_inner())
    }

    /// Copies a file, deflated, into a zip.
    fn copy(&mut self, path: &str, file: &File, zip: &mut ZipWriter<Cursor<Vec<u8>>>) -> ZipResult<()> {
        let place = match self.deflated.iter().position(|(other, _)| other == file) {
            Some(place) => place,
            None => {
                self.deflated.push((file.clone(), deflated(file)?));
                self.deflated.len() - 1
            }
        };
        zip.raw_copy_file_rename(self.deflated[place].1.by_index(0)?, path)
    }
}

/// Returns a zip of one file, whose name is of no matter.
fn deflated(file: &File) -> ZipResult<ZipArchive<Cursor<Vec<u8>>>> {
    // The time is the earliest that a zip can have. The writer names Unix as its system, on every system.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(file.mode.unwrap_or(PLAIN));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("file", options)?;
    zip.write_all(&file.bytes)?;
    ZipArchive::new(zip.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Contents {
        let mut contents = Contents::default();
        contents.add("functions/libshop.so", File::plain(b"\x7fELF".repeat(500))).expect("it is the first");
        contents.add("bootstrap", File::executable(b"runtime".to_vec())).expect("it is the first");
        contents.add("faas.json", File::plain(b"{}".to_vec())).expect("it is the first");
        contents
    }

    fn zipped(contents: &Contents) -> Result<Vec<u8>, Failure> {
        Zipper::default().zip(contents)
    }

    #[test]
    fn a_file_of_several_zips_is_deflated_once_and_they_are_what_each_would_be_alone() {
        let mut other = shop();
        other.add("run.sh", File::executable(b"runtime".to_vec())).expect("it is the first");
        other.add("copy.json", File::executable(b"{}".to_vec())).expect("it is the first");
        let mut zipper = Zipper::default();
        for contents in [shop(), other] {
            let zip = zipper.zip(&contents).expect("it is written");
            assert_eq!(zip, zipped(&contents).expect("it is written"));
            assert_eq!(Contents::of_zip(Cursor::new(zip)).expect("it is a zip"), contents);
        }
        assert_eq!(zipper.deflated.len(), 4, "three files, and one again with another mode");
    }

    #[test]
    fn a_zip_is_sorted_and_says_neither_when_nor_where_it_was_made() {
        let zip = zipped(&shop()).expect("it is written");
        assert_eq!(zip, zipped(&shop()).expect("it is written again"));
        let mut read = ZipArchive::new(Cursor::new(&zip)).expect("it is a zip");
        let names: Vec<String> = read.file_names().map(|name| name.expect("it is text").into_owned()).collect();
        assert_eq!(names, ["bootstrap", "faas.json", "functions/libshop.so"]);
        let modes: Vec<_> = (0..3).map(|index| read.by_index(index).expect("it is there").unix_mode()).collect();
        assert_eq!(modes, [Some(0o100_755), Some(0o100_644), Some(0o100_644)]);
        // Central directory: the upper byte of "version made by" is 3 for Unix; date and time are those of 1980-01-01.
        let head = zip.windows(4).position(|window| window == b"PK\x01\x02").expect("there is a directory");
        assert_eq!(zip[head + 5], 3);
        assert_eq!(zip[head + 12..head + 16], [0, 0, 0x21, 0]);
    }

    #[test]
    fn what_is_written_is_read_again_from_a_zip_and_from_a_folder() {
        let zip = zipped(&shop()).expect("it is written");
        assert_eq!(Contents::of_zip(Cursor::new(zip)).expect("it is a zip"), shop());
        let folder = tempfile::tempdir().expect("there is room");
        let inner = folder.path().join("package");
        std::fs::create_dir(&inner).expect("there is room");
        std::fs::write(inner.join("left-over"), "").expect("there is room");
        shop().write_folder(&inner).expect("it is written");
        assert_eq!(Contents::of_folder(&inner).expect("it can be read"), shop());
    }

    #[test]
    fn links_and_paths_that_lead_out_of_a_zip_are_refused() {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).expect("it is written");
        for path in ["../out", "/absolute", "a\\b", "fine"] {
            zip.start_file(path, SimpleFileOptions::default()).expect("it is written");
        }
        let bytes = zip.finish().expect("it is written").into_inner();
        let contents = Contents::of_zip(Cursor::new(bytes)).expect("it is a zip");
        let refused: Vec<&str> = contents.refused.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(contents.files().map(|(path, _)| path).collect::<Vec<_>>(), ["fine"]);
        assert_eq!(refused, ["link", "../out", "/absolute", "a\\b"]);
    }

    #[test]
    fn two_different_files_have_no_one_path() {
        let mut contents = shop();
        contents.add("faas.json", File::plain(b"{}".to_vec())).expect("it is the same");
        let error = contents.add("faas.json", File::plain(b"[]".to_vec())).expect_err("it is another");
        assert_eq!(error.to_string(), "package: two different files would both be faas.json in the package");
    }
}
