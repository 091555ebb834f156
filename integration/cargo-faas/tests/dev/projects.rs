//! Projects that dev builds, and builds again when something of them changes.

use crate::dev_rig::{Rig, serving, tool};
use crate::{run, text};
use integration::artifacts;
use platform_emulators::process::Process;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// Writes a file of a project.
fn write(place: &Path, name: &str, content: &str) {
    let path = place.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
    std::fs::write(path, content).expect("it is written");
}

/// Returns the manifest of a crate that makes a module.
fn cargo_toml(name: &str) -> String {
    let sdk = artifacts::workspace().join("handlers-sdk");
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
         [dependencies]\nhandlers-sdk = {{ path = {sdk:?}, default-features = false }}\n"
    )
}

/// Serves the project in a folder, once it is built, with more options.
fn serve_project(folder: TempDir, more: &[&str]) -> Rig {
    std::fs::copy(artifacts::workspace().join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("it is copied");
    let mut command = tool(folder.path());
    command.args(["dev", "--port", "0", "--no-spans", "--runtime"]).arg(&artifacts::get().bootstrap().path).args(more);
    // The built files stay for the next run; the project itself is another one each time.
    command.env("CARGO_TARGET_DIR", artifacts::target().join("dev-test-project")).env("CARGO_NET_OFFLINE", "true");
    command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    let dev = Process::spawn(command, |_| ()).expect("the tool starts");
    let address = serving(&dev);
    let rig = Rig { dev, address, folder };
    rig.line("deployed  1, ");
    rig
}

#[test]
fn with_light_it_is_light_bootstrap_that_serves() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().to_owned();
    assert!(run(&place, &["new", "greet", "--template", "c"]).status.success());
    // A project in C needs no cargo, so that only the runtime is asked for: this one has it built already.
    let built = &artifacts::get().light_bootstrap().path;
    let cargo = format!(
        "#!/bin/sh\ncase \"$*\" in *'-p light-runtime'*) ;; *) exit 1 ;; esac\ncat <<'END'\n{}\nEND\n",
        serde_json::json!({
            "reason": "compiler-artifact", "package_id": "path+file:///r#light-runtime@0",
            "target": {"name": "light-bootstrap", "kind": ["bin"]}, "executable": built,
        })
    );
    write(&place, "cargo", &cargo);
    std::fs::set_permissions(place.join("cargo"), Permissions::from_mode(0o755)).expect("it can be made a program");
    let mut command = tool(&place);
    command.args(["dev", "--light", "--no-spans", "--port", "0"]).current_dir(place.join("greet"));
    command.env("CARGO", place.join("cargo")).env("FAAS_CACHE", place.join("cache"));
    let dev = Process::spawn(command, |_| ()).expect("the tool starts");
    let address = serving(&dev);
    let rig = Rig { dev, address, folder };
    rig.line("deployed  1, ");
    assert_eq!(rig.get("/?name=ada").text(), "hello, ada");
    for pid in rig.pids() {
        let runs = std::fs::read_link(format!("/proc/{pid}/exe")).expect("it runs");
        assert_eq!(runs.file_name().and_then(|name| name.to_str()), Some("light-bootstrap"), "{}", runs.display());
    }
    rig.leave();
}

