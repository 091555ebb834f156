//! Deployment files against checks that the vendors or others publish: linters, schemas, validators, and readers of
//! YAML of both versions. Every good yml of the corpus is made into files for every platform, and the examples here.
//!
//! `.ci/foreign` brings the checks. Schemas that are in no registry are looked for in `FAAS_SCHEMAS`, else beside the
//! repository in `shared/schemas`; without them their tests are listed as ignored.

use integration::{artifacts, needs};
use libtest_mimic::Trial;
use serde_json::json;
use serverless_spec::deploy::{self, Options};
use serverless_spec::variables::Files;
use serverless_spec::{Input, read};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

fn main() -> ExitCode {
    let python = needs::folder("python-templates");
    let schemas = needs::schemas().and(python.clone());
    let mut trials: Vec<Trial> = Vec::new();
    for (kind, name) in [
        ("aws", "templates_of_aws_pass_cfn_lint_and_the_validator_of_sam"),
        ("kubernetes", "objects_of_kubernetes_fit_its_openapi"),
        ("compose", "compose_files_fit_their_schema"),
        ("gateway", "the_gateway_of_yandex_is_openapi"),
        ("docker", "dockerfiles_pass_hadolint"),
        ("shell", "scripts_pass_shellcheck"),
        ("pages", "keys_are_those_of_the_vendors_pages"),
    ] {
        trials.push(needs::once(&python, name, move |python| clean(python, kind, None)));
    }
    trials.push(needs::once(&python, "readers_of_both_yamls_see_the_texts_that_were_put", |python| {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        nasty(folder.path());
        validate(python, "texts", folder.path(), None)
    }));
    let jq = needs::program("jq").and(needs::program("curl"));
    for (platform, name) in [
        ("huawei-functiongraph", "scripts_of_functiongraph_send_the_code_and_the_secrets"),
        ("vefaas", "scripts_of_vefaas_send_the_code_and_the_secrets"),
    ] {
        trials.push(needs::once(&jq, name, move |jq| sent(jq, platform)));
    }
    let name = "the_script_of_aws_hands_parameters_to_sam_in_a_file_of_its_own";
    trials.push(needs::once(&needs::program("jq"), name, handed_over));
    let clients = needs::folder("python-clients").and(python.clone());
    let toolkit = needs::folder("node-tencent").and(python.clone());
    for (kind, name, beside) in [
        ("aliyun", "s_yaml_fits_the_schema_of_fc3_and_has_no_other_key", &schemas),
        ("azure", "files_of_azure_fit_their_schemas", &schemas),
        ("google", "services_of_cloud_run_fit_their_schema_and_have_no_other_key", &schemas),
        ("knative", "objects_of_knative_fit_their_definitions_and_have_no_other_key", &schemas),
        ("huawei", "bodies_of_functiongraph_are_those_of_huaweis_client_library", &clients),
        ("tencent", "triggers_of_scf_are_those_of_tencents_own_library", &toolkit),
        ("vefaas", "bodies_of_vefaas_are_those_of_volcengines_client_library", &clients),
    ] {
        let python = python.clone();
        trials.push(needs::once(beside, name, move |beside| {
            clean(&python.path().ok_or("python-templates is missing")?, kind, Some(beside))
        }));
    }
    needs::run(trials)
}

fn clean(python: &Path, kind: &str, schemas: Option<&Path>) -> Result<(), String> {
    validate(python, kind, all(), schemas)
}

/// Runs the checks of one kind over all files. Some need schemas, or libraries that lie in a folder.
fn validate(python: &Path, kind: &str, folder: &Path, schemas: Option<&Path>) -> Result<(), String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates/validate.py");
    let mut command = Command::new(python.join("bin/python"));
    command.arg(script).arg(kind).arg(folder).args(schemas);
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() && said.is_empty() {
        return Ok(());
    }
    Err(format!("{command:?}\n{said}{errors}"))
}

