//! The command `package`: it builds each deployment and writes the package for its platform.

use super::one_file;
use super::sbom::{self, Described, Source};
use crate::artefact::Glibc;
use crate::check;
use crate::check::finding::{Finding, Findings};
use crate::failure::Failure;
use crate::package::contents::{Contents, File, Zipper};
use crate::package::layout::{self, Built};
use crate::package::oci::{self, Base, Run};
use crate::package::platforms::{self, Form, PROGRAM, Packaging};
use crate::package::toolchain::{Arch, Linker, Toolchain};
use crate::project::deployment::{self, Deployment};
use crate::project::library::{Library, LibraryKind};
use crate::project::metadata::cargo;
use crate::project::runtimes::{self, RuntimeBuild, RuntimeKind};
use crate::project::{Build, Project};
use crate::screen::Screen;
use crate::service;
use crate::service::read::YmlArgs;
use clap::Args;
use faas_core::encoding::sha256;
use serde::Serialize;
use serverless_spec::diagnostic::Severity;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Build every deployment and write what its platform is given: a zip, or what an image is made of
#[derive(Clone, Debug, Args)]
pub(crate) struct Package {
    #[command(flatten)]
    yml: YmlArgs,

    /// Only this deployment; may be repeated
    #[arg(long, value_name = "NAME")]
    unit: Vec<String>,

    /// Only this package of the workspace; may be repeated
    #[arg(long, short, value_name = "NAME")]
    package: Vec<String>,

    /// Take this library of functions or layers instead of building; may be repeated
    #[arg(long, value_name = "PATH", conflicts_with_all = ["package", "one_file"])]
    library: Vec<PathBuf>,

    /// The processor [default: this machine's]
    #[arg(long, value_name = "NAME")]
    arch: Option<Arch>,

    /// Link the function, its layers and the light runtime into one static program
    #[arg(long, conflicts_with_all = ["runtime", "light"])]
    one_file: bool,

    /// With light-bootstrap instead of bootstrap
    #[arg(long)]
    light: bool,

    /// With this runtime instead of one that is built
    #[arg(long, value_name = "PATH", conflicts_with = "light")]
    runtime: Option<PathBuf>,

    /// Leave all platforms in the runtime, which is larger and built once for all
    #[arg(long)]
    untrimmed: bool,

    /// Write an image on this one, a folder in the OCI layout, instead of a folder with a Dockerfile
    #[arg(long, value_name = "FOLDER")]
    base: Option<PathBuf>,

    /// Add this file or folder, by its own name; may be repeated
    #[arg(long, value_name = "PATH")]
    include: Vec<PathBuf>,

    /// The linker
    #[arg(long, value_name = "NAME", default_value = "auto")]
    linker: Linker,

    /// The glibc of the system that it is to run on [default: the platform's; zig links for 2.17]
    #[arg(long, value_name = "VERSION")]
    glibc: Option<Glibc>,

    /// Cargo's profile
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,

    /// The folder to write to
    #[arg(long, value_name = "FOLDER", default_value = "dist")]
    out: PathBuf,

    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// A package that was written, for the report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    platform: &'static str,
    unit: String,
    arch: String,
    form: &'static str,
    path: PathBuf,
    /// The bytes of the zip, or of all files of a folder.
    bytes: u64,
    unpacked_bytes: u64,
    /// The digest of a zip; `None` for a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The text of the handler on the platform.
    handler: String,
    /// The newest glibc that any file in it wants; `None` if no file wants one.
    glibc: Option<String>,
    sbom: PathBuf,
    findings: Vec<Finding>,
}

/// The name of the list of digests, in the form that `sha256sum -c` reads.
const DIGESTS: &str = "SHA256SUMS";

