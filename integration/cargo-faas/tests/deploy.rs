//! The commands `templates` and `deploy`: the files they write, their findings, and the commands they run.

use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const YML: &str = "service: shop
provider: {name: aws-lambda, memorySize: 256, timeout: 5}
functions:
  order: {handler: shop.order, events: [{http: {path: '/orders/:id', method: get}}]}
  tidy:
    handler: shop.tidy
    initTimeout: 20
    events: [{timer: {name: nightly, cron: 0 30 2 * * *}}]
";

/// Runs the tool with no vendor's tool in reach but those of the folder `tools`.
fn tool(folder: &Path, arguments: &[&str]) -> Output {
    let path = format!("{}:/usr/bin:/bin", folder.join("tools").display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
    command.args(arguments).current_dir(folder).env("PATH", path).output().expect("the tool can be run")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn service(yml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::write(folder.path().join("serverless.yml"), yml).expect("a file can be written");
    folder
}

fn read(folder: &Path, path: &str) -> String {
    std::fs::read_to_string(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Makes a vendor's tool that writes down how it is called.
fn fake(folder: &Path, name: &str, exit: u8) {
    let tools = folder.join("tools");
    std::fs::create_dir_all(&tools).expect("a folder can be made");
    let script = format!("#!/bin/sh\necho \"{name} $*\" >> {}/calls\nexit {exit}\n", folder.display());
    let path = tools.join(name);
    std::fs::write(&path, script).expect("a file can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it can be made a program");
}

#[test]
fn templates_of_all_platforms_are_written_each_in_its_folder() {
    let folder = service(YML);
    let output =
        tool(folder.path(), &["templates", "--platform", "all", "--registry", "ghcr.io/me", "--arch", "arm64"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let template = read(folder.path(), "deploy/aws-lambda/template.yaml");
    assert!(template.contains("CodeUri: ../../dist/aws-lambda/order.zip"), "{template}");
    assert!(template.contains("- arm64"), "{template}");
    let service = read(folder.path(), "deploy/knative/order/service.yaml");
    assert!(service.contains("image: ghcr.io/me/shop-dev-order:latest"), "{service}");
    assert!(read(folder.path(), "deploy/azure-functions/tidy/tidy/function.json").contains("\"0 30 2 * * *\""));
    for platform in serverless_spec::platform_names() {
        assert!(read(folder.path(), &format!("deploy/{platform}/deploy.sh")).starts_with("#!/bin/sh"), "{platform}");
    }
}

#[test]
fn templates_of_several_platforms_are_written_with_commas_between_their_names() {
    let folder = service(YML);
    let output = tool(folder.path(), &["templates", "--platform", "tencent, http"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let written = std::fs::read_dir(folder.path().join("deploy")).expect("it was made").filter_map(Result::ok);
    let mut names: Vec<_> = written.map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["http", "tencent-scf"]);
    let output = tool(folder.path(), &["deploy", "--platform", "tencent,http"]);
    assert!(text(&output).starts_with("failed: platform: `tencent,http` are several"), "{}", text(&output));
}

#[test]
fn what_a_platform_lacks_is_said_with_its_line() {
    let folder = service(YML);
    let output = tool(folder.path(), &["templates"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("warning[not-on-platform]: a start on AWS Lambda may take 10 seconds"), "{said}");
    assert!(said.contains("--> serverless.yml:7:18"), "{said}");
    assert!(said.contains("aws-lambda: 0 errors, 1 warning\n"), "{said}");
}

#[test]
fn a_platform_that_refuses_gets_no_files_and_exit_code_1() {
    let folder = service(&YML.replace("timeout: 5", "timeout: 1000"));
    let output = tool(folder.path(), &["templates", "--platform", "aws"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("AWS Lambda takes a timeout from 1 to 900 seconds"), "{}", text(&output));
    assert!(!folder.path().join("deploy").exists());
}

#[test]
fn the_answer_in_json_names_files_commands_and_places() {
    let folder = service(YML);
    let output = tool(folder.path(), &["templates", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let aws = &answer["platforms"][0];
    assert_eq!(aws["platform"], "aws-lambda");
    assert_eq!(aws["files"][0], "deploy/aws-lambda/template.yaml");
    assert_eq!(aws["steps"][0]["tool"], "sam");
    assert_eq!(aws["diagnostics"][0]["place"]["line"], 7);
    assert_eq!(aws["diagnostics"][0]["code"], "not-on-platform");
}

#[test]
fn files_of_a_function_that_is_gone_go_too() {
    let folder = service(YML);
    let written = |yml: &str| {
        std::fs::write(folder.path().join("serverless.yml"), yml).expect("a file can be written");
        assert_eq!(tool(folder.path(), &["templates", "--platform", "azure"]).status.code(), Some(0));
    };
    written(YML);
    let gone = folder.path().join("deploy/azure-functions/tidy");
    assert!(gone.join("host.json").exists());
    written(YML.split("  tidy:").next().expect("there is a first part"));
    assert!(!gone.join("host.json").exists() && !gone.join("tidy").exists());
    assert!(folder.path().join("deploy/azure-functions/order/host.json").exists());
}

#[test]
fn no_platform_and_an_unknown_one_are_failures_that_name_all() {
    let folder = service(&YML.replace("name: aws-lambda, ", ""));
    for arguments in [&["templates"][..], &["templates", "--platform", "moon"]] {
        let output = tool(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output).contains("aliyun-fc, aws-lambda"), "{}", text(&output));
    }
}

#[test]
fn deploy_shows_what_it_would_run_and_what_is_missing() {
    let folder = service(YML);
    let output = tool(folder.path(), &["deploy"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("would run sam deploy --template-file template.yaml --stack-name shop-dev"), "{said}");
    assert!(said.contains("sam is not installed: pip install aws-sam-cli"), "{said}");
    assert!(
        said.contains("no package dist/aws-lambda/order.zip, nor 1 other: cargo faas package --platform aws-lambda"),
        "{said}"
    );
    assert!(said.contains("--yes runs this"), "{said}");
}

#[test]
fn deploy_with_yes_runs_nothing_while_something_is_missing() {
    let folder = service(YML);
    fake(folder.path(), "sam", 0);
    let output = tool(folder.path(), &["deploy", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("no package dist/aws-lambda/order.zip"), "{}", text(&output));
    assert!(!folder.path().join("calls").exists());
}

#[test]
fn deploy_with_yes_runs_the_vendors_tool_with_the_options_behind_the_dashes() {
    let folder = service(YML);
    fake(folder.path(), "sam", 0);
    std::fs::create_dir_all(folder.path().join("dist/aws-lambda")).expect("a folder can be made");
    for unit in ["order", "tidy"] {
        std::fs::write(folder.path().join(format!("dist/aws-lambda/{unit}.zip")), "").expect("a file can be written");
    }
    let output = tool(folder.path(), &["deploy", "--yes", "--", "--profile", "my own"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let calls = read(folder.path(), "calls");
    let last = calls.lines().last().expect("it was called");
    assert!(last.starts_with("sam deploy --template-file template.yaml --stack-name shop-dev"), "{calls}");
    assert!(last.ends_with("--profile my own"), "{calls}");
}

#[test]
fn a_tool_that_fails_ends_the_deployment() {
    let folder = service(YML);
    fake(folder.path(), "sam", 3);
    std::fs::create_dir_all(folder.path().join("dist/aws-lambda/order")).expect("a folder can be made");
    std::fs::create_dir_all(folder.path().join("dist/aws-lambda/tidy")).expect("a folder can be made");
    let output = tool(folder.path(), &["deploy", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    // Validation comes first, and nothing runs behind a failure.
    assert_eq!(read(folder.path(), "calls").lines().count(), 1);
}

/// The processors of programs, as the field e_machine of ELF has them.
const X86_64: u16 = 62;
const ARM64: u16 = 183;

/// Writes packages of both deployments for AWS Lambda, each with a program for a processor, and with the manifest that
/// the yml in the folder gives it.
fn packages(folder: &Path, order: u16, tidy: u16) {
    let source = folder.join("main.c");
    std::fs::write(&source, "int main(void) { return 0; }\n").expect("a file can be written");
    let made = Command::new("cc").arg("-o").arg(folder.join("program")).arg(&source).output().expect("cc starts");
    assert!(made.status.success(), "{}", text(&made));
    let program = std::fs::read(folder.join("program")).expect("it was made");
    std::fs::create_dir_all(folder.join("dist/aws-lambda")).expect("a folder can be made");
    for (unit, machine) in [("order", order), ("tidy", tidy)] {
        let mut program = program.clone();
        program[18..20].copy_from_slice(&machine.to_le_bytes());
        let output = tool(folder, &["manifest", "--unit", unit, "--out", "manifests"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let manifest = read(folder, &format!("manifests/{unit}/faas.json"));
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in [("bootstrap", &program[..]), ("faas.json", manifest.as_bytes())] {
            zip.start_file(path, SimpleFileOptions::default()).expect("it is written");
            zip.write_all(bytes).expect("it is written");
        }
        let bytes = zip.finish().expect("it is written").into_inner();
        std::fs::write(folder.join(format!("dist/aws-lambda/{unit}.zip")), bytes).expect("a file can be written");
    }
}

#[test]
fn the_processor_is_that_of_the_packages_that_are_there() {
    let folder = service(YML);
    for (machine, name) in [(ARM64, "- arm64\n"), (X86_64, "- x86_64\n")] {
        packages(folder.path(), machine, machine);
        for command in ["templates", "deploy"] {
            let output = tool(folder.path(), &[command]);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output));
            let template = read(folder.path(), "deploy/aws-lambda/template.yaml");
            assert_eq!(template.matches(name).count(), 2, "{command}: {template}");
        }
    }
    for command in ["templates", "deploy"] {
        let output = tool(folder.path(), &[command, "--arch", "arm64"]);
        let why = "failed: arch: dist/aws-lambda/order.zip is for x86_64, and --arch says arm64: package it again by cargo \
                   faas package --platform aws-lambda --arch arm64, or leave --arch out\n";
        assert_eq!((output.status.code(), &*text(&output)), (Some(1), why), "{command}");
    }
    packages(folder.path(), X86_64, ARM64);
    let said = text(&tool(folder.path(), &["templates"]));
    assert!(
        said.contains("order.zip is for x86_64 and dist/aws-lambda/tidy.zip for arm64: package both again"),
        "{said}"
    );
}

#[test]
fn a_package_of_another_yml_is_said_where_it_would_be_deployed() {
    let folder = service(YML);
    packages(folder.path(), X86_64, X86_64);
    let said = text(&tool(folder.path(), &["deploy"]));
    assert!(!said.contains("another yml"), "{said}");
    std::fs::write(folder.path().join("serverless.yml"), YML.replace("256", "512")).expect("a file can be written");
    for command in ["templates", "deploy"] {
        let said = text(&tool(folder.path(), &[command]));
        let line = "stale     dist/aws-lambda/order.zip was made from another yml than the one here: cargo faas package \
                    --platform aws-lambda\n";
        assert!(said.contains(line) && said.contains("stale     dist/aws-lambda/tidy.zip"), "{said}");
    }
    let output = tool(folder.path(), &["templates", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(answer["platforms"][0]["stale"][0], "dist/aws-lambda/order.zip");
}

#[test]
fn a_package_of_another_yml_is_deployed_only_where_that_is_allowed() {
    let folder = service(YML);
    packages(folder.path(), X86_64, X86_64);
    fake(folder.path(), "sam", 0);
    std::fs::write(folder.path().join("serverless.yml"), YML.replace("256", "512")).expect("a file can be written");
    let output = tool(folder.path(), &["deploy", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let why = "failed: deploy: 2 packages were made from another yml than the one here: cargo faas package --platform \
               aws-lambda makes them anew, and --allow-stale deploys them as they are\n";
    assert!(text(&output).ends_with(why), "{}", text(&output));
    assert!(!folder.path().join("calls").exists());
    let output = tool(folder.path(), &["deploy", "--yes", "--allow-stale"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(read(folder.path(), "calls").contains("sam deploy"));
}

#[test]
fn an_image_that_is_written_already_is_not_built_again() {
    let folder = service(YML);
    let dist = folder.path().join("dist/http");
    for unit in ["order", "tidy"] {
        std::fs::create_dir_all(dist.join(unit)).expect("a folder can be made");
    }
    std::fs::write(dist.join("order/oci-layout"), "{}").expect("a file can be written");
    fake(folder.path(), "docker", 0);
    let arguments = ["deploy", "--platform", "http", "--registry", "r.example"];
    let said = text(&tool(folder.path(), &arguments));
    let why = "a folder that docker build takes: dist/http/order is an image already, by --one-file or --base. Package \
               it without these, or push it yourself: skopeo copy oci:dist/http/order:order docker://IMAGE\n";
    assert!(said.contains(&format!("missing   {why}")) && !said.contains("dist/http/tidy is"), "{said}");
    let output = tool(folder.path(), &[&arguments[..], &["--yes"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).ends_with(&format!("failed: deploy: {why}")), "{}", text(&output));
    assert!(!folder.path().join("calls").exists());
}

#[test]
fn without_a_yml_the_shortest_is_shown_and_it_works() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let folder = folder.path().join("my-shop");
    std::fs::create_dir(&folder).expect("a folder can be made");
    let output = tool(&folder, &["deploy", "--platform", "aws-lambda"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    assert!(said.starts_with("failed: yml: there is none of f.yml, "), "{said}");
    let shortest = said.split('`').find(|part| part.starts_with("{service: my_shop, ")).expect("a yml is shown");
    std::fs::write(folder.join("serverless.yml"), shortest).expect("a file can be written");
    let output = tool(&folder, &["deploy", "--platform", "aws-lambda"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("there is no package dist/aws-lambda/my_shop.zip: "), "{}", text(&output));
}

#[test]
fn one_platform_is_deployed_to_and_the_words_for_it_name_no_several() {
    let folder = service(&YML.replace("name: aws-lambda, ", ""));
    for (arguments, why) in [
        (&["deploy"][..], "say which by --platform, or by provider.name in the yml: aliyun-fc"),
        (&["deploy", "--platform", "moon"], "there is no platform `moon`; there are aliyun-fc"),
        (&["deploy", "--platform", "all"], "`all` are several, and this is done for one platform at a time: aliyun-fc"),
        (&["deploy", "--platform", "aws,http"], "`aws,http` are several, and"),
    ] {
        let output = tool(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = text(&output);
        assert!(said.contains(why) && said.ends_with(", yandex\n"), "{said}");
    }
}

#[test]
fn images_without_a_registry_are_not_deployed() {
    let folder = service(YML);
    let output = tool(folder.path(), &["deploy", "--platform", "knative", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(answer["missing"]["registry"], true);
    let output = tool(folder.path(), &["deploy", "--platform", "knative", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("--registry says where they are pushed to"), "{}", text(&output));
}

/// Returns the commands of the page and their output, as `$ cargo faas …` and the lines behind it.
fn of_the_page() -> (String, Vec<(String, String)>) {
    let page = include_str!("../../../docs/deploying.md");
    let block = |fence: &str| {
        let rest = page.split(&format!("```{fence}\n")).nth(1).expect("the page has it");
        rest.split("```").next().expect("it ends").to_owned()
    };
    let console = block("console");
    let commands = console.split("$ cargo faas ").skip(1).map(|part| {
        let (command, said) = part.split_once('\n').expect("a command is a line");
        (command.to_owned(), said.to_owned())
    });
    (block("yaml"), commands.collect())
}

#[test]
fn the_page_shows_what_the_tool_says() {
    let (yml, commands) = of_the_page();
    let folder = service(&yml);
    let mut looked_at = 0;
    for (command, said) in commands {
        if command.starts_with("package") {
            std::fs::create_dir_all(folder.path().join("dist/aws-lambda/order")).expect("a folder can be made");
            continue;
        }
        let output = tool(folder.path(), &command.split(' ').collect::<Vec<_>>());
        assert_eq!(text(&output), said, "{command}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 2);
}

/// A stand-in for unzip, which takes a text for a package: each line is the path of a file.
const UNZIP: &str = r#"#!/bin/sh
while read -r path; do mkdir -p "$(dirname "$5/$path")" && echo > "$5/$path"; done < "$3"
"#;

#[test]
fn a_file_that_a_package_has_no_more_is_not_deployed_again() {
    for (platform, place, written) in [
        ("azure-functions", "order/.app", "order/host.json"),
        ("openwhisk", "order/package/app", "order/Dockerfile"),
        ("tencent-scf", "order/code", "order/serverless.yml"),
    ] {
        let folder = service(YML);
        ["az", "func", "scf", "docker", "wskdeploy"].iter().for_each(|vendor| fake(folder.path(), vendor, 0));
        fake(folder.path(), "unzip", 0);
        std::fs::write(folder.path().join("tools/unzip"), UNZIP).expect("a file can be written");
        let packages = folder.path().join("dist").join(platform);
        std::fs::create_dir_all(&packages).expect("a folder can be made");
        let files = folder.path().join("deploy").join(platform);
        for package in ["bootstrap\nfunctions/libold.so\n", "bootstrap\nfunctions/libshop.so\n"] {
            for unit in ["order", "tidy"] {
                std::fs::write(packages.join(format!("{unit}.zip")), package).expect("a file can be written");
            }
            let path = format!("{}:/usr/bin:/bin", folder.path().join("tools").display());
            let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
            command.args(["deploy", "--platform", platform, "--registry", "ghcr.io/me", "--yes"]);
            command.current_dir(folder.path()).env("PATH", path).env("GROUP", "word").env("STORAGE", "word");
            let output = command.output().expect("the tool can be run");
            assert_eq!(output.status.code(), Some(0), "{platform}: {}", text(&output));
            std::fs::write(files.join("order/own"), "").expect("a file can be written");
        }
        let there = |path: &str| files.join(place).join(path).is_file();
        assert!(there("bootstrap") && there("functions/libshop.so"), "{platform}");
        assert!(!there("functions/libold.so"), "{platform}: a file of the package before");
        assert!(files.join(written).is_file() && files.join("order/own").is_file(), "{platform}");
        if platform == "azure-functions" {
            assert!(there("host.json") && there("order/function.json") && there("local.settings.json"));
            assert!(files.join("order/order/function.json").is_file());
        }
    }
}

/// Returns the variables that a script asks its caller for, as in `${GROUP:?the resource group}`.
fn asked_for(script: &str) -> Vec<String> {
    let name = |rest: &str| {
        let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    script.split("${").skip(1).map(name).filter(|name| !name.is_empty()).collect()
}

#[test]
fn the_script_of_each_platform_runs_to_its_end() {
    const VENDORS: [&str; 17] = [
        "sam",
        "s",
        "scf",
        "hcloud",
        "jq",
        "az",
        "func",
        "gcloud",
        "kubectl",
        "faas-cli",
        "wskdeploy",
        "fn",
        "ve",
        "yc",
        "docker",
        "unzip",
        "curl",
    ];
    let services = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runtime-engine/spec/tests/deploy");
    for name in ["jobs", "pages", "everything"] {
        let yml =
            std::fs::read_to_string(Path::new(services).join(name).with_extension("yml")).expect("the yml is there");
        let folder = service(&yml);
        for vendor in VENDORS.into_iter().chain(["wsk"]) {
            fake(folder.path(), vendor, 0);
        }
        // The script for Azure asks this tool for values, of which none may be empty.
        let az = format!("{}echo word\n", read(folder.path(), "tools/az").replace("exit 0\n", ""));
        std::fs::write(folder.path().join("tools/az"), az).expect("a file can be written");
        for platform in serverless_spec::platform_names() {
            let packages = folder.path().join("dist").join(platform);
            std::fs::create_dir_all(&packages).expect("a folder can be made");
            for unit in ["tidy", "hourly", "work", "look", "pages", "files", "all"] {
                std::fs::write(packages.join(format!("{unit}.zip")), "PK").expect("a file can be written");
            }
            let _ = std::fs::remove_file(folder.path().join("calls"));
            let written = tool(folder.path(), &["templates", "--platform", platform, "--registry", "ghcr.io/me"]);
            assert_eq!(written.status.code(), Some(0), "{name} on {platform}: {}", text(&written));
            let script = read(folder.path(), &format!("deploy/{platform}/deploy.sh"));
            let path = format!("{}:/usr/bin:/bin", folder.path().join("tools").display());
            let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
            command
                .args(["deploy", "--platform", platform, "--registry", "ghcr.io/me", "--yes"])
                .current_dir(folder.path())
                .env("PATH", path)
                .envs(asked_for(&script).into_iter().map(|name| (name, "word")));
            let output = command.output().expect("the tool can be run");
            assert_eq!(output.status.code(), Some(0), "{name} on {platform}: {}\n{script}", text(&output));
            let calls = read(folder.path(), "calls");
            assert!(calls.lines().count() > 0, "{name} on {platform}: nobody was called");
            // Nothing of a function's code or of its secrets is left behind.
            let left = folder.path().join("deploy").join(platform);
            let units = std::fs::read_dir(&left).expect("the folder is there").filter_map(Result::ok);
            let rest = units.flat_map(|unit| [unit.path().join(".code"), unit.path().join(".request.json")]);
            for path in rest {
                assert!(!path.exists(), "{name} on {platform}: {} is left", path.display());
            }
        }
    }
}
