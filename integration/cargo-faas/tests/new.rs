//! `cargo faas new`: each template compiles, passes its own tests, and runs, under both runtimes, on AWS and on plain
//! HTTP; and `cargo faas dev` serves it at once.
//!
//! The templates in Rust are members of one workspace, so that the SDK is built once; that a workspace takes them in is
//! shown on the way.
#![forbid(unsafe_code)]

mod dev_rig;

use integration::artifacts::{self, Runtime};
use integration::client::Client;
use integration::deployment::Deployment;
use integration::needs;
use integration::on_http::OnHttp;
use integration::wait;
use libtest_mimic::Failed;
use platform_emulators::process::{Process, Signal};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A template in Rust, the output of `invoke` for it, and a request on plain HTTP, with its status and a part of its
/// reply.
struct Case {
    template: &'static str,
    said: &'static str,
    request: &'static str,
    status: u16,
    reply: &'static str,
}

const CASES: [Case; 6] = [
    Case {
        template: "http",
        said: r#"{"hello":"Ada Lovelace","platform":"aws-lambda"}"#,
        request: "/?name=ada",
        status: 200,
        reply: r#"{"hello":"ada","platform":"http"}"#,
    },
    Case { template: "event", said: "working on order 8", request: "/", status: 400, reply: "" },
    Case { template: "class", said: "GET /notes, ", request: "/notes", status: 200, reply: "[]" },
    Case { template: "layer", said: "x-served-by: new-layer", request: "/", status: 200, reply: "hello" },
    Case {
        template: "service",
        said: "          [1,2,3]\n",
        request: "/orders/7",
        status: 200,
        reply: r#"{"id":7,"currency":"EUR"}"#,
    },
    Case {
        template: "axum",
        said: "          hello\n",
        request: "/items/7",
        status: 200,
        reply: r#"{"id":7,"name":"tea"}"#,
    },
];

/// Returns the target folder of the templates' workspace. It is not that of other tests, with which it has nothing in
/// common.
fn target() -> PathBuf {
    artifacts::target_of_tool(Path::new("new"))
}

/// The settings of the build: small, as in `tests/project.rs`, since nobody debugs it.
const BUILT: [(&str, &str); 2] = [("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_INCREMENTAL", "0")];

