//! The commands of pages that this test does not run, each with the reason.

use super::page::{Command, Page};

/// A line of the table of commands that are left out.
#[derive(Debug)]
pub(crate) struct LeftOut {
    /// The page; empty for any page.
    page: &'static str,
    /// The beginning of the command; for a block in `sh`, a text in it.
    command: &'static str,
    /// The reason why it cannot run here, and the test that shows its output instead.
    why: &'static str,
    /// `true` if it runs where nothing is too slow: with `FAAS_PAGES=all`.
    is_slow: bool,
}

const fn left_out(page: &'static str, command: &'static str, why: &'static str) -> LeftOut {
    LeftOut { page, command, why, is_slow: false }
}

const fn slow(page: &'static str, command: &'static str, why: &'static str) -> LeftOut {
    LeftOut { page, command, why, is_slow: true }
}

const DOCKER: &str = "Docker: a daemon, and a registry to take a base from";
const VENDOR: &str =
    "a vendor's tool and an account there; what deploy.sh has is held by tests/deploy.rs and the tests of templates";
const REPOSITORY: &str =
    "tests of this repository, which run by themselves; integration/tests/docs.rs holds their names";
const SETTINGS: &str = "variables and no command; the tests of layers hold them";
const ARM: &str = "minutes: one more build of a runtime and of all that a project needs; .ci/long runs it";
const DEBUGGER: &str = "a debugger's view of a process that hangs, or has died, at that moment";

/// All commands that are left out.
pub(crate) const LEFT_OUT: &[LeftOut] = &[
    left_out("", "docker ", DOCKER),
    slow("docs/packaging.md", "cargo faas package --platform tencent-scf --arch arm64", ARM),
    slow("docs/platforms/aws-lambda.md", "cargo faas package --platform aws-lambda --arch arm64", ARM),
    left_out("", "skopeo copy docker://", "a registry: an image is fetched; the base here is one that umoci makes"),
    left_out("", "skopeo copy oci:", "a registry: an image is sent; tests/package.rs has skopeo read it"),
    left_out("", "pip install ziglang", "what .ci/foreign brings with pinned versions"),
    left_out("", "rustup target add", "what .ci/foreign brings"),
    left_out(
        "",
        "cargo install --locked --path integration/cargo-faas",
        "minutes: this very program, optimised; it is in PATH here",
    ),
    left_out("", "cargo test --workspace", REPOSITORY),
    left_out("", "s deploy -t", VENDOR),
    left_out("", "sam deploy", VENDOR),
    left_out("", "az functionapp", VENDOR),
    left_out("", "gcloud run", VENDOR),
    left_out("", "hcloud FunctionGraph", VENDOR),
    left_out("", "wsk action create", VENDOR),
    left_out("", "scf deploy", VENDOR),
    left_out("", "ve vefaas", VENDOR),
    left_out("", "yc serverless", VENDOR),
    left_out("", "exec ./bootstrap", "a file of a package, which the tests of its platform start"),
    left_out("docs/layers.md", "FAAS_LAYERS=", SETTINGS),
    left_out("docs/contributing.md", "cargo ", REPOSITORY),
    left_out("docs/contributing.md", "FAAS_", REPOSITORY),
    left_out("docs/contributing.md", ".ci/foreign", REPOSITORY),
    left_out("docs/debugging.md", "cargo behaviour", REPOSITORY),
    left_out("docs/debugging.md", "cargo build -p light-runtime -p hello", DEBUGGER),
    left_out("docs/debugging.md", "gdb ", DEBUGGER),
    left_out("docs/debugging.md", "cd target/debug && FAAS_HANDLER=hello gdb", DEBUGGER),
    left_out("docs/debugging.md", "ulimit -c", DEBUGGER),
    left_out("docs/debugging.md", "FAAS_HANDLER=hello valgrind", DEBUGGER),
    left_out("docs/long-runs.md", "FAAS_SOAK=", REPOSITORY),
    left_out("docs/fuzzing.md", "integration/fuzz/run", "a nightly compiler, and hours; .ci/run has --smoke"),
    left_out(
        "docs/functions.md",
        "cd target/release && FAAS_MANIFEST=",
        "a path to fill in, and a server without an end",
    ),
    left_out(
        "docs/dev.md",
        "cargo faas dev --deployment",
        "a folder that something else fills; tests/dev.rs serves one",
    ),
];

/// Returns the number of the table's line for a command; `None` if it has no line.
pub(crate) fn entry(page: &Page, command: &Command) -> Option<usize> {
    LEFT_OUT.iter().position(|entry| {
        let is_of_page = entry.page.is_empty() || entry.page == page.name;
        let text = &command.text;
        is_of_page && if text.ends_with('\n') { text.contains(entry.command) } else { text.starts_with(entry.command) }
    })
}

/// Returns the reason why a command does not run here; `None` if it does.
pub(crate) fn reason(page: &Page, command: &Command) -> Option<&'static str> {
    let has_time = std::env::var_os("FAAS_PAGES").is_some_and(|pages| pages == "all");
    entry(page, command)
        .map(|index| &LEFT_OUT[index])
        .filter(|entry| !(entry.is_slow && has_time))
        .map(|entry| entry.why)
}
