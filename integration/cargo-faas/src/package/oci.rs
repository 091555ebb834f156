//! Images in the OCI layout, written directly: a folder that `skopeo`, `podman` and registries' clients read. The same
//! files make the same bytes.

use super::contents::{Contents, File};
use crate::artefact::Machine;
use crate::failure::Failure;
use faas_core::encoding::sha256;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The earliest moment, which stands for no time.
const NEVER: &str = "1970-01-01T00:00:00Z";

/// The program that an image runs, and its surroundings.
#[derive(Debug)]
pub(crate) struct Run<'r> {
    /// The folder of its files, absolute.
    pub(crate) folder: &'r str,
    /// The program in that folder.
    pub(crate) program: &'r str,
    /// The variables of the program.
    pub(crate) environment: &'r [(String, String)],
    /// The processor that the image is for.
    pub(crate) arch: &'r Machine,
    /// The name that tools find the image by.
    pub(crate) tag: &'r str,
}

/// An image that another one is built on: its configuration, its layers, and the place of their bytes.
#[derive(Debug, Default)]
pub(crate) struct Base {
    config: Value,
    layers: Vec<Value>,
    blobs: Vec<(String, Vec<u8>)>,
}

/// Writes an image with these files in one layer, over a base if there is one.
///
/// # Errors
/// A path is too long for a tar archive.
pub(crate) fn image(files: &Contents, run: &Run<'_>, base: Option<&Base>) -> Result<Contents, Failure> {
    let tar = tar(files, run.folder)?;
    let layer = gzip(&tar)?;
    let mut blobs: Vec<Vec<u8>> = vec![layer.clone()];
    let mut config = base.map_or_else(|| json!({}), |base| base.config.clone());
    let mut diff_ids = config["rootfs"]["diff_ids"].as_array().cloned().unwrap_or_default();
    diff_ids.push(json!(sha256::digest(&tar)));
    let mut environment = config["config"]["Env"].as_array().cloned().unwrap_or_default();
    environment.retain(|variable| {
        let name = variable.as_str().and_then(|variable| variable.split_once('=')).map_or("", |(name, _)| name);
        run.environment.iter().all(|(other, _)| other != name)
    });
    environment.extend(run.environment.iter().map(|(name, value)| json!(format!("{name}={value}"))));
    config["created"] = json!(NEVER);
    config["architecture"] = json!(architecture(run.arch));
    config["os"] = json!("linux");
    config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
    let mut history = config["history"].as_array().cloned().unwrap_or_default();
    history.push(json!({"created": NEVER, "created_by": "cargo faas package"}));
    config["history"] = json!(history);
    config["config"]["Env"] = json!(environment);
    config["config"]["Entrypoint"] = json!([format!("{}/{}", run.folder, run.program)]);
    config["config"]["WorkingDir"] = json!(run.folder);
    // A command of the base would be handed to the runtime as arguments.
    config["config"].as_object_mut().map(|inner| inner.remove("Cmd"));
    let config = text(&config);
    let mut layers = base.map_or_else(Vec::new, |base| base.layers.clone());
    layers.push(descriptor(LAYER, &layer));
    let manifest = text(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, &config),
        "layers": layers,
    }));
    let mut entry = descriptor(MANIFEST, &manifest);
    entry["platform"] = json!({"architecture": architecture(run.arch), "os": "linux"});
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": run.tag});
    let index = text(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}));
    blobs.extend([config, manifest]);

    let mut folder = Contents::default();
    folder.add("oci-layout", File::plain(text(&json!({"imageLayoutVersion": "1.0.0"}))))?;
    folder.add("index.json", File::plain(index))?;
    for bytes in blobs {
        folder.add(&blob(&sha256::digest(&bytes)), File::plain(bytes))?;
    }
    for (digest, bytes) in base.iter().flat_map(|base| &base.blobs) {
        folder.add(&blob(digest), File::plain(bytes.clone()))?;
    }
    Ok(folder)
}