fn tool(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the tool starts")
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
    command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", target()).envs(BUILT);
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn done(output: &Output) -> Result<String, Failed> {
    if output.status.success() { Ok(text(output)) } else { Err(format!("{}:\n{}", output.status, text(output)).into()) }
}

fn contains(text: &str, wanted: &str) -> Result<(), Failed> {
    if text.contains(wanted) { Ok(()) } else { Err(format!("expected {wanted:?} in:\n{text}").into()) }
}

/// The workspace, and the lock that keeps it for this run.
struct Made {
    folder: PathBuf,
    _lock: File,
}

/// Returns a workspace with one project of each template in Rust, whose tests have passed.
fn workspace() -> Result<&'static Path, Failed> {
    static MADE: OnceLock<Result<Made, String>> = OnceLock::new();
    let make = || -> Result<Made, Failed> {
        // The place is the same from run to run, for one run at a time: cargo would keep the built files of every other
        // place.
        let folder = target().join("made");
        std::fs::create_dir_all(target())?;
        let lock = File::create(target().join("made.lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = []\n")?;
        // The versions are those that this repository is built with, which are on this machine.
        std::fs::copy(artifacts::workspace().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        for Case { template, .. } in CASES {
            let said = done(&tool(&folder, &["new", &format!("new-{template}"), "--template", template]))?;
            contains(&said, "is now a member of ")?;
        }
        let mut tests = artifacts::cargo();
        tests.args(["test", "--workspace", "--offline"]).current_dir(&folder);
        tests.env("CARGO_TARGET_DIR", target()).envs(BUILT);
        let said = done(&tests.output()?)?;
        for Case { template, .. } in CASES {
            contains(&said, &format!("new_{template}-"))?;
        }
        if said.contains("warning: ") {
            return Err(format!("the compiler warns of a template:\n{said}").into());
        }
        Ok(Made { folder, _lock: lock })
    };
    let made = MADE.get_or_init(|| make().map_err(|failed| failed.message().unwrap_or_default().to_owned()));
    made.as_ref().map(|made| made.folder.as_path()).map_err(Into::into)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("paths of artefacts are text")
}

/// Runs `cargo faas invoke` in the project's folder, as its README says.
fn is_invoked(case: &Case, runtime: &Runtime) -> Result<(), Failed> {
    let folder = workspace()?.join(format!("new-{}", case.template));
    // A dev of another project of the workspace may run meanwhile.
    let alone = ["invoke", "--alone", "--runtime", path(&runtime.path)];
    let invoke = |more: &[&str]| done(&tool(&folder, &[&alone[..], more].concat()));
    contains(&invoke(&[])?, case.said)?;
    // These are the other commands of the README.
    match case.template {
        "class" => contains(&invoke(&["--function", "forget"])?, "function forget, "),
        "event" => contains(&invoke(&["--data", r#"{"order":7}"#])?, "working on order 7"),
        "layer" => contains(&invoke(&["--env", r#"FAAS_LAYER_NEW_LAYER_STAMP={"header":"x-by"}"#])?, "x-by: new-layer"),
        "service" => {
            contains(&invoke(&["--function", "report"])?, "3 orders")?;
            contains(&invoke(&["--env", "GUARD_KEY=sesame"])?, "reply     401, ")
        }
        _ => Ok(()),
    }
}

/// Returns the commands of the tool in a project's README, as a shell takes them.
fn commands_of_readme(project: &Path) -> Result<Vec<String>, Failed> {
    let readme = std::fs::read_to_string(project.join("README.md"))?;
    let commands = readme.lines().filter_map(|line| line.strip_prefix("$ "));
    Ok(commands.filter(|command| command.starts_with("cargo faas ")).map(str::to_owned).collect())
}

/// Runs a command of a README in its project, with this tool as `cargo faas`, which is given `more` behind the command's
/// own words.
fn as_in_readme(project: &Path, command: &str, more: &str) -> Result<String, Failed> {
    let script = format!("cargo() {{ shift; \"$TOOL\" \"$@\" $MORE; }}\n{command}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(project).env("TOOL", env!("CARGO_BIN_EXE_cargo-faas")).env("MORE", more);
    let output = shell.env("CARGO_TARGET_DIR", target()).envs(BUILT).output()?;
    done(&output).map_err(|failed| format!("{command}: {}", failed.message().unwrap_or_default()).into())
}

/// Packages a project as its README says, with what is built already.
fn is_packaged(project: &Path, runtime: &Runtime) -> Result<(), Failed> {
    let commands = commands_of_readme(project)?;
    let command = commands.iter().find(|command| command.starts_with("cargo faas package"));
    let command = command.ok_or("the README says how the project is packaged")?;
    let out = tempfile::tempdir()?;
    let runtime = path(&runtime.path);
    let more = format!("--profile dev --runtime {runtime} --linker cargo --glibc 99.0 --out {}", path(out.path()));
    contains(&as_in_readme(project, command, &more)?, "package   ")?;
    let written = std::fs::read_dir(out.path().join("aws-lambda"))?.filter_map(Result::ok);
    match written.filter(|entry| entry.path().extension().is_some_and(|end| end == "zip")).count() {
        0 => Err("no zip was written".into()),
        _ => Ok(()),
    }
}

/// Serves the library that `invoke` has built, in a folder as it is shipped, on plain HTTP.
fn serves_http(case: &Case, runtime: &Runtime) -> Result<(), Failed> {
    let folder = workspace()?.join(format!("new-{}", case.template));
    let library = format!("libnew_{}.so", case.template);
    done(&tool(&folder, &["invoke", "--alone", "--runtime", path(&runtime.path)]))?;
    let name = format!("new_{}", case.template);
    let mut deployment = Deployment::empty().file(&library, &target().join("debug").join(&library));
    let mut handler = name.as_str();
    if case.template == "service" {
        let manifests = tempfile::tempdir()?;
        done(&tool(&folder, &["manifest", "--unit", "web", "--out", path(manifests.path())]))?;
        let manifest = std::fs::read_to_string(manifests.path().join("web/faas.json"))?;
        deployment = deployment.manifest(&manifest);
        handler = "order";
    }
    let running = OnHttp::start(runtime, deployment, handler);
    let reply = running.get(case.request);
    if reply.status == case.status && reply.text().contains(case.reply) {
        return Ok(());
    }
    Err(format!("{}: {}\n{}", reply.status, reply.text(), running.process.output()).into())
}

/// Runs the test that `new` suggests, which passes, and fails once the greeting is another one.
fn is_tested(project: &Path, made: &str, source: &str) -> Result<(), Failed> {
    let next = made.lines().find_map(|line| line.strip_prefix("next      ")?.split_once(", then: "));
    let test = next.and_then(|(_, next)| next.strip_suffix(", cargo faas invoke")).ok_or("new suggests a test")?;
    let run = || Command::new("sh").args(["-c", test]).current_dir(project).output();
    let said = done(&run()?)?;
    if said.contains("warning: ") {
        return Err(format!("the compiler warns of the test:\n{said}").into());
    }
    let file = project.join(source);
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&file, text.replace("\"hello, \"", "\"goodbye, \""))?;
    let is_noticed = !run()?.status.success();
    std::fs::write(&file, text)?;
    if is_noticed { Ok(()) } else { Err("the test passes with another greeting".into()) }
}

/// Makes a project without cargo, tests it, compiles it by the tool and by the line of its README, and runs it.
fn native(template: &str, runtime: &Runtime) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let made = done(&tool(folder.path(), &["new", "new-greet", "--template", template]))?;
    let project = folder.path().join("new-greet");
    is_tested(&project, &made, &format!("hello.{template}"))?;
    let said = done(&tool(&project, &["invoke", "--runtime", path(&runtime.path)]))?;
    contains(&said, "          hello, Ada Lovelace\n")?;
    contains(&said, "function hello")?;
    let readme = std::fs::read_to_string(project.join("README.md"))?;
    let line = readme.split("By hand it is:\n\n```console\n$ ").nth(1).and_then(|rest| rest.split("\n```").next());
    let line = line.ok_or("the README has a line that compiles")?;
    done(&Command::new("sh").args(["-c", line]).current_dir(&project).output()?)?;
    let library = project.join("libnew_greet.so");
    let said = done(&tool(&project, &["invoke", "--runtime", path(&runtime.path), "--function", path(&library)]))?;
    contains(&said, "          hello, Ada Lovelace\n")?;
    std::fs::remove_file(&library)?;
    is_packaged(&project, runtime)
}

/// A running dev.
struct Dev {
    process: Process,
    address: SocketAddr,
}

impl Dev {
    /// Serves the project in a folder, once it is built.
    fn start(folder: &Path, runtime: &Runtime) -> Result<Dev, Failed> {
        let arguments = ["dev", "--port", "0", "--no-spans", "--runtime", path(&runtime.path)];
        let process = Process::spawn(command(folder, &arguments), |_| ())?;
        let address = dev_rig::serving(&process);
        let dev = Dev { process, address };
        dev.line("deployed  1, ")?;
        Ok(dev)
    }

    fn line(&self, wanted: &str) -> Result<(), Failed> {
        let found = self.process.wait_for_line(|line| line.contains(wanted), wait::limit() * 3);
        found.map(drop).map_err(|late| format!("no line with {wanted:?}: {late}").into())
    }

    /// Returns the status and the body of the answer to a GET request.
    fn get(&self, target: &str) -> Result<(u16, String), Failed> {
        let reply = Client::connect(self.address)?.call("GET", target, "", b"")?;
        Ok((reply.status, reply.text()))
    }

    fn leave(self) -> Result<(), Failed> {
        self.process.signal(Signal::Int)?;
        let status = self.process.wait(wait::limit()).map_err(|late| late.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("{status}: {}", self.process.output()).into()) }
    }
}

/// Runs `cargo faas dev` in the project's folder, and sends it the first request, or the first event.
fn answers_in_dev(case: &Case, runtime: &Runtime) -> Result<(), Failed> {
    // A workspace has one dev at a time.
    static RUNS: Mutex<()> = Mutex::new(());
    let folder = workspace()?.join(format!("new-{}", case.template));
    let _runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    let dev = Dev::start(&folder, runtime)?;
    if case.template == "event" {
        contains(&done(&tool(&folder, &["invoke"]))?, "event aws/sqs on work: 200, ")?;
        dev.line(case.said)?;
        return dev.leave();
    }
    let (status, body) = dev.get(case.request)?;
    if status != case.status || !body.contains(case.reply) {
        return Err(format!("{status}: {body}\n{}", dev.process.output()).into());
    }
    dev.leave()
}

/// Serves a project without cargo by `cargo faas dev`, and changes a word of it.
fn native_is_swapped(template: &str, source: &str, runtime: &Runtime) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    done(&tool(folder.path(), &["new", "new-greet", "--template", template]))?;
    let project = folder.path().join("new-greet");
    let dev = Dev::start(&project, runtime)?;
    let is = |wanted: &str| {
        let reply = dev.get("/?name=ada")?;
        if reply == (200, wanted.to_owned()) { Ok(()) } else { Err(Failed::from(format!("{wanted}: {reply:?}"))) }
    };
    is("hello, ada")?;
    let file = project.join(source);
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&file, text.replace("\"hello, \"", "\"goodbye, \""))?;
    dev.line("deployed  2, ")?;
    is("goodbye, ada")?;
    std::fs::write(&file, text.replace("\"hello, \"", "\"hello, "))?;
    dev.line("failed: build: ")?;
    dev.line("deployment 2 goes on")?;
    is("goodbye, ada")?;
    dev.leave()
}

fn names_and_folders_are_checked() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("there"))?;
    let there = tool(folder.path(), &["new", "there"]);
    let error = "failed: new: ./there is there already; give another name, or another folder by --path\n";
    assert_eq!((there.status.code(), text(&there).as_str()), (Some(1), error));
    for (name, why) in [
        ("a/b", "expected a letter, then letters, digits, `-` and `_`"),
        ("fn", "the name is taken, by a word of Rust's or a crate that the project uses"),
    ] {
        let wrong = tool(folder.path(), &["new", name]);
        let error =
            format!("error: invalid value '{name}' for '<NAME>': {why}\n\nFor more information, try '--help'.\n");
        assert_eq!((wrong.status.code(), text(&wrong)), (Some(2), error));
    }
    let nowhere = tool(folder.path(), &["new", "shop", "--path", "nowhere"]);
    assert_eq!(nowhere.status.code(), Some(1), "{}", text(&nowhere));
    contains(&text(&nowhere), "failed: new: the folder for it: No such file or directory")?;
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "nothing else was made");
    Ok(())
}

fn a_crate_by_itself_says_how_it_is_shipped() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let said = done(&tool(folder.path(), &["new", "shop"]))?;
    contains(&said, "made      shop: Cargo.toml, src/lib.rs, README.md, .gitignore\n")?;
    contains(&std::fs::read_to_string(folder.path().join("shop/Cargo.toml"))?, "[profile.release]\n")?;
    // A folder in a crate that is no workspace is no member of one.
    let said = done(&tool(&folder.path().join("shop"), &["new", "inner"]))?;
    assert!(!said.contains("member"), "{said}");
    Ok(())
}

