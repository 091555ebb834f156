//! Deployment files for each platform's own tool, made of a yml. Nothing is written or run here.
//!
//! | module | holds |
//! |---|---|
//! | [`document`] | a value of such a file; writing it as YAML or JSON |
//! | `site` | the yml as a platform's writer asks it: keys that are taken, and a report of those left over |
//! | `deployment` | one unit on one platform: name, limits, variables, triggers |
//! | `names` | the names that platforms take, and what becomes of others |
//! | `script` | the commands that deploy, as a shell script |
//! | `image`, `probes` | the parts that platforms of images have in common |
//! | all others | one platform each |
//!
//! Routes and schedules are those of [`gateway`](crate::gateway) and [`cron`](crate::cron), as `explain` says them.

mod aliyun_fc;
mod aws_lambda;
mod azure_container_apps;
mod azure_functions;
mod deployment;
pub mod document;
mod fn_project;
mod google_cloud;
mod http;
mod huawei_functiongraph;
mod image;
mod knative;
mod kubernetes;
mod names;
mod openfaas;
mod openwhisk;
mod probes;
mod script;
mod site;
mod tencent_scf;
mod vefaas;
mod yandex;

pub use script::{Step, Tool};

use crate::Spec;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Sources;
use script::Script;
use site::Site;

/// The values in the files that no yml knows.
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    /// The folder of the packages, from the folder of the files: `../../dist/aws-lambda`. In it lies `<unit>.zip`, or
    /// the folder `<unit>`.
    pub packages: &'o str,
    /// The registry that images are pushed to: `ghcr.io/me`.
    pub registry: &'o str,
    /// The tag of all images.
    pub tag: &'o str,
    /// The machine that the packages are built for, as Rust calls it: `x86_64` or `aarch64`.
    pub machine: &'o str,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path from the folder of the platform's files, with `/`.
    pub path: String,
    /// The text of the file.
    pub text: String,
}

/// The deployment files of a service on one platform.
#[derive(Debug)]
pub struct Templates {
    /// The files; empty if there is an error among the diagnostics.
    pub files: Vec<File>,
    /// The findings: requests of the yml that the platform does not have, or has in another way.
    pub diagnostics: Vec<Diagnostic>,
    /// The steps of a deployment, in order, to be run in the folder of the files. The file `deploy.sh` has the same.
    pub steps: Vec<Step>,
}

/// The list of files that `deploy.sh` unpacks and fills in, which are to be kept out of a repository.
const UNPACKED: &str = "\
# What deploy.sh puts here.
.app
.code
.request.json
.parameters.yaml
.secret-*
.config.json
.gateway.yaml
/*/code/
/*/package/
";

/// Makes the deployment files of a service. `platform` is one of [`platform_names`](crate::platform_names), and the
/// service has been read for it.
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
/// use serverless_spec::deploy::{Options, templates};
///
/// let read = read_text(text);
/// let spec = read.spec.as_ref().expect("it is right");
/// let options = Options { packages: "../dist", registry: "ghcr.io/me", tag: "1", machine: "x86_64" };
/// let templates = templates(spec, &read.sources, "knative", &options);
/// assert!(templates.files.iter().any(|file| file.text.contains("ghcr.io/me/")));
/// assert!(templates.files.iter().any(|file| file.path == "deploy.sh"));
/// ```
pub fn templates(spec: &Spec, sources: &Sources, platform: &'static str, options: &Options<'_>) -> Templates {
    let site = Site::new(spec, sources, platform, *options);
    let mut script = Script::default();
    let deployments = deployment::all(&site);
    let write: fn(&Site<'_>, &[deployment::Deployment<'_>], &mut Script) -> Vec<File> = match platform {
        "aliyun-fc" => aliyun_fc::write,
        "aws-lambda" => aws_lambda::write,
        "azure-container-apps" => azure_container_apps::write,
        "azure-functions" => azure_functions::write,
        "fn" => fn_project::write,
        "google-cloud" => google_cloud::write,
        "huawei-functiongraph" => huawei_functiongraph::write,
        "knative" => knative::write,
        "kubernetes" => kubernetes::write,
        "openfaas" => openfaas::write,
        "openwhisk" => openwhisk::write,
        "tencent-scf" => tencent_scf::write,
        "vefaas" => vefaas::write,
        "yandex" => yandex::write,
        "http" => http::write,
        other => unreachable!("{other} is none of the platforms' names"),
    };
    let mut files = write(&site, &deployments, &mut script);
    files.push(File { path: "deploy.sh".to_owned(), text: script.text(&site) });
    files.push(File { path: ".gitignore".to_owned(), text: UNPACKED.to_owned() });
    let diagnostics = site.into_diagnostics();
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        files.clear();
    }
    Templates { files, diagnostics, steps: script.into_steps() }
}