impl Package {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let here = std::env::current_dir().map_err(|error| Failure::new("current folder", error))?;
        let arch = self.arch.unwrap_or_else(Arch::host);
        let toolchain = Toolchain::choose(arch, self.linker, self.glibc)?;
        // Musl, which one program for another processor has in it, is linked by zig alone.
        if self.one_file && arch != Arch::host() {
            Toolchain::choose(arch, Linker::Zig, self.glibc)?;
        }
        // What is given is not linked, and a project in C or Go has a compiler of its own.
        if self.runtime.is_none() || self.library.is_empty() && crate::project::is_cargos(&here) {
            toolchain.wants_linker(&here)?;
        }
        let said = if self.json { Screen::aside() } else { screen };
        said.head("toolchain", &toolchain.words());
        let (mut zipper, mut written) = (Zipper::default(), Vec::new());
        for packaging in self.platforms(said)? {
            let yml = YmlArgs { platform: Some(packaging.platform.to_owned()), ..self.yml.clone() };
            let (root, units) = self.units(&here, &yml, packaging, arch, &toolchain, said)?;
            let packaging = packaging.with_glibc(self.glibc);
            written.extend(self.platform(&root, &units, &packaging, &toolchain, &mut zipper, said)?);
        }
        let has_errors =
            written.iter().flat_map(|one| &one.findings).any(|finding| finding.severity == Severity::Error);
        if self.json {
            let answer = serde_json::json!({"packages": written});
            screen.line(&format!("{answer:#}"));
        }
        Ok(if has_errors { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// Returns the chosen platforms: by their names, all, or the one of the yml.
    fn platforms(&self, screen: Screen) -> Result<Vec<&'static Packaging>, Failure> {
        if let Some(words) = &self.yml.platform {
            return platforms::chosen(words);
        }
        let here = std::env::current_dir().map_err(|error| Failure::new("current folder", error))?;
        let project = Project::find(&here, &self.yml, &self.package, screen)?;
        let platform = project.spec().and_then(|spec| spec.platform).and_then(Packaging::of);
        platform.map(|packaging| vec![packaging]).ok_or_else(|| {
            let why =
                format!("say which by --platform, or by provider.name in the yml: {}", platforms::names_and_all());
            Failure::new("platform", why)
        })
    }

    /// Returns the folder of the project, and its deployments on a platform.
    fn units(
        &self,
        here: &Path,
        yml: &YmlArgs,
        packaging: &Packaging,
        arch: Arch,
        toolchain: &Toolchain,
        screen: Screen,
    ) -> Result<(PathBuf, Vec<Deployment>), Failure> {
        let asks = self.asked(packaging, arch, toolchain, screen)?;
        if !self.library.is_empty() {
            let load = |path: &PathBuf| Library::load(path, None, &asks);
            let libraries: Vec<Library> = self.library.iter().map(load).collect::<Result<_, _>>()?;
            let found = match &yml.file {
                Some(file) => Some(service::read::read_file(file, yml)?),
                None => service::read::find(here, yml)?,
            };
            let units = match found {
                Some(found) => match &found.read.spec {
                    Some(spec) => deployment::of_spec(spec, &libraries)?,
                    None => {
                        service::say(&found, screen, |_| true);
                        return Err(Failure::new("yml", "it is not right; what is wrong is said above"));
                    }
                },
                None => vec![deployment::of_libraries(&libraries[0].name, &libraries)?],
            };
            return Ok((here.to_owned(), units));
        }
        let project = Project::find(here, yml, &self.package, screen)?;
        let build = Build {
            target: toolchain.target.clone(),
            builder: toolchain.builder,
            ..Build::new(self.profile.clone(), asks)
        };
        let libraries = project.build(&build, screen)?;
        Ok((project.cargo_folder().to_owned(), project.units(&libraries)?))
    }

    fn platform(
        &self,
        root: &Path,
        units: &[Deployment],
        packaging: &Packaging,
        toolchain: &Toolchain,
        zipper: &mut Zipper,
        screen: Screen,
    ) -> Result<Vec<Written>, Failure> {
        let folder = self.out.join(packaging.platform);
        std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        let mut written = Vec::new();
        for unit in self.chosen(units)? {
            written.push(self.unit(root, unit, packaging, toolchain, zipper, screen)?);
        }
        digests(&folder)?;
        Ok(written)
    }

    /// Returns the runtime that is asked for the declarations of libraries: that of the package, if it runs on this
    /// machine.
    fn asked(
        &self,
        packaging: &Packaging,
        arch: Arch,
        toolchain: &Toolchain,
        screen: Screen,
    ) -> Result<PathBuf, Failure> {
        if arch == Arch::host() && !self.one_file {
            let path = self.runtime(packaging, toolchain, screen)?;
            return path.canonicalize().map_err(|error| failed(&path, &error));
        }
        let build = RuntimeBuild { profile: self.runtime_profile(), ..RuntimeBuild::default() };
        runtimes::runtime(RuntimeKind::Light, &build, screen)
    }

    /// Returns the runtime of a package.
    fn runtime(&self, packaging: &Packaging, toolchain: &Toolchain, screen: Screen) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.runtime {
            return Ok(path.clone());
        }
        let build = RuntimeBuild {
            target: toolchain.target.clone(),
            builder: toolchain.builder,
            platforms: (!self.untrimmed).then(|| vec![packaging.platform.to_owned()]),
            profile: self.runtime_profile(),
        };
        runtimes::runtime(self.kind(packaging), &build, screen)
    }

