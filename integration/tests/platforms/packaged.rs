//! The packages that `cargo faas package` makes of the shop, `integration/examples/shop`, for every platform: the table
//! of platforms, the tool's run, and the folder that the platform makes of a package. `recut.rs` starts them and looks at
//! their answers.
//!
//! The libraries and the runtime are those that all tests share. The tests of the tool show its own builds.

use crate::combined::reading;
use crate::event_function::EventFunction;
use crate::rig::{Header, Platform};
use crate::{
    aliyun_fc, aws_lambda, azure_container_apps, azure_functions, fn_project, google_cloud, huawei_functiongraph,
    knative, kubernetes, openfaas, openwhisk, tencent_scf, vefaas, yandex,
};
use integration::artifacts::{self, Runtime, workspace};
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use platform_emulators::aws_lambda::Options;
use serverless_spec::deploy;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;

/// Starts a package on its platform.
pub(crate) type Start = fn(&Runtime, Deployment) -> Box<dyn Platform>;

/// A platform: the events of the shop that come there, and the ways to start a package.
pub(crate) struct Row {
    /// The word for it in `FAAS_PLATFORM`, and the name of its folder in `dist`.
    pub(crate) platform: &'static str,
    /// The event of the yml's timer; `None` where nothing sets a timer up.
    pub(crate) timer: Option<Sent>,
    /// The event of the yml's queue; `None` where nothing delivers a queue's messages to the function that takes them.
    pub(crate) queue: Option<&'static str>,
    /// `true` if the platform has a process for each call, which keeps nothing for the next.
    pub(crate) is_one_a_call: bool,
    /// `true` if the deployment files are uploaded with the package, and are the platform's in its folder.
    pub(crate) is_uploaded_with_files: bool,
    /// The programs that the platform may start, each with the way to start it.
    pub(crate) starts: &'static [(&'static str, Start)],
}

