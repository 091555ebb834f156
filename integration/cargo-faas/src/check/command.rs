//! The command `check`, which finds mistakes in a yml, in compiled files, and in packages.

use super::artefact::{self, Role, Target};
use super::finding::{Finding, Findings};
use super::package::{self, Listed, Part};
use super::{declared, start};
use crate::artefact::{Glibc, Kind, Machine, read as read_artefact};
use crate::deploy;
use crate::failure::Failure;
use crate::package::contents::Contents;
use crate::package::layout::MANIFEST;
use crate::package::platforms::{self, PLATFORMS, PROGRAM, Packaging, System};
use crate::package::toolchain::Arch;
use crate::package::written;
use crate::screen::{Screen, duration, many};
use crate::service::read::{Found, NAMES, YmlArgs, find, name_and_value, read_file};
use crate::service::{self, ServiceArgs};
use clap::Args;
use faas_core::manifest::Manifest;
use serde::Serialize;
use serde_json::{Value, json};
use serverless_spec::diagnostic::{Diagnostic, Severity};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Say what is wrong with a serverless.yml, with compiled files, or with packages
///
/// Without a path it is the yml, if there is one, and the packages that `package` has written. `--platform` takes
/// several platforms with commas, and all. What `templates` says of these, or of the yml's own platform, is said as
/// well. Exit code 0 if there is no error, 1 if there is one.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A library, a program, a zip, a folder with what is in one, or a folder of packages
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The processor that it is to run on [default: whichever it is built for]
    #[arg(long, value_name = "NAME")]
    arch: Option<Arch>,

    /// The glibc of the system that it is to run on [default: the platform's]
    #[arg(long, value_name = "VERSION")]
    glibc: Option<Glibc>,

    /// List every file of a package, with what it is
    #[arg(long)]
    files: bool,

    /// Start each package as its platform does, and measure how long it takes until it is ready
    #[arg(long)]
    start: bool,

    /// As --start, and an error where it takes longer
    #[arg(long, value_name = "MS")]
    max_init_ms: Option<u64>,

    /// A variable for what is started; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    env: Vec<(String, String)>,

    /// Where packages are
    #[arg(long, value_name = "FOLDER", default_value = "dist")]
    dist: PathBuf,

    #[command(flatten)]
    service: ServiceArgs,
}

/// A checked path, and the findings about it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<String>,
    /// The newest glibc that any part of it wants; `None` if no part wants one.
    #[serde(skip_serializing_if = "Option::is_none")]
    glibc: Option<String>,
    /// The time that the start took, in milliseconds; `None` if it was not started.
    #[serde(skip_serializing_if = "Option::is_none")]
    init_ms: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<Listed>,
    findings: Vec<Finding>,
}