impl Base {
    /// Reads the image for a processor from a folder in the OCI layout, such as `skopeo copy docker://… oci:DIR`
    /// writes.
    ///
    /// # Errors
    /// The folder is no such layout, or has no image for that processor.
    pub(crate) fn read(folder: &Path, arch: &Machine) -> Result<Base, Failure> {
        let failed = |why: String| Failure::new("base image", format!("{}: {why}", folder.display()));
        let bytes = |name: &str| std::fs::read(folder.join(name)).map_err(|error| failed(format!("{name}: {error}")));
        let parsed = |name: &str| -> Result<Value, Failure> {
            serde_json::from_slice(&bytes(name)?).map_err(|error| failed(format!("{name}: {error}")))
        };
        let digest_of = |descriptor: &Value| descriptor["digest"].as_str().map(str::to_owned).unwrap_or_default();
        let whole = |digest: &str| -> Result<Vec<u8>, Failure> {
            let bytes = bytes(&blob(digest))?;
            let found = sha256::digest(&bytes);
            if found == digest { Ok(bytes) } else { Err(failed(format!("{digest} has the digest {found}"))) }
        };
        let mut index = parsed("index.json")?;
        // An index of several processors may stand in another one.
        let manifest = loop {
            let list = index["manifests"].as_array().cloned().unwrap_or_default();
            let fits = |entry: &&Value| {
                let says = entry["platform"]["architecture"].as_str();
                says.is_none_or(|says| says == architecture(arch))
            };
            let entry = list.iter().find(fits);
            let entry = entry.ok_or_else(|| failed(format!("it has no image for {arch}")))?;
            let document: Value =
                serde_json::from_slice(&whole(&digest_of(entry))?).map_err(|error| failed(error.to_string()))?;
            if document["layers"].is_array() {
                break document;
            }
            index = document;
        };
        let config: Value = serde_json::from_slice(&whole(&digest_of(&manifest["config"]))?)
            .map_err(|error| failed(error.to_string()))?;
        if config["architecture"].as_str() != Some(architecture(arch)) {
            return Err(failed(format!("expected an image for {arch}, found one for {}", config["architecture"])));
        }
        let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
        let digests: BTreeSet<String> = layers.iter().map(digest_of).collect();
        let blobs: Result<Vec<_>, Failure> =
            digests.into_iter().map(|digest| Ok((digest.clone(), whole(&digest)?))).collect();
        Ok(Base { config, layers, blobs: blobs? })
    }
}

/// Returns the files of the layer that an image has on top, below the folder that its program is in.
///
/// # Errors
/// The folder has no image that was written here.
pub(crate) fn files(folder: &Path) -> Result<Contents, Failure> {
    let failed = |why: String| Failure::new("image", format!("{}: {why}", folder.display()));
    let bytes = |name: &str| std::fs::read(folder.join(name)).map_err(|error| failed(format!("{name}: {error}")));
    let parsed = |name: &str| -> Result<Value, Failure> {
        serde_json::from_slice(&bytes(name)?).map_err(|error| failed(format!("{name}: {error}")))
    };
    let named = |descriptor: &Value| blob(descriptor["digest"].as_str().unwrap_or_default());
    let index = parsed("index.json")?;
    let manifest = parsed(&named(&index["manifests"][0]))?;
    let config = parsed(&named(&manifest["config"]))?;
    let root = config["config"]["WorkingDir"].as_str().unwrap_or_default().trim_matches('/').to_owned();
    let top =
        manifest["layers"].as_array().and_then(|layers| layers.last()).ok_or_else(|| failed("no layer".to_owned()))?;
    let layer = bytes(&named(top))?;
    let mut contents = Contents::default();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&layer[..]));
    for entry in archive.entries().map_err(|error| failed(error.to_string()))? {
        let mut entry = entry.map_err(|error| failed(error.to_string()))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(|error| failed(error.to_string()))?.display().to_string();
        let Some(path) = path.strip_prefix(&format!("{root}/")).map(str::to_owned) else { continue };
        let mode = entry.header().mode().ok();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).map_err(|error| failed(error.to_string()))?;
        contents.add(&path, File { bytes, mode })?;
    }
    Ok(contents)
}