    fn chosen<'u>(&self, units: &'u [Deployment]) -> Result<Vec<&'u Deployment>, Failure> {
        let names: Vec<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
        if let Some(missing) = self.unit.iter().find(|name| !names.contains(&name.as_str())) {
            let why = format!("there is no deployment `{missing}`; there are {}", names.join(", "));
            return Err(Failure::new("unit", why));
        }
        Ok(units.iter().filter(|unit| self.unit.is_empty() || self.unit.contains(&unit.name)).collect())
    }

    fn unit(
        &self,
        root: &Path,
        unit: &Deployment,
        packaging: &Packaging,
        toolchain: &Toolchain,
        zipper: &mut Zipper,
        screen: Screen,
    ) -> Result<Written, Failure> {
        let arch = toolchain.arch;
        let program = self.program(root, unit, packaging, arch, toolchain, screen)?;
        let of_kind = |kind| self.libraries(unit, kind);
        let built = Built {
            program: read(&program)?,
            manifest: unit.manifest.clone(),
            functions: of_kind(LibraryKind::Functions)?,
            layers: of_kind(LibraryKind::Layers)?,
        };
        let mut files = layout::contents(&built, packaging)?;
        for path in &self.include {
            include(&mut files, path)?;
        }
        let zip = match packaging.form {
            Form::Zip => Some(zipper.zip(&files)?),
            Form::Image => None,
        };
        let mut found = Findings::default();
        check::package::check(
            &files,
            packaging,
            Some(&arch.machine()),
            zip.as_ref().map(|zip| zip.len() as u64),
            &mut found,
        );
        let refused = found.errors() > 0;
        let findings = found.into_sorted();
        let place = self.out.join(packaging.platform).join(&unit.name);
        if refused {
            screen.head("refused", &format!("{} for {}", unit.name, packaging.platform));
            findings.iter().for_each(|finding| screen.under(&finding.to_string()));
        }
        let digests: Vec<Described<'_>> =
            files.files().map(|(path, file)| Described { path, digest: sha256::digest(&file.bytes) }).collect();
        let glibc = check::package::glibc(&files);
        let mut written = Written {
            platform: packaging.platform,
            unit: unit.name.clone(),
            arch: arch.machine().to_string(),
            form: "zip",
            path: place.with_file_name(format!("{}.zip", unit.name)),
            bytes: 0,
            unpacked_bytes: files.bytes(),
            digest: zip.as_ref().map(|zip| sha256::digest(zip)),
            handler: unit.handler.clone(),
            glibc: glibc.map(|glibc| glibc.to_string()),
            sbom: place.with_file_name(format!("{}.cdx.json", unit.name)),
            findings,
        };
        if refused {
            return Ok(written);
        }
        if let Some(zip) = zip {
            written.bytes = zip.len() as u64;
            std::fs::write(&written.path, zip).map_err(|error| failed(&written.path, &error))?;
        } else {
            let image = self.image(&files, unit, packaging, arch)?;
            (written.form, written.bytes, written.path) = (image.0, image.1.bytes(), place);
            image.1.write_folder(&written.path)?;
        }
        let sources = self.sources(root, unit, packaging, arch)?;
        let bill = sbom::sbom(&unit.name, version(unit, &sources), &sources, &digests)?;
        std::fs::write(&written.sbom, bill).map_err(|error| failed(&written.sbom, &error))?;
        self.say(&written, screen);
        Ok(written)
    }

    fn say(&self, written: &Written, screen: Screen) {
        let kib = |bytes: u64| format!("{} KiB", bytes.div_ceil(1024));
        let glibc = written.glibc.as_ref().map(|glibc| format!(", glibc {glibc} or newer")).unwrap_or_default();
        let size = if written.form == "zip" {
            format!("{}, {} unpacked", kib(written.bytes), kib(written.unpacked_bytes))
        } else {
            kib(written.bytes)
        };
        screen.head(
            "package",
            &format!("{}: {} for {}, {size}{glibc}", written.path.display(), written.form, written.arch),
        );
        written.findings.iter().for_each(|finding| screen.under(&finding.to_string()));
    }

    /// Returns a folder with a Dockerfile; or an image, where all files of its base are here.
    fn image(
        &self,
        files: &Contents,
        unit: &Deployment,
        packaging: &Packaging,
        arch: Arch,
    ) -> Result<(&'static str, Contents), Failure> {
        if self.base.is_none() && !self.one_file {
            return Ok(("image folder", layout::image_folder(files, packaging)?));
        }
        let machine = arch.machine();
        let base = self.base.as_ref().map(|folder| Base::read(folder, &machine)).transpose()?;
        let environment = layout::environment(packaging);
        let run = Run {
            folder: packaging.folder,
            program: PROGRAM,
            environment: &environment,
            arch: &machine,
            tag: &unit.name,
        };
        Ok(("OCI image", oci::image(files, &run, base.as_ref())?))
    }

    fn libraries(&self, unit: &Deployment, kind: LibraryKind) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        if self.one_file {
            return Ok(Vec::new());
        }
        let name = |library: &Library| library.place().rsplit('/').next().unwrap_or_default().to_owned();
        let of_kind = unit.libraries.iter().filter(|library| library.kind() == kind);
        of_kind.map(|library| Ok((name(library), read(&library.path)?))).collect()
    }

    /// Returns the runtime, or the whole program.
    fn program(
        &self,
        root: &Path,
        unit: &Deployment,
        packaging: &Packaging,
        arch: Arch,
        toolchain: &Toolchain,
        screen: Screen,
    ) -> Result<PathBuf, Failure> {
        if self.one_file {
            screen.head("build", &format!("one program of {}, for {}", unit.name, packaging.platform));
            return one_file::build(root, unit, arch, packaging.platform, &self.profile, screen);
        }
        self.runtime(packaging, toolchain, screen)
    }

    fn kind(&self, packaging: &Packaging) -> RuntimeKind {
        if self.light || packaging.prefers_light { RuntimeKind::Light } else { RuntimeKind::Full }
    }

    /// Returns the profile of the runtimes: one of their own, whatever profiles a project has.
    fn runtime_profile(&self) -> String {
        let known = ["release", "dev", "test-artifacts"];
        known.into_iter().find(|known| *known == self.profile).unwrap_or("release").to_owned()
    }

    /// Returns the sources of the crates of a unit.
    fn sources(
        &self,
        root: &Path,
        unit: &Deployment,
        packaging: &Packaging,
        arch: Arch,
    ) -> Result<Vec<Source>, Failure> {
        let target = format!("{}-unknown-linux-gnu", arch.triple());
        let own: Vec<String> = unit.libraries.iter().filter_map(|library| library.package.clone()).collect();
        let mut brought: Vec<String> = unit
            .libraries
            .iter()
            .filter(|library| library.package.is_none() && library.kind() == LibraryKind::Layers)
            .map(|library| library.name.replace('_', "-"))
            .collect();
        let is_light = self.one_file || self.kind(packaging) == RuntimeKind::Light;
        brought.push(if is_light { "light-runtime" } else { "runtime-engine" }.to_owned());
        let mut sources = Vec::new();
        if !own.is_empty() {
            sources.push(Source { metadata: metadata(root, &target)?, packages: own });
        }
        // The crates of a runtime or a library that was given are not known.
        if self.runtime.is_none() && self.library.is_empty() {
            sources.push(Source { metadata: metadata(&runtimes::source()?, &target)?, packages: brought });
        }
        Ok(sources)
    }
}

