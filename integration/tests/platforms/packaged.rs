//! The packages of `cargo faas package` on every platform: each is unpacked into an empty folder and started as the
//! platform does, under its emulator, and its routes and events are answered. Two runs from two folders write the same
//! bytes.
//!
//! The libraries and the runtime are those that all tests share. The tests of the tool show its own builds.

use crate::event_function::EventFunction;
use crate::rig::{Answer, Platform};
use crate::{
    aliyun_fc, aws_lambda, azure_functions, container_apps, fn_project, google_cloud, huawei_functiongraph, knative,
    kubernetes, openfaas, openwhisk, tencent_scf, vefaas, yandex,
};
use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use platform_emulators::aws_lambda::Options;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use tempfile::TempDir;

/// Starts a package on its platform.
type Start = fn(&Runtime, Deployment) -> Box<dyn Platform>;

/// A platform: the text before its paths, an event of the yml, the event as it is sent, and the ways to start.
struct Row {
    platform: &'static str,
    prefix: &'static str,
    timer: Option<&'static str>,
    starts: &'static [(&'static str, Start)],
}

const PLAIN: Row = Row { platform: "http", prefix: "", timer: None, starts: &[] };

const ROWS: &[Row] = &[
    Row {
        platform: "aliyun-fc",
        timer: Some(aliyun_fc::matrix::SEVERAL.events[0].1),
        starts: &[("bootstrap", |runtime, deployment| {
            Box::new(aliyun_fc::run::OnFc::named(
                runtime,
                deployment,
                "",
                platform_emulators::aliyun_fc::Options::default(),
            ))
        })],
        ..PLAIN
    },
    Row {
        platform: "aws-lambda",
        timer: Some(aws_lambda::matrix::SEVERAL.events[0].1),
        starts: &[("bootstrap", |runtime, deployment| {
            Box::new(OnAws::launch(runtime, deployment, "", Options::default()).polling())
        })],
        ..PLAIN
    },
    Row {
        platform: "azure-container-apps",
        starts: &[("bootstrap", |runtime, deployment| Box::new(container_apps::run::start(runtime, deployment, "")))],
        ..PLAIN
    },
    Row {
        platform: "azure-functions",
        prefix: "/api",
        timer: Some(azure_functions::matrix::SEVERAL.events[0].1),
        starts: &[("bootstrap", |runtime, deployment| {
            let mode = platform_emulators::azure_functions::Mode::Envelope;
            Box::new(azure_functions::run::OnAzure::start(runtime, deployment, "", mode))
        })],
    },
    Row {
        platform: "fn",
        prefix: "/t/app",
        starts: &[("bootstrap", |runtime, deployment| Box::new(fn_project::run::OnFn::start(runtime, deployment, "")))],
        ..PLAIN
    },
    Row {
        platform: "google-cloud",
        starts: &[("bootstrap", |runtime, deployment| {
            let options = google_cloud::run::service();
            Box::new(google_cloud::run::OnGoogle::start(runtime, deployment, "", options))
        })],
        ..PLAIN
    },
    Row {
        platform: "http",
        starts: &[("bootstrap", |runtime, deployment| Box::new(OnHttp::start(runtime, deployment, "")))],
        ..PLAIN
    },
    Row {
        platform: "huawei-functiongraph",
        timer: Some(huawei_functiongraph::matrix::SEVERAL.events[0].1),
        starts: &[("bootstrap", |runtime, deployment| {
            let options = huawei_functiongraph::run::options();
            let run = huawei_functiongraph::run::launch(runtime, deployment, "", options).polling();
            Box::new(EventFunction { run, event_of: huawei_functiongraph::matrix::event_of })
        })],
        ..PLAIN
    },
    Row {
        platform: "knative",
        starts: &[("bootstrap", |runtime, deployment| {
            Box::new(knative::run::OnKnative::start(runtime, deployment, "", knative::run::service()))
        })],
        ..PLAIN
    },
    Row {
        platform: "kubernetes",
        starts: &[("bootstrap", |runtime, deployment| Box::new(kubernetes::run::start(runtime, deployment, "")))],
        ..PLAIN
    },
    Row {
        platform: "openfaas",
        starts: &[("bootstrap", |runtime, deployment| {
            let options = platform_emulators::openfaas::Options::default();
            Box::new(openfaas::run::InPod::start(runtime, deployment, "", options))
        })],
        ..PLAIN
    },
    Row {
        platform: "openwhisk",
        starts: &[("exec", |_, deployment| Box::new(openwhisk::run::Below::of_package(deployment)))],
        ..PLAIN
    },
    Row {
        platform: "tencent-scf",
        timer: Some(tencent_scf::matrix::SEVERAL.events[0].1),
        starts: &[
            ("bootstrap", |runtime, deployment| {
                let run = tencent_scf::run::launch(runtime, deployment, None, tencent_scf::run::patient()).polling();
                Box::new(EventFunction { run, event_of: tencent_scf::matrix::event_of })
            }),
            ("scf_bootstrap", |runtime, deployment| Box::new(tencent_scf::run::start_web(runtime, deployment, ""))),
        ],
        ..PLAIN
    },
    Row {
        platform: "vefaas",
        starts: &[("run.sh", |runtime, deployment| {
            Box::new(vefaas::run::OnVefaas::start(runtime, deployment, "", None))
        })],
        ..PLAIN
    },
    Row {
        platform: "yandex",
        timer: Some(yandex::matrix::SEVERAL.events[0].1),
        starts: &[("handler.sh", |_, deployment| Box::new(yandex::matrix::Calls::of_package(deployment)))],
        ..PLAIN
    },
];

