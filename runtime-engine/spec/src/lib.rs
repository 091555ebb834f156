//! The file `serverless.yml`, which describes a service: read with places, checked whole, and turned into the manifests
//! that the runtimes read.
//!
//! | module | holds |
//! |---|---|
//! | [`source`], [`diagnostic`] | texts and places in them; findings about them |
//! | [`tree`] | YAML as a tree in which everything has its place |
//! | [`variables`] | `${…}` |
//! | [`keys`], `check` | the table of all keys, and a tree held against it |
//! | `overlay` | parts that differ by stage and platform |
//! | [`model`], [`units`] | functions and their events; which of them are deployed together |
//! | `owners` | the owner of each route and event |
//! | [`cron`], [`timers`], [`gateway`] | schedules, where they stand, and routes; their form on each platform |
//! | `platform` | the platform that a yml is for |
//! | `manifest` | the manifest of a unit |
//! | [`plan`], [`explain`] | the result of a yml, and the reasons |
//! | [`deploy`] | deployment files for every platform |
//! | [`schema`] | the JSON schema for editors |
//!
//! It reads files and the environment only through its [`Input`].
#![forbid(unsafe_code)]

mod check;
pub mod cron;
pub mod deploy;
pub mod diagnostic;
pub mod explain;
pub mod gateway;
pub mod keys;
mod manifest;
pub mod model;
mod overlay;
mod owners;
pub mod plan;
mod platform;
pub mod schema;
pub mod source;
pub mod timers;
pub mod tree;
pub mod units;
pub mod variables;

pub use check::check;
pub use platform::{names as platform_names, platform_named};

use diagnostic::{Diagnostic, Diagnostics};
use model::Service;
use source::{Sources, Span};
use std::collections::BTreeMap;
use tree::Node;
use units::Unit;
use variables::{Files, Given};

/// A yml, with all that it is read with.
///
/// ```
/// use serverless_spec::variables::Files;
/// use serverless_spec::{Input, read};
/// use std::collections::BTreeMap;
///
/// /// A yml without files beside it.
/// #[derive(Debug)]
/// struct Alone;
///
/// impl Files for Alone {
///     fn read(&self, path: &str) -> Result<String, String> {
///         Err(format!("there is no file {path}"))
///     }
/// }
///
/// let environment = BTreeMap::from([("SHOP".to_owned(), "tea".to_owned())]);
/// let read = read(&Input {
///     name: "serverless.yml",
///     text: b"service: ${env:SHOP}\nfunctions:\n  order:\n    handler: shop.order\n",
///     environment: &environment,
///     options: &BTreeMap::new(),
///     stage: Some("test"),
///     platform: Some("knative"),
///     files: &Alone,
/// });
/// assert_eq!(read.spec.expect("it is right").service.name, "tea");
/// ```
#[derive(Debug)]
pub struct Input<'i> {
    /// The name of the yml in diagnostics.
    pub name: &'i str,
    /// The bytes of the yml.
    pub text: &'i [u8],
    /// The environment, with what dotenv files add to it.
    pub environment: &'i BTreeMap<String, String>,
    /// The options of the command line.
    pub options: &'i BTreeMap<String, String>,
    /// The stage. It is `None` for the option `stage`, or the one of the yml, or `dev`.
    pub stage: Option<&'i str>,
    /// The platform. It is `None` for the one of the yml.
    pub platform: Option<&'i str>,
    /// The files that it may take parts from.
    pub files: &'i dyn Files,
}

/// The result of reading a yml.
///
/// ```
/// # use serverless_spec::{Input, Read, read, variables::Files};
/// # use std::collections::BTreeMap;
/// # #[derive(Debug)]
/// # struct Alone;
/// # impl Files for Alone {
/// #     fn read(&self, path: &str) -> Result<String, String> { Err(format!("there is no file {path}")) }
/// # }
/// # fn read_text(text: &str) -> Read {
/// #     let none = BTreeMap::new();
/// #     let (name, text, environment, options) = ("serverless.yml", text.as_bytes(), &none, &none);
/// #     read(&Input { name, text, environment, options, stage: None, platform: Some("knative"), files: &Alone })
/// # }
/// let text = "service: shop\nfunctions:\n  order:\n    handler: shop.order\n    memroy: 3\n";
/// let read = read_text(text);
/// let finding = &read.diagnostics[0];
/// assert_eq!((finding.code, finding.place(&read.sources).line), ("unknown-key", 5));
/// assert!(read.spec.is_none(), "nothing is made of a yml that is wrong");
/// ```
#[derive(Debug)]
pub struct Read {
    /// The texts that it was read from.
    pub sources: Sources,
    /// The findings, in the order of the texts.
    pub diagnostics: Vec<Diagnostic>,
    /// The number of diagnostics that are not listed, because there are too many.
    pub left_out: usize,
    /// The service; `None` if there is an error among the diagnostics.
    pub spec: Option<Spec>,
}