/// Asks for the help of each command of each README with its options, which have to be ones of that command.
fn the_tool_takes_the_options_of_every_readme() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for template in CASES.iter().map(|case| case.template).chain(["c", "go"]) {
        let name = format!("new-{template}");
        done(&tool(folder.path(), &["new", &name, "--template", template]))?;
        let project = folder.path().join(&name);
        let commands = commands_of_readme(&project)?;
        assert!(commands.len() >= 3, "{template}: {commands:?}");
        commands.iter().try_for_each(|command| as_in_readme(&project, command, "--help").map(|_| ()))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut trials = vec![
        needs::always("names_and_folders_are_checked", names_and_folders_are_checked),
        needs::always("a_crate_by_itself_says_how_it_is_shipped", a_crate_by_itself_says_how_it_is_shipped),
        needs::always("the_tool_takes_the_options_of_every_readme", the_tool_takes_the_options_of_every_readme),
    ];
    for name in ["bootstrap", "light_bootstrap"] {
        let runtime = move || match name {
            "bootstrap" => artifacts::get().bootstrap(),
            _ => artifacts::get().light_bootstrap(),
        };
        for case in &CASES {
            let template = case.template;
            trials.push(needs::always(&format!("{template}_is_invoked::{name}"), move || is_invoked(case, runtime())));
            trials
                .push(needs::always(&format!("{template}_serves_http::{name}"), move || serves_http(case, runtime())));
            let project = move || Ok::<_, Failed>(workspace()?.join(format!("new-{template}")));
            let packaged = move || is_packaged(&project()?, runtime());
            trials.push(needs::always(&format!("{template}_is_packaged::{name}"), packaged));
        }
        trials.push(needs::always(&format!("c_is_invoked::{name}"), move || native("c", runtime())));
        let go = needs::program("go");
        trials.push(needs::once(&go, &format!("go_is_invoked::{name}"), move |_| {
            native("go", runtime()).map_err(|failed| failed.message().unwrap_or_default().to_owned())
        }));
    }
    let runtime = || artifacts::get().bootstrap();
    for case in &CASES {
        let name = format!("{}_answers_in_dev", case.template);
        trials.push(needs::always(&name, move || answers_in_dev(case, runtime())));
    }
    let swapped = "is_built_again_and_swapped_by_dev";
    trials.push(needs::always(&format!("c_{swapped}"), move || native_is_swapped("c", "hello.c", runtime())));
    trials.push(needs::once(&needs::program("go"), &format!("go_{swapped}"), move |_| {
        let swapped = native_is_swapped("go", "hello.go", runtime());
        swapped.map_err(|failed| failed.message().unwrap_or_default().to_owned())
    }));
    needs::run(trials)
}