#[derive(Debug)]
struct Beside(PathBuf);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// Returns the folder with the files of every service for every platform, made once a run and kept until the next.
fn all() -> &'static Path {
    static ALL: OnceLock<PathBuf> = OnceLock::new();
    ALL.get_or_init(|| {
        let folder = artifacts::target().join("templates");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("it can be removed");
        }
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut made = 0;
        for corpus in ["runtime-engine/spec/tests/good", "runtime-engine/spec/tests/deploy"] {
            let entries = std::fs::read_dir(root.join(corpus)).expect("the corpus is there");
            for entry in entries {
                let path = entry.expect("an entry can be read").path();
                if path.extension().is_some_and(|extension| extension == "yml") {
                    made += write(&path, &folder);
                }
            }
        }
        for page in ["serverless-yml", "combining", "deploying", "from-midway"] {
            let text =
                std::fs::read_to_string(root.join("docs").join(page).with_extension("md")).expect("the page is there");
            let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
            for (number, yml) in blocks.filter(|yml| yml.starts_with("service:")).enumerate() {
                let path = folder.join(format!("{page}-{number}.yml"));
                std::fs::write(&path, yml).expect("a file can be written");
                made += write(&path, &folder);
            }
        }
        assert!(made > 500, "{made}");
        folder
    })
}

/// Writes the files of one service. Returns the number of platforms for which there are some.
fn write(yml: &Path, folder: &Path) -> usize {
    let text = std::fs::read(yml).expect("a yml can be read");
    let variables = [("STAGE", "prod"), ("MEMORY", "256"), ("ID", "007"), ("EMPTY", ""), ("TABLE", "orders: {a: b}")];
    let environment = BTreeMap::from(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let options = BTreeMap::from([("region".to_owned(), "eu-central-1".to_owned())]);
    let files = Beside(yml.parent().expect("it is in a folder").to_owned());
    let name = yml.file_stem().and_then(|name| name.to_str()).expect("its name is a text");
    let mut made = 0;
    for platform in serverless_spec::platform_names() {
        let input = Input {
            name: "serverless.yml",
            text: &text,
            environment: &environment,
            options: &options,
            stage: None,
            platform: Some(platform),
            files: &files,
        };
        let read = read(&input);
        // This platform refuses the yml, as one with a schedule that it cannot have.
        let Some(spec) = &read.spec else { continue };
        let packages = format!("../../dist/{platform}");
        let options = Options { packages: &packages, registry: "registry.example", tag: "1", machine: "x86_64" };
        let templates = deploy::templates(spec, &read.sources, platform, &options);
        for file in &templates.files {
            let path = folder.join(name).join(platform).join(&file.path);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
            std::fs::write(path, &file.text).expect("a file can be written");
        }
        made += usize::from(!templates.files.is_empty());
    }
    made
}

/// A vendor's tool that keeps the body of each call as `<action>.json`, and answers with the ids of a new function.
const VENDOR: &str = r#"#!/bin/sh
action=$2
echo "$*" >> "$CALLS/said"
[ "$action" != "${FAILS-}" ] || exit 3
for word in "$@"; do
    case $word in
        --cli-jsonInput=*) cp "${word#*=}" "$CALLS/$action.json" ;;
        {*) printf '%s' "$word" > "$CALLS/$action.json" ;;
    esac
done
echo "{\"func_urn\": \"urn-17\", \"Result\": {\"Id\": \"id-17\", \"UploadAddress\": \"file://$CALLS/uploaded\"}}"
"#;

/// Returns a folder with the deployment files of a service, in its folder `shop`.
fn written(yml: &str) -> Result<tempfile::TempDir, String> {
    let wrong = |error: std::io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(wrong)?;
    let file = folder.path().join("shop.yml");
    std::fs::write(&file, yml).map_err(wrong)?;
    if write(&file, folder.path()) == 0 { Err("there are no files".to_owned()) } else { Ok(folder) }
}