/// The runtime and the libraries without the tables for debuggers, which are most of them.
static STRIPPED: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("there is room");
    let built = artifacts::get();
    let library = |name: &str| (format!("lib{name}.so"), built.module(name));
    for (name, path) in [
        ("bootstrap".to_owned(), built.bootstrap().path.as_path()),
        library("inspect"),
        library("shop"),
        library("layer_cors"),
        library("layer_monitor"),
    ] {
        let output = Command::new("strip").args(["--strip-all", "-o"]).arg(folder.path().join(name)).arg(path).output();
        let output = output.expect("strip starts");
        assert!(output.status.success(), "{output:?}");
    }
    folder
});

/// Returns the yml of two functions: one has a route and a timer, the other a route of any method.
fn yml(row: &Row) -> String {
    let prefix = row.prefix;
    let timer = if row.timer.is_some() { "\n      - timer: {name: nightly, cron: 0 0 2 * * *}" } else { "" };
    format!(
        "service: shop\nprovider: {{name: {}}}\nlayers: {{monitor: {{}}}}\nfunctions:\n  orders:\n    handler: inspect\n    \
         config: {{word: of orders}}\n    events:\n      - http: {{path: '{prefix}/orders/:id', method: get}}{timer}\n  \
         stock:\n    handler: inspect\n    config: {{word: of stock}}\n    events:\n      \
         - http: {{path: {prefix}/stock, method: any}}\naggregation: {{shop: {{functionsPattern: ['*']}}}}\n",
        row.platform
    )
}

/// Runs the tool in a folder, with nothing of the caller's environment but `PATH`.
fn tool(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(artifacts::tool());
    command.args(arguments).current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    command.output().expect("the tool starts")
}

/// Packages the two functions in a folder of their own, which is returned.
fn package(row: &Row) -> TempDir {
    package_as(&yml(row), row.platform, &["inspect", "layer_monitor"])
}

/// Packages the deployments of a yml, of these libraries, in a folder of its own, which is returned. The packages are
/// in its `dist`.
pub(crate) fn package_as(yml: &str, platform: &str, libraries: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::write(folder.path().join("serverless.yml"), yml).expect("there is room");
    let path = |name: &str| STRIPPED.path().join(name).display().to_string();
    // These libraries want this machine's glibc, which is newer than that of some platforms.
    let mut arguments: Vec<String> =
        ["package", "--linker", "cargo", "--glibc", "99.0", "--platform", platform, "--runtime"]
            .map(str::to_owned)
            .to_vec();
    arguments.push(path("bootstrap"));
    arguments.extend(libraries.iter().flat_map(|name| ["--library".to_owned(), path(&format!("lib{name}.so"))]));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = tool(folder.path(), &arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{platform}: {said}");
    folder
}

/// Returns all files of a folder, by their paths in it, with their modes.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("it is a folder") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let mode = std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777;
            let inner = path.strip_prefix(folder).expect("it is inside").to_owned();
            found.insert(inner, (mode, std::fs::read(&path).expect("it can be read")));
        }
    }
    found
}