/// The form in which an event comes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sent {
    /// As an event of the platform's.
    Event(&'static str),
    /// As a request without a path, with one header.
    Call(Header<'static>),
}

/// The body of a message of the queue.
const DELIVERY: &str = r#"{"pieces":3}"#;

/// The call of Cloud Scheduler, and of a job where the platform has no timers.
const JOB: Option<Sent> = Some(Sent::Call(("X-CloudScheduler-JobName", "nightly")));

const PLAIN: Row = Row {
    platform: "http",
    timer: None,
    queue: None,
    is_one_a_call: false,
    is_uploaded_with_files: false,
    starts: &[],
};

const ROWS: &[Row] = &[
    Row {
        platform: "aliyun-fc",
        timer: Some(Sent::Event(aliyun_fc::matrix::SEVERAL.events[0].1)),
        // EventBridge sends them in a batch.
        queue: Some(
            r#"[{"specversion":"1.0","id":"1","source":"MNS-Function-deliver","type":"mns:Queue:SendMessage",
                "subject":"acs:mns:cn-hangzhou:1:queues/deliveries",
                "data":{"requestId":"r","messageId":"m","messageBody":"{\"pieces\":3}"}}]"#,
        ),
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
        timer: Some(Sent::Event(aws_lambda::matrix::SEVERAL.events[0].1)),
        queue: Some(
            r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:deliveries","messageId":"m",
                "body":"{\"pieces\":3}"}]}"#,
        ),
        starts: &[("bootstrap", |runtime, deployment| {
            Box::new(OnAws::launch(runtime, deployment, "", Options::default()).polling())
        })],
        ..PLAIN
    },
    Row {
        platform: "azure-container-apps",
        timer: JOB,
        starts: &[("bootstrap", |runtime, deployment| {
            Box::new(azure_container_apps::run::start(runtime, deployment, ""))
        })],
        ..PLAIN
    },
    Row {
        platform: "azure-functions",
        timer: Some(Sent::Event(azure_functions::matrix::SEVERAL.events[0].1)),
        queue: Some(DELIVERY),
        starts: &[("bootstrap", |runtime, deployment| {
            Box::new(azure_functions::app::OnApp::start(runtime, deployment))
        })],
        is_uploaded_with_files: true,
        ..PLAIN
    },
    Row {
        platform: "fn",
        starts: &[("bootstrap", |runtime, deployment| Box::new(fn_project::run::OnFn::start(runtime, deployment, "")))],
        ..PLAIN
    },
    Row {
        platform: "google-cloud",
        timer: JOB,
        queue: Some(
            r#"{"specversion":"1.0","id":"1","source":"//pubsub.googleapis.com/projects/p/topics/deliveries",
                "type":"google.cloud.pubsub.topic.v1.messagePublished",
                "data":{"message":{"messageId":"m","data":"eyJwaWVjZXMiOjN9"},
                "subscription":"projects/p/subscriptions/eventarc"}}"#,
        ),
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
        timer: Some(Sent::Event(huawei_functiongraph::matrix::SEVERAL.events[0].1)),
        starts: &[("bootstrap", |runtime, deployment| {
            let options = huawei_functiongraph::run::options();
            let run = huawei_functiongraph::run::launch(runtime, deployment, "", options).polling();
            Box::new(EventFunction { run, event_of: huawei_functiongraph::matrix::event_of })
        })],
        ..PLAIN
    },
    Row {
        platform: "knative",
        timer: Some(Sent::Event(
            r#"{"specversion":"1.0","id":"1","source":"/apis/v1/namespaces/shop/pingsources/nightly",
                "type":"dev.knative.sources.ping","data":{}}"#,
        )),
        starts: &[("bootstrap", |runtime, deployment| {
            Box::new(knative::run::OnKnative::start(runtime, deployment, "", knative::run::service()))
        })],
        ..PLAIN
    },
    Row {
        platform: "kubernetes",
        timer: JOB,
        starts: &[("bootstrap", |runtime, deployment| Box::new(kubernetes::run::start(runtime, deployment, "")))],
        ..PLAIN
    },
    Row {
        platform: "openfaas",
        timer: Some(Sent::Call(("X-Topic", "cron-function"))),
        starts: &[("bootstrap", |runtime, deployment| {
            let options = platform_emulators::openfaas::Options::default();
            Box::new(openfaas::run::InPod::start(runtime, deployment, "", options))
        })],
        ..PLAIN
    },
    Row {
        platform: "openwhisk",
        timer: Some(Sent::Event("{}")),
        starts: &[("exec", |_, deployment| Box::new(openwhisk::run::Below::of_package(deployment)))],
        ..PLAIN
    },
    Row {
        platform: "tencent-scf",
        timer: Some(Sent::Event(tencent_scf::matrix::SEVERAL.events[0].1)),
        starts: &[
            ("bootstrap", |runtime, deployment| {
                let run = tencent_scf::run::launch(runtime, deployment, None, tencent_scf::run::patient()).polling();
                Box::new(EventFunction { run, event_of: tencent_scf::matrix::event_of })
            }),
            (WEB_FUNCTION, |runtime, deployment| Box::new(tencent_scf::run::start_web(runtime, deployment, ""))),
        ],
        ..PLAIN
    },
    Row {
        platform: "vefaas",
        timer: Some(Sent::Event(
            r#"{"specversion":"1.0","id":"1","source":"/faas/event/timer/nightly","type":"faas.timer.event","data":{}}"#,
        )),
        starts: &[("run.sh", |runtime, deployment| {
            Box::new(vefaas::run::OnVefaas::start(runtime, deployment, "", None))
        })],
        ..PLAIN
    },
    Row {
        platform: "yandex",
        timer: Some(Sent::Event(yandex::matrix::SEVERAL.events[0].1)),
        queue: Some(
            r#"{"messages":[{"event_metadata":{"event_type":"yandex.cloud.events.messagequeue.QueueMessage"},
                "details":{"queue_id":"yrn:yc:ymq:ru:b1:deliveries",
                "message":{"message_id":"m","body":"{\"pieces\":3}"}}}]}"#,
        ),
        is_one_a_call: true,
        is_uploaded_with_files: false,
        starts: &[("handler.sh", |_, deployment| Box::new(yandex::matrix::Calls::of_package(deployment)))],
    },
];

/// The program of Tencent's web functions, which are sent requests alone.
pub(crate) const WEB_FUNCTION: &str = "scf_bootstrap";

/// Returns the row of a platform.
pub(crate) fn row(platform: &str) -> &'static Row {
    ROWS.iter().find(|row| row.platform == platform).unwrap_or_else(|| panic!("no row for {platform}"))
}

/// The libraries of the shop: functions and layers.
pub(crate) const LIBRARIES: [&str; 3] = ["shop", "layer_cors", "layer_monitor"];

/// The folder of the runtime and of the libraries, without the tables for debuggers.
static STRIPPED: LazyLock<PathBuf> = LazyLock::new(|| {
    let built = artifacts::get();
    let names = LIBRARIES.map(|name| format!("lib{name}.so"));
    let libraries = names.iter().zip(LIBRARIES).map(|(file, name)| (file.as_str(), built.module(name)));
    let files: Vec<(&str, &Path)> = libraries.chain([("bootstrap", built.bootstrap().path.as_path())]).collect();
    artifacts::stripped("shop", &files)
});

/// Returns the yml of the shop as it is, and without its last part, which combines the functions.
pub(crate) fn ymls() -> (String, String) {
    let together = std::fs::read_to_string(workspace().join("integration/examples/shop/serverless.yml"));
    let together = together.expect("the example has one");
    let (apart, _) = together.split_once("\naggregation:\n").expect("it combines");
    let apart = format!("{apart}\n");
    (together, apart)
}

/// The packages that the tool makes of a yml for one platform, in a folder of their own.
pub(crate) struct Packages {
    project: TempDir,
    platform: &'static str,
}