/// A path to check, and the platform that it is for; `None` if nobody says.
type Subject = (PathBuf, Option<&'static Packaging>);

/// A yml as it is on some platforms, which all have the same findings.
struct Reading {
    /// The platforms of the command line; empty if it names none.
    platforms: Vec<&'static str>,
    /// The yml, with the findings of its deployment files among its own.
    found: Found,
}

impl Reading {
    fn is_right(&self) -> bool {
        let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
        self.found.read.spec.is_some() && !self.found.read.diagnostics.iter().any(is_error)
    }
}

impl Check {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let asked = self.service.yml.platform.as_deref().map(platforms::chosen).transpose()?.unwrap_or_default();
        let packages = if self.paths.is_empty() { self.written(&asked) } else { self.named(&asked)? };
        let ymls = if self.paths.is_empty() { self.ymls(&asked, packages.is_empty())? } else { Vec::new() };
        // It is the digest of the yml's text, which is the same for each platform.
        let digest = ymls.iter().find_map(|reading| reading.found.read.spec.as_ref()).map(|spec| spec.digest.as_str());
        let reports: Vec<Report> =
            packages.iter().map(|(path, packaging)| self.one(path, *packaging, digest)).collect::<Result<_, _>>()?;
        if self.service.json {
            let mut answer = diagnostics(&ymls);
            answer["artefacts"] = json!(reports);
            screen.line(&format!("{answer:#}"));
        } else {
            say_once(&ymls, screen);
            reports.iter().for_each(|report| self.say(report, screen));
        }
        let findings = reports.iter().flat_map(|report| &report.findings);
        let is_right = ymls.iter().all(Reading::is_right)
            && findings.into_iter().all(|finding| finding.severity != Severity::Error);
        Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Reads the yml, once for each platform that is asked for, with the findings of its deployment files there; of
    /// readings with the same findings one stays. There is none if the project has no yml.
    ///
    /// # Errors
    /// There is neither a yml nor a package, or a yml cannot be read.
    fn ymls(&self, asked: &[&'static Packaging], has_no_packages: bool) -> Result<Vec<Reading>, Failure> {
        let mut all: Vec<Reading> = Vec::new();
        let platforms: Vec<Option<&'static str>> = match asked {
            [] => vec![None],
            asked => asked.iter().map(|packaging| Some(packaging.platform)).collect(),
        };
        for platform in platforms {
            let yml = YmlArgs { platform: platform.map(str::to_owned), ..self.service.yml.clone() };
            let found = match &yml.file {
                Some(file) => Some(read_file(file, &yml)?),
                None => find(Path::new(""), &yml)?,
            };
            let Some(mut found) = found else { continue };
            add_deployment(&mut found, platform);
            let findings = service::diagnostics(&found.read);
            match all.iter_mut().find(|other| service::diagnostics(&other.found.read) == findings) {
                Some(same) => same.platforms.extend(platform),
                None => all.push(Reading { platforms: platform.into_iter().collect(), found }),
            }
        }
        if all.is_empty() && has_no_packages {
            let why = format!(
                "there is none of {} here, and no package in {}: --file, --dist or a path says what to check",
                NAMES.join(", "),
                self.dist.display()
            );
            return Err(Failure::new("check", why));
        }
        if all.len() > 1 {
            for Reading { platforms, found } in &mut all {
                found.name = format!("{} for {}", found.name, platforms.join(", "));
            }
        }
        Ok(all)
    }

    /// Returns the packages that lie where `package` writes them.
    fn written(&self, asked: &[&'static Packaging]) -> Vec<Subject> {
        let all = written::below(&self.dist).into_iter();
        all.filter(|(_, of)| is_asked(asked, of)).map(|(path, of)| (path, Some(of))).collect()
    }

    /// Returns the paths of the command line, each for every platform that is asked for, or for that of its folder. A
    /// folder that packages lie in stands for these.
    ///
    /// # Errors
    /// A folder has packages, and none for a platform that is asked for.
    fn named(&self, asked: &[&'static Packaging]) -> Result<Vec<Subject>, Failure> {
        let mut all = Vec::new();
        for path in &self.paths {
            let inside = written::inside(path);
            if inside.is_empty() {
                match asked {
                    [] => all.push((path.clone(), written::platform(path))),
                    asked => all.extend(asked.iter().map(|packaging| (path.clone(), Some(*packaging)))),
                }
                continue;
            }
            let mut there: Vec<&str> = inside.iter().map(|(_, of)| of.platform).collect();
            there.dedup();
            let there = there.join(", ");
            let before = all.len();
            all.extend(inside.into_iter().filter(|(_, of)| is_asked(asked, of)).map(|(path, of)| (path, Some(of))));
            if all.len() == before {
                let why = format!("{} has packages for {there}, and none for what --platform says", path.display());
                return Err(Failure::new("check", why));
            }
        }
        Ok(all)
    }

    /// Checks a package or a compiled file. `digest` is that of the yml that is here; `None` if packages are not held
    /// against one.
    fn one(&self, path: &Path, packaging: Option<&'static Packaging>, digest: Option<&str>) -> Result<Report, Failure> {
        let failed = |error: std::io::Error| Failure::new("check", format!("{}: {error}", path.display()));
        if path.is_dir() {
            let (root, contents) = written::of_folder(path)?;
            return self.package(path, &contents, root.as_deref(), None, packaging, digest);
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        if bytes.starts_with(b"PK") {
            let size = bytes.len() as u64;
            return match Contents::of_zip(Cursor::new(bytes)) {
                Ok(contents) => self.package(path, &contents, None, Some(size), packaging, digest),
                Err(why) => Ok(self.broken(path, packaging, &why)),
            };
        }
        Ok(self.file(path, &bytes, packaging))
    }

    fn broken(&self, path: &Path, packaging: Option<&'static Packaging>, why: &Failure) -> Report {
        let mut found = Findings::default();
        found.error("bad-zip", &path.display().to_string(), why.to_string());
        Report {
            path: path.to_owned(),
            platform: packaging.map(|packaging| packaging.platform),
            arch: None,
            glibc: None,
            init_ms: None,
            files: Vec::new(),
            findings: found.into_sorted(),
        }
    }

    /// Checks one compiled file by itself.
    fn file(&self, path: &Path, bytes: &[u8], packaging: Option<&'static Packaging>) -> Report {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut found = Findings::default();
        let read = read_artefact(bytes);
        match &read {
            Err(why) => {
                found.error("not-elf", &name, why.to_string());
            }
            Ok(artefact) => {
                let glibc = packaging.and_then(|packaging| match packaging.with_glibc(self.glibc).system {
                    System::Known(system, glibc) => Some((glibc, system)),
                    System::Unknown => None,
                });
                let glibc = glibc.or_else(|| self.glibc.map(|glibc| (glibc, "that system")));
                // A file by itself has no other file beside it.
                let target = Target {
                    arch: self.arch.map(Arch::machine),
                    glibc,
                    finds: &|_: &str, _: &str, _: &[String]| false,
                };
                let is_program = artefact.kind == Kind::Program && !name.ends_with(".so");
                let role = if is_program { Role::Program } else { Role::Module };
                artefact::check(&name, artefact, role, &target, &mut found);
            }
        }
        Report {
            path: path.to_owned(),
            platform: packaging.map(|packaging| packaging.platform),
            arch: read.as_ref().ok().map(|artefact| artefact.arch.to_string()),
            glibc: read.ok().and_then(|artefact| artefact.glibc()).map(|glibc| glibc.to_string()),
            init_ms: None,
            files: Vec::new(),
            findings: found.into_sorted(),
        }
    }

    fn package(
        &self,
        path: &Path,
        contents: &Contents,
        root: Option<&Path>,
        zip_bytes: Option<u64>,
        packaging: Option<&'static Packaging>,
        digest: Option<&str>,
    ) -> Result<Report, Failure> {
        let mut found = Findings::default();
        let packaging = packaging.unwrap_or_else(|| guess(contents));
        let arch = self.arch.map(Arch::machine);
        let files = package::check(contents, &packaging.with_glibc(self.glibc), arch.as_ref(), zip_bytes, &mut found);
        if digest.is_some_and(|digest| written::is_stale(contents, digest)) {
            let message = "the package was made from another yml than the one here";
            found.warning("stale", MANIFEST, message).help("package it again: cargo faas package");
        }
        let program = contents.file(PROGRAM).and_then(|file| read_artefact(&file.bytes).ok());
        let is_here = program.as_ref().is_some_and(|program| program.arch == Machine::host());
        let mut init_ms = None;
        // A start would only report a known mistake again, in other words.
        if is_here && found.errors() == 0 {
            let unpacked = tempfile::tempdir().map_err(|error| Failure::new("check", error))?;
            let root = match root {
                Some(root) => root.to_owned(),
                None => {
                    let root = unpacked.path().join("package");
                    contents.write_folder(&root)?;
                    root
                }
            };
            declared::check(contents, &root, &mut found);
            if (self.start || self.max_init_ms.is_some()) && found.errors() == 0 {
                let manifest = contents.file(MANIFEST).and_then(|file| Manifest::read(&file.bytes).ok());
                let name = manifest.map(|manifest| manifest.name).filter(|name| !name.is_empty());
                init_ms = self.started(&root, packaging, name.as_deref(), &mut found);
            }
        } else if self.start || self.max_init_ms.is_some() {
            let why =
                program.map_or_else(|| "it has no runtime".to_owned(), |program| format!("it is for {}", program.arch));
            let why = if is_here { "it has errors".to_owned() } else { why };
            found.note("not-started", PROGRAM, format!("it was not started: {why}"));
        }
        Ok(Report {
            path: path.to_owned(),
            platform: Some(packaging.platform),
            arch: contents
                .file(PROGRAM)
                .and_then(|file| read_artefact(&file.bytes).ok())
                .map(|program| program.arch.to_string()),
            glibc: package::glibc(contents).map(|glibc| glibc.to_string()),
            init_ms,
            files: if self.files { files } else { Vec::new() },
            findings: found.into_sorted(),
        })
    }

    fn started(&self, root: &Path, packaging: &Packaging, name: Option<&str>, found: &mut Findings) -> Option<f64> {
        // Relative paths are the process' own.
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        match start::start(&root, packaging, name, &self.env) {
            Err(why) => {
                found.error("does-not-start", packaging.boot, why);
                None
            }
            Ok(took) => {
                let most = self.max_init_ms.map(Duration::from_millis);
                if let Some(most) = most.filter(|most| took > *most) {
                    let message =
                        format!("it took {} until it was ready, more than {}", duration(took), duration(most));
                    found.error("slow-start", PROGRAM, message).help(
                        "with the layer monitor the log says how long each phase took; `start: lazy` puts a function's \
                         start off to its first invocation",
                    );
                }
                Some(took.as_secs_f64() * 1e3)
            }
        }
    }

    fn say(&self, report: &Report, screen: Screen) {
        let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
        let mut about: Vec<String> = Vec::new();
        about.extend(report.arch.clone());
        about.extend(report.glibc.as_ref().map(|glibc| format!("glibc {glibc} or newer")));
        about.extend(report.platform.map(|platform| format!("for {platform}")));
        about.extend(report.init_ms.map(|ms| format!("ready after {ms:.1} ms")));
        about.push(many(count(Severity::Error), "error"));
        about.push(many(count(Severity::Warning), "warning"));
        screen.line(&format!("{}: {}", report.path.display(), about.join(", ")));
        for listed in &report.files {
            let mode = listed.mode.as_deref().unwrap_or("----");
            let part = if listed.part == Part::Stray { "stray" } else { part(listed.part) };
            screen.line(&format!("  {mode} {:>9} {part:<9} {}", listed.bytes, listed.path));
        }
        report.findings.iter().for_each(|finding| screen.line(&finding.to_string()));
    }
}

/// Returns `true` if a platform is one of those that are asked for, or all are.
fn is_asked(asked: &[&'static Packaging], packaging: &Packaging) -> bool {
    asked.is_empty() || asked.iter().any(|other| other.platform == packaging.platform)
}

/// Adds the findings of the deployment files to those of the yml. `platform` is the one of the command line; without it
/// the yml's own counts. A wrong yml, and one for no platform, has no deployment files.
fn add_deployment(found: &mut Found, platform: Option<&'static str>) {
    let Some(spec) = &found.read.spec else { return };
    let Some(platform) = platform.or(spec.platform) else { return };
    let all = &mut found.read.diagnostics;
    all.extend(deploy::findings(spec, &found.read.sources, platform));
    all.sort_by_key(|diagnostic| (diagnostic.span, diagnostic.severity));
    all.dedup();
}

/// Shows each reading of a yml. A finding that several have is shown at the first of them alone; the numbers are those
/// of all findings.
fn say_once(ymls: &[Reading], screen: Screen) {
    let mut said: Vec<Value> = Vec::new();
    for Reading { found, .. } in ymls {
        service::say(found, screen, |finding| {
            let finding = service::diagnostic(finding, &found.read.sources);
            let is_new = !said.contains(&finding);
            said.push(finding);
            is_new
        });
    }
}

/// Returns the findings of all readings of a yml as JSON, each once; an empty object without a yml.
fn diagnostics(ymls: &[Reading]) -> Value {
    let mut all = ymls.iter().map(|reading| service::diagnostics(&reading.found.read));
    let Some(mut answer) = all.next() else { return json!({}) };
    for other in all {
        for diagnostic in other["diagnostics"].as_array().into_iter().flatten() {
            if let Some(list) = answer["diagnostics"].as_array_mut().filter(|list| !list.contains(diagnostic)) {
                list.push(diagnostic.clone());
            }
        }
    }
    answer
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Runtime => "runtime",
        Part::Script => "script",
        Part::Manifest => "manifest",
        Part::Function => "function",
        Part::Layer => "layer",
        Part::Library => "library",
        Part::Platform => "platform",
        Part::Stray => "stray",
    }
}

/// Returns the platform that a package is for, by its files; else plain HTTP, which asks for nothing of its own.
fn guess(contents: &Contents) -> &'static Packaging {
    let has = |packaging: &&Packaging| {
        packaging.scripts.first().is_some_and(|script| contents.file(script.name).is_some())
            || packaging.platform == "azure-functions" && contents.file("host.json").is_some()
    };
    let plain = PLATFORMS.iter().find(|packaging| packaging.platform == "http").expect("it is in the table");
    PLATFORMS.iter().find(has).unwrap_or(plain)
}