#[test]
fn a_layer_is_served_again_when_its_source_or_its_configuration_changes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().to_owned();
    let code = |word: &str| {
        format!(
            "use handlers_sdk::{{Config, Error, Layer, ReplyHead, layer}};\npub struct Stamp(String);\n\
             #[layer(name = \"stamp\")]\nimpl Layer for Stamp {{\n    \
             fn create(config: &Config) -> Result<Self, Error> {{\n        \
             Ok(Stamp(String::from_utf8_lossy(config.json()).into_owned()))\n    }}\n    \
             fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {{\n        \
             head.set_header(\"x-stamp\", &format!(\"{word}, {{}}\", self.0))\n    }}\n}}\n"
        )
    };
    let yml = |by: &str| {
        format!(
            "service: layered\nlayers:\n  - {{name: stamp, config: {{by: {by}}}}}\nfunctions:\n  greet:\n    handler: layered.greet\n    \
             events:\n      - http: {{path: /greet, method: get}}\n"
        )
    };
    write(&place, "Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"layered\", \"stamp\"]\n");
    // The target folder is shared with the test below, whose library is called `shop`.
    write(&place, "layered/Cargo.toml", &cargo_toml("layered"));
    write(
        &place,
        "layered/src/lib.rs",
        "#[handlers_sdk::function]\npub fn greet() -> &'static str {\n    \"hello\"\n}\n",
    );
    write(&place, "stamp/Cargo.toml", &cargo_toml("stamp"));
    write(&place, "stamp/src/lib.rs", &code("made"));
    write(&place, "serverless.yml", &yml("ada"));
    let rig = serve_project(folder, &[]);
    let stamp = || {
        let reply = rig.get("/greet");
        (reply.text(), reply.header("x-stamp").unwrap_or_default().to_owned())
    };
    assert_eq!(stamp(), ("hello".to_owned(), r#"made, {"by":"ada"}"#.to_owned()));
    write(&place, "stamp/src/lib.rs", &code("mended"));
    rig.until("the changed layer stands around", || (stamp().1 == r#"mended, {"by":"ada"}"#).then_some(()));
    write(&place, "serverless.yml", &yml("eve"));
    rig.until("its configuration is read again", || (stamp().1 == r#"mended, {"by":"eve"}"#).then_some(()));
    write(&place, "stamp/src/lib.rs", "this is no Rust");
    rig.line("failed: build: ");
    assert_eq!(stamp(), ("hello".to_owned(), r#"mended, {"by":"eve"}"#.to_owned()));
    rig.leave();
}

/// A class with a route and a timer, beside which a layer may stand.
const CLASS: &str = "use handlers_sdk::{Path, functions};\nstruct Notes;\n#[functions]\nimpl Notes {\n    #[init]\n    \
    async fn new() -> Self {\n        Notes\n    }\n    #[http(get, \"/notes/{id}\")]\n    \
    async fn note(&self, Path(id): Path<u64>) -> String {\n        format!(\"note {id}\")\n    }\n    \
    #[timer(every = \"1s\")]\n    fn forget(&self) {}\n}\n";

const LAYER: &str = "use handlers_sdk::{Layer, layer};\n#[derive(Default)]\nstruct Stamp;\n#[layer(name = \"stamp\")]\n\
    impl Layer for Stamp {}\n";

#[test]
fn beside_a_layer_the_timers_and_routes_of_a_class_are_those_of_its_attributes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().to_owned();
    // Values of paths are read by serde.
    let manifest = cargo_toml("notes").replace("default-features = false", "features = [\"json\"]");
    write(&place, "Cargo.toml", &format!("{manifest}[workspace]\n"));
    write(&place, "src/lib.rs", &format!("{CLASS}{LAYER}"));
    let rig = serve_project(folder, &[]);
    assert_eq!(rig.get("/notes/7").text(), "note 7");
    let fired = rig.invocation(|one| one["title"] == "event timer forget");
    assert_eq!((&fired["function"], &fired["failed"]), (&"forget".into(), &false.into()), "{fired}");
    // The request goes through the front, as it does without the layer.
    let own = run(&place, &["invoke", "--function", "note"]);
    assert_eq!(text(&own.stdout), "note 1\n", "{}", text(&own.stderr));
    assert!(text(&own.stderr).contains("GET /notes/1 on note: 200, "), "{}", text(&own.stderr));
    // As an event it brings its parameters to the function alone, which has no routes.
    let event = run(&place, &["invoke", "--function", "note", "--platform", "aws"]);
    assert!(text(&event.stdout).contains("\"body\":\"note 1\""), "{}{}", text(&event.stdout), text(&event.stderr));
    write(&place, "src/lib.rs", CLASS);
    let mut alone = tool(&place);
    alone.args(["invoke", "--alone", "--function", "note", "--runtime"]).arg(&artifacts::get().bootstrap().path);
    alone.env("CARGO_TARGET_DIR", artifacts::target().join("dev-test-project")).env("CARGO_NET_OFFLINE", "true");
    alone.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    let alone = alone.output().expect("the tool starts");
    assert!(text(&alone.stdout).contains("          note 1\n"), "{}{}", text(&alone.stdout), text(&alone.stderr));
    rig.leave();
}

#[test]
fn a_project_is_built_again_when_its_code_its_yml_or_its_environment_changes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().to_owned();
    let write = |name: &str, content: &str| write(&place, name, content);
    write("Cargo.toml", &format!("{}[workspace]\n", cargo_toml("shop")));
    let code = |word: &str| {
        format!(
            "use handlers_sdk::{{FaasContext, function}};\n#[function]\npub fn greet(ctx: FaasContext) -> String {{\n    \
             format!(\"{word} {{}}{{}}\", ctx.env(\"NAME\").unwrap_or(\"nobody\"), ctx.env(\"SIGN\").unwrap_or_default())\n}}\n"
        )
    };
    let yml = |path: &str| {
        format!(
            "service: shop\nfunctions:\n  greet:\n    handler: shop.greet\n    environment:\n      NAME: ${{env:NAME, 'nobody'}}\n    \
             events:\n      - http: {{path: {path}, method: get}}\n"
        )
    };
    write("src/lib.rs", &code("hello"));
    write("serverless.yml", &yml("/greet"));
    // A file that an option names may lie anywhere.
    let elsewhere = tempfile::NamedTempFile::new().expect("a file can be made");
    let file = elsewhere.path().display().to_string();
    let rig = serve_project(folder, &["--env-file", &file]);
    assert_eq!(rig.get("/greet").text(), "hello nobody");
    write("src/lib.rs", &code("goodbye"));
    rig.until("the changed code serves", || (rig.get("/greet").text() == "goodbye nobody").then_some(()));
    write("src/lib.rs", "this is no Rust");
    rig.line("failed: build: ");
    rig.line(" goes on");
    let is_told = || rig.api("state")["failure"].as_str().is_some_and(|why| why.contains("--> src/lib.rs:1:"));
    rig.until("the console has the compiler's words", || is_told().then_some(()));
    assert_eq!(rig.get("/greet").text(), "goodbye nobody");
    write("src/lib.rs", &code("welcome"));
    rig.until("the mended code serves", || (rig.get("/greet").text() == "welcome nobody").then_some(()));
    write(".env", "NAME=ada\n");
    rig.until("the environment is read again", || (rig.get("/greet").text() == "welcome ada").then_some(()));
    std::fs::write(&file, "SIGN=!\n").expect("it is written");
    rig.until("the file of the option is read again", || (rig.get("/greet").text() == "welcome ada!").then_some(()));
    std::fs::write(&file, "").expect("it is written");
    rig.until("and once more", || (rig.get("/greet").text() == "welcome ada").then_some(()));
    write("serverless.yml", &yml("/hail"));
    rig.until("the yml is read again", || (rig.get("/hail").text() == "welcome ada").then_some(()));
    assert_eq!(rig.get("/greet").status, 404);
    // The file in the target folder has the address.
    let found = run(&rig.folder.path().join("src"), &["invoke", "--path", "/hail"]);
    assert_eq!(text(&found.stdout), "welcome ada\n", "{}", text(&found.stderr));
    let own = run(rig.folder.path(), &["invoke"]);
    assert_eq!(text(&own.stdout), "welcome ada\n", "{}", text(&own.stderr));
    let decided = run(rig.folder.path(), &["invoke", "--layers", "monitor"]);
    assert_eq!(decided.status.code(), Some(1), "{}", text(&decided.stdout));
    assert!(text(&decided.stderr).contains("--layers says how a runtime is built or started"));
    assert!(text(&decided.stderr).contains("start a runtime for this event with --alone"));
    // The end comes in the middle of a build, too.
    write("build.rs", "fn main() { loop { std::thread::park(); } }");
    let scripts = || {
        let commands = std::fs::read_dir("/proc")
            .expect("it is mounted")
            .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("cmdline")).ok());
        commands
            // Projects of other tests are built in the same folder, and their dependencies have scripts of their own.
            .filter(|command| command.contains("dev-test-project/debug/build/shop-"))
            .count()
    };
    rig.until("the build script runs", || (scripts() > 0).then_some(()));
    rig.leave();
    assert_eq!(scripts(), 0);
}