fn architecture(arch: &Machine) -> &str {
    match arch {
        Machine::X86_64 => "amd64",
        Machine::Arm64 => "arm64",
        Machine::Other(name) => name,
    }
}

fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": sha256::digest(bytes), "size": bytes.len()})
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Returns an archive of the files below a folder, and of the folders above them, all root's and of the earliest time.
fn tar(files: &Contents, folder: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::new("image", error);
    let mut archive = tar::Builder::new(Vec::new());
    let root = folder.trim_matches('/');
    let mut folders = BTreeSet::new();
    for (path, _) in files.files() {
        let whole = format!("{root}/{path}");
        folders.extend(whole.match_indices('/').map(|(at, _)| whole[..=at].to_owned()));
    }
    // Runtimes and functions may write in `/tmp`, which an image without a base has not.
    let head = |kind: tar::EntryType, mode: u32, size: u64| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header
    };
    let directory = tar::EntryType::Directory;
    for folder in &folders {
        archive.append_data(&mut head(directory, 0o755, 0), folder, std::io::empty()).map_err(failed)?;
    }
    archive.append_data(&mut head(directory, 0o1777, 0), "tmp/", std::io::empty()).map_err(failed)?;
    for (path, file) in files.files() {
        let mut header = head(tar::EntryType::Regular, file.mode.unwrap_or(0o644), file.bytes.len() as u64);
        archive.append_data(&mut header, format!("{root}/{path}"), &file.bytes[..]).map_err(failed)?;
    }
    archive.into_inner().map_err(failed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::new("image", error);
    // The head has neither a name nor a time nor the system.
    let mut writer = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut writer, bytes).map_err(failed)?;
    writer.finish().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Contents {
        let mut contents = Contents::default();
        contents.add("bootstrap", File::executable(b"\x7fELF".to_vec())).expect("it is the first");
        contents.add("functions/libshop.so", File::plain(b"\x7fELF".to_vec())).expect("it is the first");
        contents
    }

    fn run<'r>(environment: &'r [(String, String)], arch: &'r Machine) -> Run<'r> {
        Run { folder: "/app", program: "bootstrap", environment, arch, tag: "shop" }
    }

    fn parsed(folder: &Contents, path: &str) -> Value {
        serde_json::from_slice(&folder.file(path).expect("it is there").bytes).expect("it is JSON")
    }

    #[test]
    fn the_same_files_make_the_same_image() {
        let image = || image(&files(), &run(&[], &Machine::X86_64), None).expect("it is written");
        assert_eq!(image(), image());
    }

    #[test]
    fn an_image_is_built_on_another_one() {
        let variables = |value: &str| vec![("A".to_owned(), value.to_owned()), (value.to_owned(), "x".to_owned())];
        let first = image(&files(), &run(&variables("1"), &Machine::Arm64), None).expect("it is written");
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("base");
        first.write_folder(&path).expect("it is written");
        let base = Base::read(&path, &Machine::Arm64).expect("it is an image");
        assert_eq!(super::files(&path).expect("it is an image"), files());
        let second = image(&files(), &run(&variables("2"), &Machine::Arm64), Some(&base)).expect("it is written");
        let index = parsed(&second, "index.json");
        let manifest = parsed(&second, &blob(index["manifests"][0]["digest"].as_str().expect("a text")));
        let config = parsed(&second, &blob(manifest["config"]["digest"].as_str().expect("a text")));
        assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(2));
        assert_eq!(config["rootfs"]["diff_ids"].as_array().map(Vec::len), Some(2));
        assert_eq!(config["config"]["Env"], json!(["1=x", "A=2", "2=x"]));
        assert_eq!(config["architecture"], "arm64");
        let error = Base::read(&path, &Machine::X86_64).expect_err("it is for another processor").to_string();
        assert!(error.ends_with("it has no image for x86_64"), "{error}");
    }
}
