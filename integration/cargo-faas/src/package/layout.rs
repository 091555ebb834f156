//! The place of each file of a unit: the same folders on every platform, and the program that the platform starts at
//! the root.

use super::contents::{Contents, File};
use super::platforms::{BASE_IMAGE, Form, PROGRAM, Packaging};
use crate::failure::Failure;
use std::fmt::Write;

/// A unit that is built.
#[derive(Debug)]
pub(crate) struct Built {
    /// The runtime, or the whole program.
    pub(crate) program: Vec<u8>,
    /// The manifest's text; `None` if its only library declares all that is needed.
    pub(crate) manifest: Option<String>,
    /// The libraries of functions: name and bytes of each file. It is empty for a whole program.
    pub(crate) functions: Vec<(String, Vec<u8>)>,
    /// The libraries of layers. It is empty for a whole program.
    pub(crate) layers: Vec<(String, Vec<u8>)>,
}

/// The name of the manifest in a package.
pub(crate) const MANIFEST: &str = "faas.json";

/// The folder of an image's files in the folder that an image is built from.
const IMAGE_FOLDER: &str = "app";

/// Returns the files of a package, as they lie in the place where they run.
///
/// # Errors
/// Two libraries have the same name.
pub(crate) fn contents(built: &Built, packaging: &Packaging) -> Result<Contents, Failure> {
    let mut contents = Contents::default();
    contents.add(PROGRAM, File::executable(built.program.clone()))?;
    if let Some(manifest) = &built.manifest {
        contents.add(MANIFEST, File::plain(manifest.clone().into_bytes()))?;
    }
    for script in packaging.scripts {
        let text = script.text.replace("{program}", PROGRAM);
        contents.add(script.name, File::executable(text.into_bytes()))?;
    }
    for (folder, libraries) in [("functions", &built.functions), ("layers", &built.layers)] {
        for (name, bytes) in libraries {
            contents.add(&format!("{folder}/{name}"), File::plain(bytes.clone()))?;
        }
    }
    Ok(contents)
}

/// Returns a folder that `docker build` makes an image of: the files of the package, and a Dockerfile.
///
/// # Errors
/// Two files have one name, which does not happen: the names are its own.
pub(crate) fn image_folder(files: &Contents, packaging: &Packaging) -> Result<Contents, Failure> {
    debug_assert_eq!(packaging.form, Form::Image);
    let mut folder = Contents::default();
    for (path, file) in files.files() {
        folder.add(&format!("{IMAGE_FOLDER}/{path}"), file.clone())?;
    }
    folder.add("Dockerfile", File::plain(dockerfile(packaging).into_bytes()))?;
    Ok(folder)
}

/// Returns the variables of an image.
pub(crate) fn environment(packaging: &Packaging) -> Vec<(String, String)> {
    packaging.environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn dockerfile(packaging: &Packaging) -> String {
    let folder = packaging.folder;
    let mut text = format!("FROM {BASE_IMAGE}\nCOPY {IMAGE_FOLDER}/ {folder}/\nWORKDIR {folder}\n");
    for (name, value) in environment(packaging) {
        let _ = writeln!(text, "ENV {name}={value}");
    }
    let _ = writeln!(text, "ENTRYPOINT [\"{folder}/{PROGRAM}\"]");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::platforms::PLATFORMS;

    fn built() -> Built {
        Built {
            program: b"\x7fELF program".to_vec(),
            manifest: Some(r#"{"version":1,"functions":[{"name":"order","handler":"shop.order"}]}"#.to_owned()),
            functions: vec![("libshop.so".to_owned(), b"\x7fELF shop".to_vec())],
            layers: vec![("liblayer_monitor.so".to_owned(), b"\x7fELF monitor".to_vec())],
        }
    }

    #[test]
    fn every_platform_gets_the_same_folders_and_what_it_starts() {
        for packaging in PLATFORMS {
            let contents = contents(&built(), packaging).expect("the names differ");
            let boot = contents.file(packaging.boot).expect("it is there");
            assert!(boot.is_executable(), "{}", packaging.platform);
            for path in [PROGRAM, MANIFEST, "functions/libshop.so", "layers/liblayer_monitor.so"] {
                assert!(contents.file(path).is_some_and(File::is_readable), "{path} for {}", packaging.platform);
            }
            assert_eq!(contents.files().count(), 4 + packaging.scripts.len(), "{}", packaging.platform);
        }
    }

    #[test]
    fn an_image_is_built_from_a_folder_with_a_dockerfile() {
        let packaging = Packaging::of("openfaas").expect("it is one");
        let files = contents(&built(), packaging).expect("the names differ");
        let folder = image_folder(&files, packaging).expect("the names differ");
        let text =
            String::from_utf8(folder.file("Dockerfile").expect("it is there").bytes.clone()).expect("it is text");
        assert_eq!(
            text,
            "FROM debian:12-slim\nCOPY app/ /app/\nWORKDIR /app\nENV FAAS_PLATFORM=openfaas\nENTRYPOINT [\"/app/bootstrap\"]\n"
        );
        assert!(folder.file("app/bootstrap").is_some_and(File::is_executable));
    }
}
