//! Deployment files against checks that the vendors or others publish: linters, schemas, validators, and readers of
//! YAML of both versions. Every good yml of the corpus is made into files for every platform, and the examples here.
//!
//! `.ci/foreign` brings the checks. Schemas that are in no registry are looked for in `FAAS_SCHEMAS`, else beside the
//! repository in `shared/schemas`; without them their tests are listed as ignored.

use integration::needs;
use libtest_mimic::Trial;
use serverless_spec::deploy::{self, Options};
use serverless_spec::variables::Files;
use serverless_spec::{Input, read};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

fn main() -> ExitCode {
    let arguments = libtest_mimic::Arguments::from_args();
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
    let clients = needs::folder("python-clients").and(python.clone());
    for (kind, name, beside) in [
        ("aliyun", "s_yaml_fits_the_schema_of_fc3_and_has_no_other_key", &schemas),
        ("azure", "files_of_azure_fit_their_schemas", &schemas),
        ("google", "services_of_cloud_run_fit_their_schema", &schemas),
        ("knative", "objects_of_knative_fit_their_definitions_and_have_no_other_key", &schemas),
        ("huawei", "bodies_of_functiongraph_are_those_of_huaweis_client_library", &clients),
        ("vefaas", "bodies_of_vefaas_are_those_of_volcengines_client_library", &clients),
    ] {
        let python = python.clone();
        trials.push(needs::once(beside, name, move |beside| {
            clean(&python.path().ok_or("python-templates is missing")?, kind, Some(beside))
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn clean(python: &Path, kind: &str, schemas: Option<&Path>) -> Result<(), String> {
    validate(python, kind, all().path(), schemas)
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

/// Returns the files of every service for every platform, made once.
fn all() -> &'static tempfile::TempDir {
    static ALL: OnceLock<tempfile::TempDir> = OnceLock::new();
    ALL.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut made = 0;
        for corpus in ["runtime-engine/spec/tests/good", "runtime-engine/spec/tests/deploy"] {
            let entries = std::fs::read_dir(root.join(corpus)).expect("the corpus is there");
            for entry in entries {
                let path = entry.expect("an entry can be read").path();
                if path.extension().is_some_and(|extension| extension == "yml") {
                    made += write(&path, folder.path());
                }
            }
        }
        for page in ["serverless-yml", "combining", "deploying", "from-midway"] {
            let text =
                std::fs::read_to_string(root.join("docs").join(page).with_extension("md")).expect("the page is there");
            let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
            for (number, yml) in blocks.filter(|yml| yml.starts_with("service:")).enumerate() {
                let path = folder.path().join(format!("{page}-{number}.yml"));
                std::fs::write(&path, yml).expect("a file can be written");
                made += write(&path, folder.path());
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