impl Packages {
    /// Packages the deployments of a yml, of the shop's libraries.
    pub(crate) fn of(yml: &str, platform: &'static str) -> Packages {
        let project = tempfile::tempdir().expect("there is room");
        std::fs::write(project.path().join("serverless.yml"), yml).expect("there is room");
        let path = |name: &str| STRIPPED.join(name).display().to_string();
        // These libraries want this machine's glibc, which is newer than that of some platforms.
        let mut arguments: Vec<String> =
            ["package", "--linker", "cargo", "--glibc", "99.0", "--platform", platform, "--runtime"]
                .map(str::to_owned)
                .to_vec();
        arguments.push(path("bootstrap"));
        arguments.extend(LIBRARIES.iter().flat_map(|name| ["--library".to_owned(), path(&format!("lib{name}.so"))]));
        let mut tool = Command::new(artifacts::tool());
        tool.args(arguments).current_dir(project.path()).env_clear();
        tool.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", project.path());
        let output = tool.output().expect("the tool starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{platform}: {said}");
        Packages { project, platform }
    }

    /// Returns the folder that the tool has written.
    pub(crate) fn folder(&self) -> PathBuf {
        self.project.path().join("dist").join(self.platform)
    }

    /// Returns all that the tool has written.
    pub(crate) fn files(&self) -> Files {
        files(&self.folder())
    }

    /// Makes the folders that the platform makes of these packages: empty but for the files of the zip, or of the image.
    pub(crate) fn unpacked(&self, names: &[&str]) -> Vec<Deployment> {
        let deployments: Vec<Deployment> = names.iter().map(|_| Deployment::empty()).collect();
        let mut zips = Command::new("python3");
        zips.args(["-c", UNZIP]);
        for (name, deployment) in names.iter().zip(&deployments) {
            let zip = self.folder().join(format!("{name}.zip"));
            if zip.is_file() {
                zips.arg(zip).arg(deployment.root());
            } else {
                copy(&self.folder().join(name).join("app"), deployment.root());
            }
        }
        if zips.get_args().len() > 2 {
            let output = zips.output().expect("python3 starts");
            assert!(output.status.success(), "{output:?}");
        }
        deployments
    }
}

/// Puts the deployment files of a yml's packages beside these, as `deploy.sh` does before it uploads both.
pub(crate) fn add_files(yml: &str, platform: &'static str, names: &[&str], deployments: &[Deployment]) {
    let read = reading(yml, platform);
    let spec = read.spec.as_ref().unwrap_or_else(|| panic!("{:?}", read.diagnostics));
    let made = deploy::templates(spec, &read.sources, platform, &NOWHERE);
    for (name, deployment) in names.iter().zip(deployments) {
        for file in &made.files {
            let Some(inner) = file.path.strip_prefix(&format!("{name}/")) else { continue };
            let path = deployment.path(inner);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
            std::fs::write(path, &file.text).expect("there is room");
        }
    }
}

/// The values in deployment files that are not looked at here.
const NOWHERE: deploy::Options<'_> = deploy::Options { packages: "", registry: "", tag: "", machine: "x86_64" };

/// The program by which another hand than the tool's tells the content of zips, and its modes.
const UNZIP: &str = "import os, sys, zipfile
for name, folder in zip(sys.argv[1::2], sys.argv[2::2]):
    with zipfile.ZipFile(name) as package:
        for entry in package.infolist():
            os.chmod(package.extract(entry, folder), entry.external_attr >> 16 & 0o7777)
";

/// Copies the content of a folder, modes included.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            std::fs::create_dir(&target).expect("there is room");
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("there is room");
        }
    }
}

/// Files by their paths in a folder, each with its mode and its bytes.
pub(crate) type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Returns all files of a folder, by their paths in it, with their modes.
pub(crate) fn files(folder: &Path) -> Files {
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

#[test]
fn there_is_a_row_for_every_platform() {
    let ours: Vec<&str> = ROWS.iter().map(|row| row.platform).collect();
    assert_eq!(ours, serverless_spec::platform_names().collect::<Vec<_>>());
}

/// An event that a platform does not bring to its function has a warning at its line.
#[test]
fn the_events_of_a_row_are_those_that_the_deployment_files_bring_to_their_function() {
    let (yml, _) = ymls();
    for row in ROWS {
        let read = reading(&yml, row.platform);
        let spec = read.spec.as_ref().unwrap_or_else(|| panic!("{:?}", read.diagnostics));
        let made = deploy::templates(spec, &read.sources, row.platform, &NOWHERE);
        let comes = |event: &str| {
            let place = yml.find(event).expect("the shop has it");
            !made.diagnostics.iter().any(|diagnostic| diagnostic.span.start as usize == place)
        };
        let has = (row.timer.is_some(), row.queue.is_some());
        assert_eq!(has, (comes("timer: {"), comes("queue: {")), "{}: {:?}", row.platform, made.diagnostics);
    }
}