/// Makes the folder that the platform makes of a package: empty but for the files of the zip, or of the image.
pub(crate) fn unpacked(packages: &Path, name: &str) -> Deployment {
    let deployment = Deployment::empty();
    let zip = packages.join(format!("{name}.zip"));
    if zip.is_file() {
        // Another program tells the content of it, and the modes.
        let script = "import os, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1]) as zip:\n    for entry in zip.infolist():\n        \
                      path = zip.extract(entry, sys.argv[2])\n        os.chmod(path, entry.external_attr >> 16 & 0o7777)\n";
        let output = Command::new("python3").args(["-c", script]).arg(&zip).arg(deployment.root()).output();
        let output = output.expect("python3 starts");
        assert!(output.status.success(), "{output:?}");
        return deployment;
    }
    let app = packages.join(name).join("app");
    for (path, (mode, bytes)) in files(&app) {
        let target = deployment.path(&path.display().to_string());
        std::fs::create_dir_all(target.parent().expect("it has one")).expect("there is room");
        std::fs::write(&target, bytes).expect("there is room");
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    }
    deployment
}

fn inspected(answer: &Answer) -> Inspected {
    match answer {
        Answer::Reply { status: 200, body, .. } => Inspected::read(body),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_package_starts_by_what_its_platform_starts_and_answers_its_routes_and_events() {
    for row in ROWS {
        let folder = package(row);
        for (boot, start) in row.starts {
            let deployment = unpacked(&folder.path().join("dist").join(row.platform), "shop");
            let runtime = Runtime { name: "bootstrap", path: deployment.path(boot) };
            let mut platform = start(&runtime, deployment);
            let words = |platform: &dyn Platform| format!("{} by {boot}: {}", row.platform, platform.output());
            let answer = platform.request("GET", &format!("{}/orders/7", row.prefix), "");
            let seen = inspected(&answer);
            assert_eq!(
                (seen.text("function"), seen.text("word")),
                ("orders", "of orders"),
                "{}",
                words(platform.as_ref())
            );
            let seen = inspected(&platform.request("POST", &format!("{}/stock", row.prefix), "{}"));
            assert_eq!(seen.text("function"), "stock", "{}", words(platform.as_ref()));
            // A web function of Tencent's is sent requests alone.
            if let Some(event) = row.timer.filter(|_| *boot != "scf_bootstrap") {
                let seen = inspected(&platform.event("orders", event));
                assert_eq!(
                    (seen.text("function"), seen.text("trigger")),
                    ("orders", "timer"),
                    "{}",
                    words(platform.as_ref())
                );
            }
            assert!(platform.output().contains(r#""faas":"invocation""#), "{}", words(platform.as_ref()));
        }
    }
}

#[test]
fn there_is_a_row_for_every_platform() {
    let ours: Vec<&str> = ROWS.iter().map(|row| row.platform).collect();
    let output = tool(Path::new("/"), &["package", "--platform", "none"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, names) = said.trim_end().split_once("there are all, ").unwrap_or_else(|| panic!("{said}"));
    assert_eq!(names.split(", ").collect::<Vec<_>>(), ours);
}

#[test]
fn a_package_holds_what_belongs_to_it_with_the_modes_that_it_needs_and_nothing_else() {
    for row in ROWS {
        let folder = package(row);
        let mut expected = vec![
            ("bootstrap", 0o755),
            ("faas.json", 0o644),
            ("functions/libinspect.so", 0o644),
            ("layers/liblayer_monitor.so", 0o644),
        ];
        let scripts = ["exec", "scf_bootstrap", "run.sh", "handler.sh"];
        expected.extend(row.starts.iter().filter(|(boot, _)| scripts.contains(boot)).map(|(boot, _)| (*boot, 0o755)));
        expected.sort_unstable();
        let found: Vec<(String, u32)> = files(unpacked(&folder.path().join("dist").join(row.platform), "shop").root())
            .into_iter()
            .map(|(path, (mode, _))| (path.display().to_string(), mode))
            .collect();
        let found: Vec<(&str, u32)> = found.iter().map(|(path, mode)| (path.as_str(), *mode)).collect();
        assert_eq!(found, expected, "{}", row.platform);
    }
}

#[test]
fn two_runs_from_two_folders_write_the_same_bytes() {
    for row in ROWS {
        let (first, second) = (package(row), package(row));
        assert_ne!(first.path(), second.path());
        let (first, second) = (files(&first.path().join("dist")), files(&second.path().join("dist")));
        let names: Vec<_> = first.keys().collect();
        assert_eq!(names, second.keys().collect::<Vec<_>>(), "{}", row.platform);
        for (path, file) in &first {
            assert!(second[path] == *file, "{}: {} differs", row.platform, path.display());
        }
    }
}

#[test]
fn the_list_of_digests_is_what_sha256sum_checks() {
    let folder = package(&ROWS[1]);
    let mut command = Command::new("sha256sum");
    command.args(["--check", "--strict", "SHA256SUMS"]).current_dir(folder.path().join("dist/aws-lambda"));
    let output = command.output().expect("sha256sum starts");
    assert!(output.status.success(), "{output:?}");
}
