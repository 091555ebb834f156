//! The image of a unit: a Dockerfile of two stages, and the commands that build and push it.
//!
//! The first stage holds the package against the C library of the second one, so that a library that was built on a
//! newer system fails the build and not the first call.

use super::File;
use super::deployment::Deployment;
use super::script::{DOCKER, Script, UNZIP, quoted, unpack};
use super::site::Site;
use crate::diagnostic::Diagnostic;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Returns the name that the image is pushed to: `ghcr.io/me/shop-dev-order:latest`.
pub(super) fn name(site: &Site<'_>, deployment: &Deployment<'_>) -> String {
    // The name of a repository has no capitals.
    let repository = deployment.name.to_ascii_lowercase();
    format!("{}/{repository}:{}", site.options.registry, site.options.tag)
}

/// Reports deployments whose images have one name: all would run the one that is pushed last. A platform whose names
/// have no capitals needs no such look.
pub(super) fn wants_own_images<'d>(site: &Site<'_>, deployments: impl Iterator<Item = &'d Deployment<'d>>) {
    let mut images: BTreeMap<String, &Deployment<'_>> = BTreeMap::new();
    for deployment in deployments {
        let image = name(site, deployment);
        let message = format!("the images of two deployments are called `{image}`");
        // Two of one name are reported as such.
        if let Some(earlier) = images.insert(image, deployment).filter(|earlier| earlier.name != deployment.name) {
            let help = "the name of an image has no capitals: give one of them another `name`";
            let diagnostic = Diagnostic::error("same-name", deployment.span(), message);
            site.add(diagnostic.other(earlier.span(), "the other one").help(help));
        }
    }
}

/// The folder of a package with the files for its image.
const FOLDER: &str = "app";

/// Makes the image of a platform whose packages are zips.
pub(super) fn build_of_zip(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    variables: &[(&str, &str)],
    script: &mut Script,
) -> File {
    let unit = &deployment.unit.name;
    let context = format!("{unit}/package");
    script.run(UNZIP, unpack(site, unit, &format!("{context}/{FOLDER}"), &[]));
    made(site, deployment, variables, &context, script)
}

/// Makes the Dockerfile of a unit, as `<unit>/Dockerfile`, and the commands. `variables` are set in the image.
pub(super) fn build(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    variables: &[(&str, &str)],
    script: &mut Script,
) -> File {
    let context = format!("{}/{}", site.options.packages, deployment.unit.name);
    made(site, deployment, variables, &context, script)
}

fn made(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    variables: &[(&str, &str)],
    context: &str,
    script: &mut Script,
) -> File {
    let unit = &deployment.unit.name;
    let image = quoted(&name(site, deployment));
    let context = quoted(context);
    let file = quoted(&format!("{unit}/Dockerfile"));
    let machine = if site.options.machine == "aarch64" { "linux/arm64" } else { "linux/amd64" };
    script.run(DOCKER, format!("docker build --platform {machine} --file {file} --tag {image} {context}"));
    script.run(DOCKER, format!("docker push {image}"));
    File { path: format!("{unit}/Dockerfile"), text: dockerfile(site, deployment, variables) }
}

fn dockerfile(site: &Site<'_>, deployment: &Deployment<'_>, variables: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}", site.head());
    let _ = writeln!(out, "# The context is the unit's package, with its files in the folder {FOLDER}.");
    out.push_str(
        "FROM debian:12-slim AS package\n\
         WORKDIR /app\n\
         COPY app/ .\n\
         # What was built on a system with a newer C library is found here, and not by the first call.\n\
         RUN chmod 755 bootstrap \\\n \
             && find . -type f \\( -name bootstrap -o -name '*.so' \\) -exec ldd {} + > /tmp/libraries \\\n \
             && ! grep 'not found' /tmp/libraries\n\
         \n\
         FROM gcr.io/distroless/cc-debian12:latest\n\
         COPY --from=package /app /app\n\
         WORKDIR /app\n",
    );
    for (name, value) in variables {
        if value.contains(['\n', '\r']) {
            let message = format!("the value of `{name}` has several lines, and none in an image may");
            let help = "the manifest in the package has it, where the function sees it";
            site.lacks(deployment.span(), message, help);
            continue;
        }
        let _ = writeln!(out, "ENV {name}={}", env_value(value));
    }
    if needs_default(deployment) {
        // Events without the name of a function belong to the only function.
        let _ = writeln!(out, "ENV FAAS_HANDLER={}", env_value(&deployment.handler));
    }
    // Fn's agent shares a folder with the user that its own images have.
    let user = if site.platform == "fn" { "1000:1000" } else { "65532:65532" };
    let _ = writeln!(out, "USER {user}\nENTRYPOINT [\"/app/bootstrap\"]");
    out
}

/// Returns `true` if a unit of one function gets events that are no requests: the function is the default one then. A
/// unit of requests alone has no default, so that an unknown path is 404.
fn needs_default(deployment: &Deployment<'_>) -> bool {
    deployment.only().is_some() && deployment.triggers.iter().any(|trigger| !trigger.is_http())
}

fn env_value(value: &str) -> String {
    let mut out = String::from("\"");
    for char in value.chars() {
        if matches!(char, '"' | '\\' | '$') {
            out.push('\\');
        }
        out.push(char);
    }
    out.push('"');
    out
}