/// A yml without mistakes.
///
/// ```
/// # use serverless_spec::{Input, Read, read, variables::Files};
/// # use std::collections::BTreeMap;
/// # #[derive(Debug)]
/// # struct Alone;
/// # impl Files for Alone {
/// #     fn read(&self, path: &str) -> Result<String, String> { Err(format!("there is no file {path}")) }
/// # }
/// # fn read_text(text: &str) -> Read {
/// #     let none = BTreeMap::new();
/// #     let (name, text, environment, options) = ("serverless.yml", text.as_bytes(), &none, &none);
/// #     read(&Input { name, text, environment, options, stage: None, platform: Some("knative"), files: &Alone })
/// # }
/// let text = "service: shop\nfunctions:\n  order: {handler: shop.order, events: [{http: {path: /orders}}]}\n";
/// let spec = read_text(text).spec.expect("it is right");
/// let unit = &spec.units[0];
/// let manifest: serde_json::Value = serde_json::from_str(&spec.manifest(unit)?)?;
/// assert_eq!(manifest["functions"][0]["events"][0]["http"]["path"], "/orders");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Spec {
    /// The service that it describes.
    pub service: Service,
    /// The units of the service.
    pub units: Vec<Unit>,
    /// The platform, by its name in this project; `None` if the yml names no platform.
    pub platform: Option<&'static str>,
    /// The yml with everything in its place.
    pub tree: Node,
    /// The digest of the yml, as a manifest has it.
    pub digest: String,
    udev: BTreeMap<String, String>,
}

/// Reads a yml. All mistakes are reported at once.
pub fn read(input: &Input<'_>) -> Read {
    let mut sources = Sources::new();
    let mut found = Diagnostics::default();
    let spec = spec(input, &mut sources, &mut found).filter(|_| !found.has_errors());
    let left_out = found.left_out();
    Read { sources, diagnostics: found.into_sorted(), left_out, spec }
}

fn spec(input: &Input<'_>, sources: &mut Sources, found: &mut Diagnostics) -> Option<Spec> {
    let file = sources.add(input.name, String::from_utf8_lossy(input.text));
    if let Err(error) = std::str::from_utf8(input.text) {
        let at = error.valid_up_to();
        let message = format!("the text is not UTF-8 from byte {at} on");
        found.add(Diagnostic::error("not-utf-8", Span::new(file, at, at), message));
        return None;
    }
    let root = tree::read(sources, file, found)?;
    let given = |stage| Given { environment: input.environment, options: input.options, stage, files: input.files };
    let stage = stage(input, &root, sources, &given("dev"));
    let platform = platform::of(input.platform, &root, sources, found);
    check::check_parts(&root, &stage, platform, sources, found);
    // The parts that are laid over are checked as parts of the yml.
    let laid = overlay::lay(&root, &stage, platform);
    let tree = variables::resolve(&laid, sources, &given(&stage), found);
    check(&tree, sources, found);
    if found.has_errors() {
        return None;
    }
    let service = model::service(&tree, &stage, sources);
    let units = units::units(&tree, &service, sources, found);
    owners::check(&service, &units, sources, found);
    timers::check(&service, platform, sources, found);
    let udev = input.environment.iter().filter_map(|(name, value)| Some((name.strip_prefix("UDEV_")?, value)));
    let udev = udev.map(|(name, value)| (name.to_owned(), tree::literal(value))).collect();
    let digest = faas_core::encoding::sha256::digest(input.text);
    Some(Spec { service, units, platform, tree, digest, udev })
}

/// Returns the stage: the caller's, or the option of that name, or `provider.stage`, or `dev`.
fn stage(input: &Input<'_>, root: &Node, sources: &mut Sources, given: &Given<'_>) -> String {
    let told = input.stage.or_else(|| input.options.get("stage").map(String::as_str));
    if let Some(stage) = told {
        return stage.to_owned();
    }
    let written = root.get("provider").and_then(|provider| provider.get("stage"));
    let Some(written) = written else { return "dev".to_owned() };
    // Mistakes in it are reported when everything is resolved.
    let stage = variables::resolve(written, sources, given, &mut Diagnostics::default());
    stage.as_written(sources).map_or_else(|| "dev".to_owned(), str::to_owned)
}

impl Spec {
    /// Returns the manifest of a unit of this service, as JSON, with the digest of the yml.
    ///
    /// # Errors
    /// No yml can cause one: the values of a manifest have been checked.
    pub fn manifest(&self, unit: &Unit) -> Result<String, serde_json::Error> {
        manifest::manifest(&self.service, unit, &self.digest, &self.udev)
    }
}