/// Runs the script of a platform with the real jq and a vendor's tool that keeps the bodies of its calls, and looks at
/// these.
fn sent(jq: &Path, platform: &'static str) -> Result<(), String> {
    let yml = "service: shop\nprovider: {concurrency: 7}\nfunctions:\n  order:\n    handler: shop.order\n    \
               environment: {PLAIN: word, KEY: '${secret:db/password}', OTHER: '${secret:token}'}\n    \
               events:\n      - timer: {name: nightly, cron: 0 2 * * *}\n      - kafka: {topic: orders}\n";
    let wrong = |error: std::io::Error| error.to_string();
    let folder = written(yml)?;
    let path = folder.path();
    let [packages, tools, calls] = ["dist", "tools", "calls"].map(|name| path.join(name));
    let packages = packages.join(platform);
    for folder in [&packages, &tools, &calls] {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    // Longer than an argument may be, and many lines of base64, whose last one is not full.
    let package: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    std::fs::write(packages.join("order.zip"), &package).map_err(wrong)?;
    for name in ["hcloud", "ve"] {
        let path = tools.join(name);
        std::fs::write(&path, VENDOR).map_err(wrong)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).map_err(wrong)?;
    }
    let secret = "it's \"$HOME\" \\n\n`#{}";
    let beside = jq.parent().ok_or("jq is in no folder")?.display();
    let mut script = Command::new("sh");
    script
        .arg("deploy.sh")
        .current_dir(path.join("shop").join(platform))
        .env("PATH", format!("{}:{beside}:/usr/bin:/bin", tools.display()))
        .envs([("CALLS", calls.as_path())])
        .envs([("DB_PASSWORD", secret), ("TOKEN", "t")])
        .envs([("KAFKA_INSTANCE_ID", "kafka-17"), ("KAFKA_USERNAME", "me"), ("KAFKA_PASSWORD", secret)]);
    let output = script.output().map_err(wrong)?;
    if !output.status.success() {
        return Err(format!("{script:?}\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let left = || -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(path.join("shop").join(platform).join("order")).map_err(wrong)?;
        let names = entries.map(|entry| Ok(entry.map_err(wrong)?.file_name().to_string_lossy().into_owned()));
        Ok(names.collect::<Result<Vec<_>, String>>()?.into_iter().filter(|name| name.starts_with('.')).collect())
    };
    let body = |action: &str| -> Result<serde_json::Value, String> {
        let text =
            std::fs::read(calls.join(action).with_extension("json")).map_err(|error| format!("{action}: {error}"))?;
        serde_json::from_slice(&text).map_err(|error| format!("{action}: {error}"))
    };
    let mut code = Vec::new();
    faas_core::encoding::base64::encode_into(&mut code, &package);
    let code = String::from_utf8_lossy(&code).into_owned();
    let said = std::fs::read_to_string(calls.join("said")).map_err(wrong)?;
    let found = match platform {
        "vefaas" => {
            let create = body("CreateFunction")?;
            let env = |key: &str| create["Envs"].as_array()?.iter().find(|env| env["Key"] == key).cloned();
            let uploaded = std::fs::read(calls.join("uploaded")).map_err(|error| format!("uploaded: {error}"))?;
            let plain = ["GetCodeUploadAddress", "Release"].map(|action| {
                said.lines().find_map(|line| line.strip_prefix(&format!("vefaas {action} "))).map(str::to_owned)
            });
            json!([
                uploaded == package,
                [env("PLAIN"), env("DB_PASSWORD"), env("TOKEN")],
                plain,
                body("CodeUploadCallback")?,
                body("CreateTimer")?,
                body("CreateKafkaTrigger")?
            ])
        }
        _ => {
            let (create, update) = (body("CreateFunction")?, body("UpdateFunctionConfig")?);
            let secrets = |body: &serde_json::Value| -> Option<serde_json::Value> {
                serde_json::from_str(body["encrypted_user_data"].as_str()?).ok()
            };
            json!([
                create["func_code"]["file"],
                [secrets(&create), secrets(&update)],
                update["strategy_config"],
                body("CreateFunctionTrigger")?["event_data"]
            ])
        }
    };
    let expected = match platform {
        "vefaas" => json!([
            true,
            [
                {"Key": "PLAIN", "Value": "word"},
                {"Key": "DB_PASSWORD", "Value": secret},
                {"Key": "TOKEN", "Value": "t"}
            ],
            [
                "--FunctionId id-17 --ContentLength 200000",
                "--FunctionId id-17 --RevisionNumber 0 --TargetTrafficWeight 100 --RollingStep 100"
            ],
            {"FunctionId": "id-17"},
            {"FunctionId": "id-17", "Name": "nightly", "Crontab": "0 2 * * *", "Enabled": true},
            {
                "FunctionId": "id-17", "Name": "order_kafka", "TopicName": "orders", "Enabled": true,
                "MqInstanceId": "kafka-17",
                "KafkaCredentials": {"Mechanism": "PLAIN", "Username": "me", "Password": secret}
            }
        ]),
        _ => {
            let secrets = json!({"DB_PASSWORD": secret, "TOKEN": "t"});
            json!([
                code,
                [secrets, secrets],
                {"concurrency": -1, "concurrent_num": 7},
                // The last of the triggers.
                {"name": "order-kafka", "instance_id": "kafka-17", "topic_ids": ["orders"], "batch_size": 100}
            ])
        }
    };
    if found != expected {
        return Err(format!("expected {expected:#}\nfound {found:#}"));
    }
    let kept = left()?;
    // The last call is the one that fails now.
    let last = if platform == "vefaas" { "CreateKafkaTrigger" } else { "CreateFunctionTrigger" };
    let output = script.env("FAILS", last).output().map_err(wrong)?;
    if output.status.code() != Some(3) {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    match [kept, left()?].concat() {
        files if files.is_empty() => Ok(()),
        files => Err(format!("secrets stay in {files:?}")),
    }
}

/// A stand-in for SAM, which keeps the arguments of a deployment and its file of parameters.
const SAM: &str = r#"#!/bin/sh
[ "$1" = deploy ] || exit 0
echo "$*" > "$CALLS/said"
cp -p .parameters.yaml "$CALLS/parameters"
exit "$FAILS"
"#;

/// Runs the script of AWS with the real jq and a stand-in for SAM. Parameters are in a file of the deployer's own while
/// the script runs, and in no argument. A value that SAM would change is refused.
fn handed_over(jq: &Path) -> Result<(), String> {
    let yml = "service: shop\nfunctions: {order: {handler: shop.order}}\nresources:\n  Parameters:\n    \
               Password: {Type: String, NoEcho: true}\n    2nd: {Type: String}\n";
    let wrong = |error: std::io::Error| error.to_string();
    let folder = written(yml)?;
    let path = folder.path();
    std::fs::write(path.join("sam"), SAM).map_err(wrong)?;
    std::fs::set_permissions(path.join("sam"), std::fs::Permissions::from_mode(0o755)).map_err(wrong)?;
    let beside = jq.parent().ok_or("jq is in no folder")?.display();
    let files = path.join("shop/aws-lambda");
    let run = |password: &str, fails: i32| {
        let mut script = Command::new("sh");
        script.arg("deploy.sh").current_dir(&files);
        script.env("PATH", format!("{}:{beside}:/usr/bin:/bin", path.display())).env("CALLS", path);
        script.env("FAILS", fails.to_string()).envs([("Password", password), ("_2nd", "second")]);
        let output = script.output().map_err(wrong)?;
        if files.join(".parameters.yaml").exists() {
            return Err("the parameters stay".to_owned());
        }
        Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let secret = "it's \"$HOME\" \\n\n`#{} é \u{1f600}\\";
    let (said, parameters) = (path.join("said"), path.join("parameters"));
    for fails in [0, 3] {
        let (code, errors) = run(secret, fails)?;
        if code != Some(fails) {
            return Err(format!("{code:?}: {errors}"));
        }
        let arguments = std::fs::read_to_string(&said).map_err(wrong)?;
        if arguments.contains("HOME") || arguments.contains("second") {
            return Err(format!("a value is among the arguments: {arguments}"));
        }
        let mode = std::fs::metadata(&parameters).map_err(wrong)?.permissions().mode() & 0o777;
        let text = std::fs::read(&parameters).map_err(wrong)?;
        let found: serde_json::Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if mode != 0o600 || found != json!({"2nd": "second", "Password": secret}) {
            return Err(format!("the parameters are {found:#}, with the mode {mode:o}"));
        }
        std::fs::remove_file(&said).map_err(wrong)?;
    }
    for changed in ["\"quoted\"", "'quoted'", "\"", "a\\\"b", "a\\ b", "a\\'b", "a\u{85}b"] {
        let (code, errors) = run(changed, 0)?;
        let is_told = errors.contains("SAM changes the value of Password") && !errors.contains(changed);
        if code == Some(0) || !is_told || said.exists() {
            return Err(format!("{changed} is deployed: {code:?}: {errors}"));
        }
    }
    Ok(())
}

/// Writes texts that readers of YAML take for something else, and all kinds of characters, as YAML with the same as
/// JSON beside it.
fn nasty(folder: &Path) {
    use serverless_spec::deploy::document::{Document, Mapping};
    let words = [
        "",
        " ",
        "on",
        "off",
        "Yes",
        "NO",
        "y",
        "N",
        "true",
        "False",
        "null",
        "~",
        "Null",
        "none",
        "010",
        "0o17",
        "0x1F",
        "1_000",
        "1:30",
        "190:20:30",
        "1e3",
        ".5",
        "-1",
        "+1",
        ".inf",
        "-.INF",
        ".nan",
        "2026-01-02",
        "2026-01-02 03:04:05",
        "=",
        "<<",
        "?",
        "-",
        "- a",
        "a: b",
        "a:",
        ":a",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "!!str a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "'",
        "\"",
        "''",
        "it's",
        "\\",
        "'\\\"",
        "{a}",
        "[a]",
        "a,b",
        "a, b",
        " a",
        "a ",
        "\ta",
        "a\n",
        "\n",
        "a\nb\n\nc",
        "\r\n",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{feff}a",
        "\u{2028}",
        "\u{fffd}",
        "ж",
        "größe",
        "日本",
        "\u{1f600}",
        "---",
        "...",
        "--- a",
        "AWS::X",
        "a::",
        "/a/{b+}",
        "${x}",
        "$$",
        "0.25",
        "1.",
        "0b11",
        "12e03",
        "a\\nb",
    ];
    let mut map = Mapping::new();
    for (number, word) in words.iter().enumerate() {
        map.put(format!("k{number}"), *word);
        map.put(*word, vec![Document::from(*word), Mapping::new().with(*word, *word).into()]);
    }
    // Every pair of signs with a meaning stands at the beginning, in the middle and at the end.
    let signs = "-?:,[]{}#&*!|>'\"%@`=~ \n\ta1.";
    let mut pairs = Vec::new();
    for one in signs.chars() {
        for other in signs.chars() {
            pairs.extend([
                format!("{one}{other}"),
                format!("{one}{other}x"),
                format!("x{one}{other}"),
                format!("x{one}{other}x"),
            ]);
        }
    }
    map.put("pairs", pairs);
    // The texts are of any of these signs, always the same ones.
    let signs: Vec<char> =
        "-?:,[]{}#&*!|>'\"%@`=~ \n\t\r\\$/.019aenoy_+\u{0}\u{7f}\u{85}\u{a0}\u{2028}\u{feff}ж日\u{1f600}"
            .chars()
            .collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or_default()
    };
    let mut any = || (0..next() % 9).map(|_| signs[next() % signs.len()]).collect::<String>();
    map.put("any", (0..5_000).map(|_| any()).collect::<Vec<_>>());
    map.put("k".repeat(1_100), "a long key");
    let document = Document::from(map);
    let place = folder.join("texts/all");
    std::fs::create_dir_all(&place).expect("a folder can be made");
    std::fs::write(place.join("texts.yaml"), document.to_yaml("texts\nof all kinds")).expect("a file can be written");
    std::fs::write(place.join("texts.json"), document.to_json()).expect("a file can be written");
}