/// Returns cargo's description of the crates of a workspace, for a target.
///
/// # Errors
/// Cargo cannot be started, or fails, or its output is no JSON. A failure has cargo's own words.
pub(super) fn metadata(folder: &Path, target: &str) -> Result<serde_json::Value, Failure> {
    let failed = |why: String| Failure::new("bill of materials", why);
    let output = cargo(folder).args(["metadata", "--format-version=1", "--filter-platform", target]).output();
    let output = output.map_err(|error| failed(format!("cargo cannot be started: {error}")))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
}

/// Returns the version of a deployment: that of the package of its first functions. It is `None` if they are of no
/// package.
fn version<'s>(unit: &Deployment, sources: &'s [Source]) -> Option<&'s str> {
    let of_functions = unit.libraries.iter().filter(|library| library.kind() == LibraryKind::Functions);
    let package = of_functions.filter_map(|library| library.package.as_deref()).next()?;
    sbom::version(&sources.first()?.metadata, package)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new("package", format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| failed(path, &error))
}

/// Adds a file or a folder of the user's by its own name. Executables stay executable.
fn include(files: &mut Contents, path: &Path) -> Result<(), Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| Failure::new("include", format!("{}: it has no name", path.display())))?;
    if path.is_dir() {
        for (inner, file) in Contents::of_folder(path)?.files() {
            files.add(&format!("{name}/{inner}"), file.with_plain_mode())?;
        }
        return Ok(());
    }
    let about = std::fs::metadata(path).map_err(|error| failed(path, &error))?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions());
    files.add(&name, File { bytes: read(path)?, mode: Some(mode) }.with_plain_mode())
}

/// Writes the digest of every file of a folder. If it has none, because every package was refused, the folder goes:
/// an empty list looks like one that all files of it pass.
fn digests(folder: &Path) -> Result<(), Failure> {
    let contents = Contents::of_folder(folder)?;
    let line = |(path, file): (&str, &File)| {
        let digest = sha256::digest(&file.bytes);
        format!("{}  {path}\n", digest.rsplit(':').next().unwrap_or_default())
    };
    let text: String = contents.files().filter(|(path, _)| *path != DIGESTS).map(line).collect();
    let path = folder.join(DIGESTS);
    if text.is_empty() {
        // Neither has to be there, and a folder with folders in it stays.
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_dir(folder);
        return Ok(());
    }
    std::fs::write(&path, text).map_err(|error| failed(&path, &error))
}
