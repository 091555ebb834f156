//! The same files, byte for byte, on every platform: two programs, two modules.

use crate::{
    aliyun_fc, aws_lambda, azure_functions, container_apps, fn_project, google_cloud, huawei_functiongraph, knative,
    kubernetes, openfaas, openwhisk, plain_http, tencent_scf, vefaas, yandex,
};
use integration::artifacts::{self, Runtime};
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// A behaviour of the matrix.
type Behaviour = fn(&Runtime);

const PLATFORMS: &[(&str, Behaviour, Behaviour)] = &[
    ("AWS Lambda", aws_lambda::matrix::echo, aws_lambda::matrix::inspect_over_every_trigger),
    ("Function Compute", aliyun_fc::matrix::echo, aliyun_fc::matrix::inspect_over_every_trigger),
    ("SCF", tencent_scf::matrix::echo, tencent_scf::matrix::inspect_over_every_trigger),
    ("FunctionGraph", huawei_functiongraph::matrix::echo, huawei_functiongraph::matrix::inspect_over_every_trigger),
    ("Azure Functions", azure_functions::matrix::echo, azure_functions::matrix::inspect_over_every_trigger),
    ("Azure Container Apps", container_apps::matrix::echo, container_apps::matrix::inspect_over_every_trigger),
    ("Google Cloud", google_cloud::matrix::echo, google_cloud::matrix::inspect_over_every_trigger),
    ("Knative", knative::matrix::echo, knative::matrix::inspect_over_every_trigger),
    ("OpenFaaS", openfaas::matrix::echo, openfaas::matrix::inspect_over_every_trigger),
    ("OpenWhisk", openwhisk::matrix::echo, openwhisk::matrix::inspect_over_every_trigger),
    ("Fn", fn_project::matrix::echo, fn_project::matrix::inspect_over_every_trigger),
    ("veFaaS", vefaas::matrix::echo, vefaas::matrix::inspect_over_every_trigger),
    ("Yandex", yandex::matrix::echo, yandex::matrix::inspect_over_every_trigger),
    ("Kubernetes", kubernetes::matrix::echo, kubernetes::matrix::inspect_over_every_trigger),
    ("plain HTTP", plain_http::matrix::echo, plain_http::matrix::inspect_over_every_trigger),
];

/// The SHA-256 of a file, by a program of its own.
pub(crate) fn hash(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().expect("sha256sum starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("hexadecimal");
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Deployments hold links to these very files.
#[test]
fn the_same_files_serve_every_platform() {
    let all = artifacts::get();
    let (echo, inspect) = (all.module("echo"), all.module("inspect"));
    for runtime in all.both() {
        let before = [&*runtime.path, echo, inspect].map(hash);
        for (name, echoes, inspects) in PLATFORMS {
            echoes(runtime);
            inspects(runtime);
            // Past the capture of the test harness, which hides what a passing test prints.
            let line = format!("{} {}, echo {}, inspect {} on {name}\n", runtime.name, before[0], before[1], before[2]);
            std::io::stdout().write_all(line.as_bytes()).expect("the output is open");
        }
        assert_eq!([&*runtime.path, echo, inspect].map(hash), before);
    }
}
