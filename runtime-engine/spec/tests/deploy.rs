//! The deployment files of three services on every platform, as they are kept in `deploy/<service>/<platform>.txt`: the
//! findings, then each file. `FAAS_REWRITE=1` writes them anew.

#[path = "deploy/azure.rs"]
mod azure;
#[path = "deploy/names.rs"]
mod names;

use serverless_spec::deploy::{self, Options, Templates};
use serverless_spec::diagnostic::{Severity, render};
use serverless_spec::variables::Files;
use serverless_spec::{Input, Read, read};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const OPTIONS: Options<'_> =
    Options { packages: "../../dist/there", registry: "registry.example", tag: "1", machine: "x86_64" };

#[derive(Debug)]
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<String, String> {
        Err("there are no files".to_owned())
    }
}

fn read_for(text: &str, platform: &str) -> Read {
    let nothing = BTreeMap::new();
    read(&Input {
        name: "serverless.yml",
        text: text.as_bytes(),
        environment: &nothing,
        options: &nothing,
        stage: None,
        platform: Some(platform),
        files: &NoFiles,
    })
}

fn templates(text: &str, platform: &'static str) -> (Read, Templates) {
    let read = read_for(text, platform);
    let said: String = read.diagnostics.iter().map(|diagnostic| render(diagnostic, &read.sources, false)).collect();
    let spec = read.spec.as_ref().unwrap_or_else(|| panic!("{platform}: {said}"));
    let made = deploy::templates(spec, &read.sources, platform, &OPTIONS);
    (read, made)
}

fn said(read: &Read, made: &Templates) -> String {
    made.diagnostics.iter().map(|diagnostic| render(diagnostic, &read.sources, false) + "\n\n").collect()
}

fn file(made: &Templates, path: &str) -> String {
    let file = made.files.iter().find(|file| file.path == path);
    let paths: Vec<&str> = made.files.iter().map(|file| file.path.as_str()).collect();
    file.map(|file| file.text.clone()).unwrap_or_else(|| panic!("there is no {path} among {paths:?}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy")
}

#[test]
fn files_are_those_that_are_kept() {
    let mut wrong = Vec::new();
    for service in ["pages", "jobs", "everything"] {
        let text = std::fs::read_to_string(folder().join(service).with_extension("yml")).expect("the yml is there");
        for platform in serverless_spec::platform_names() {
            let (read, made) = templates(&text, platform);
            let mut out = said(&read, &made);
            for file in &made.files {
                write!(out, "=== {}\n{}", file.path, file.text).expect("a text takes all");
            }
            let path = folder().join(service).join(platform).with_extension("txt");
            if std::env::var_os("FAAS_REWRITE").is_some() {
                std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
                std::fs::write(&path, &out).expect("a golden file can be written");
            } else if std::fs::read_to_string(&path).unwrap_or_default() != out {
                wrong.push(format!("{}: found\n{out}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_key_that_the_table_names_on_a_platform_is_in_its_files() {
    let text = "service: shop\nprovider: {timeout: 7, initTimeout: 20, memorySize: 512, concurrency: 3}\n\
                functions:\n  order: {handler: shop.order, events: [{http: {path: /orders}}]}\n";
    let mut looked_at = 0;
    for platform in serverless_spec::platform_names() {
        let (_, made) = templates(text, platform);
        let all: String = made.files.iter().map(|file| file.text.as_str()).collect();
        for key in serverless_spec::keys::PROVIDER.keys {
            let is_set = matches!(key.name, "timeout" | "initTimeout" | "memorySize" | "concurrency");
            let names = key.platforms.iter().filter(|(on, _)| *on == platform && is_set);
            for (_, name) in names {
                let word = name.split(' ').next().and_then(|path| path.rsplit('.').next()).unwrap_or_default();
                assert!(all.contains(word), "{platform}: {} is `{word}` by the table, and not in\n{all}", key.name);
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 30, "{looked_at}");
}

#[test]
fn a_secret_is_in_no_file() {
    let text = "service: shop\nfunctions:\n  order:\n    environment: {PASSWORD: '${secret:db-password}'}\n    \
                events: [{http: true}]\n";
    for platform in serverless_spec::platform_names() {
        let (read, made) = templates(text, platform);
        let all: String = made.files.iter().map(|file| file.text.as_str()).collect();
        assert!(!all.contains("${secret:"), "{platform}: {all}");
        let brings = ["DB_PASSWORD", "db-password"].iter().any(|name| all.contains(name));
        assert!(brings, "{platform}: nobody brings the secret\n{all}{}", said(&read, &made));
    }
}

#[test]
fn a_secret_is_an_argument_of_no_program_but_of_two_that_take_it_in_no_other_way() {
    let text = "service: shop\nfunctions:\n  order:\n    environment: {PASSWORD: '${secret:db-password}'}\n    \
                events: [{http: true}]\n";
    // These are the shell's own, and start no program.
    let own = [": ", "printf ", "case "];
    let mut among_arguments = Vec::new();
    for platform in serverless_spec::platform_names() {
        let script = file(&templates(text, platform).1, "deploy.sh").replace("\\\n", "");
        let with_value = script.split(['\n', ';', '|', '(']).map(str::trim).filter(|command| {
            let has_value = command.contains("$DB_PASSWORD") || command.contains("${DB_PASSWORD");
            has_value && !own.iter().any(|word| command.starts_with(word))
        });
        // This file has it.
        let with_file = script.lines().filter(|line| line.contains("$(cat order/.request.json)"));
        among_arguments.extend(with_value.chain(with_file).map(|command| (platform, command.to_owned())));
    }
    let [("fn", config), ("vefaas", create)] = &among_arguments[..] else { panic!("{among_arguments:?}") };
    assert!(
        config.starts_with("fn config function ") && create.contains("ve vefaas CreateFunction "),
        "{config}, {create}"
    );
    // A value that begins with `@` would be the name of a file to az.
    let script = file(&templates(text, "azure-container-apps").1, "deploy.sh");
    assert!(script.contains("--secrets db-password=@order/.secret-db-password\n"), "{script}");
    assert!(script.contains("trap 'rm -f */.secret-*' EXIT"), "{script}");
}

#[test]
fn secrets_of_openwhisk_come_with_init_by_its_api_and_by_no_argument_of_a_process() {
    let text = "service: shop\nfunctions:\n  order:\n    environment: {PASSWORD: '${secret:db/password}'}\n    \
                events: [{http: true}]\n  plain: {events: [{http: {path: /plain}}]}\n";
    let script = file(&templates(text, "openwhisk").1, "deploy.sh");
    assert!(!script.contains("--env"), "{script}");
    let parameter = ".parameters += [{key: \"DB_PASSWORD\", value: env.DB_PASSWORD, init: true}]";
    assert!(script.contains(parameter), "{script}");
    assert!(script.contains("/namespaces/_/actions/shop-dev/shop-dev-order?overwrite=true"), "{script}");
    assert!(!script.contains("actions/shop-dev/shop-dev-plain"), "{script}");
    assert!(script.contains("trap 'rm -f */.request.json' EXIT"), "{script}");
    let plain = text.replace("${secret:db/password}", "none");
    assert!(!file(&templates(&plain, "openwhisk").1, "deploy.sh").contains("curl"));
}

#[test]
fn options_of_the_deploying_shell_reach_the_vendors_tool_on_every_platform() {
    let text = "service: shop\nfunctions:\n  order: {events: [{http: {path: /orders}}]}\n";
    for platform in serverless_spec::platform_names() {
        let script = file(&templates(text, platform).1, "deploy.sh");
        assert!(script.contains("\"$@\""), "{platform}: {script}");
    }
    // What has several commands is told each of them where it acts: on which project, folder or account.
    let text = "service: shop\nfunctions:\n  order:\n    events: [{http: {path: /orders}}, {timer: {name: nightly, \
                cron: 0 2 * * *, enable: false}}]\n";
    for (platform, tool) in
        [("google-cloud", "gcloud "), ("huawei-functiongraph", "hcloud "), ("vefaas", "ve vefaas"), ("yandex", "yc ")]
    {
        let (_, made) = templates(text, platform);
        for step in &made.steps {
            let calls = step.command.matches(tool).count();
            assert_eq!(step.command.matches("\"$@\"").count(), calls, "{platform}: {}", step.command);
        }
    }
}

#[test]
fn memory_on_yandex_is_the_next_multiple_of_128_mb() {
    let of = |memory: i64| {
        let text = format!("service: shop\nfunctions:\n  order: {{memorySize: {memory}, events: [{{http: true}}]}}\n");
        templates(&text, "yandex")
    };
    for (asked, given) in [(64, 128), (128, 128), (200, 256), (8_192, 8_192)] {
        let (read, made) = of(asked);
        assert!(file(&made, "deploy.sh").contains(&format!(" --memory {given}m ")), "{asked}");
        let said = said(&read, &made);
        assert_eq!(said.contains(&format!("{asked} becomes {given} MB")), asked != given, "{said}");
    }
    assert!(of(8_193).1.files.is_empty());
}

#[test]
fn whatever_the_yml_asks_for_is_in_the_files_or_said() {
    // These values stand nowhere else, so that each is found again.
    let keys = [
        ("role: role-17", "role-17"),
        ("vpcConfig: {vpcId: vpc-17, vSwitchIds: [vsw-17], securityGroupId: sg-17}", "vsw-17"),
        ("logConfig: {project: project-17, logstore: store-17}", "store-17"),
        ("nasConfig: {mountPoints: [{serverAddr: nas-17, mountDir: /mnt/files-17}]}", "nas-17"),
        ("policies: [policy-17]", "policy-17"),
        ("asyncConfiguration: {maxAsyncEventAgeInSeconds: 1717}", "1717"),
        ("memorySize: 3072", "3072"),
        ("timeout: 17", "17"),
        ("initTimeout: 17", "17"),
    ];
    for platform in serverless_spec::platform_names() {
        for (key, value) in keys {
            let text =
                format!("service: shop\nprovider:\n  {key}\nfunctions:\n  order: {{events: [{{http: true}}]}}\n");
            let (read, made) = templates(&text, platform);
            let all: String = made.files.iter().map(|file| file.text.as_str()).collect();
            let is_said = made.diagnostics.iter().any(|diagnostic| diagnostic.place(&read.sources).line == 3);
            // A timeout is the manifest's in every case.
            let is_in_manifest = key.starts_with("timeout");
            // The value is 3072 MB where memory is counted in GB.
            let is_there = all.contains(value) || value == "3072" && all.contains("3.0Gi");
            assert!(is_there || is_said || is_in_manifest, "{platform}: {key}\n{all}");
        }
    }
}

#[test]
fn every_event_is_in_the_files_or_said() {
    let with = |event: &str, platform| {
        let text = format!("service: shop\nfunctions:\n  order:\n    events:\n      - {event}\n");
        let (read, made) = templates(&text, platform);
        let files: String = made.files.iter().map(|file| file.text.as_str()).collect();
        let is_said = made.diagnostics.iter().any(|diagnostic| diagnostic.place(&read.sources).line == 5);
        (files, is_said)
    };
    let mut looked_at = 0;
    for kind in serverless_spec::keys::KINDS.iter().filter(|kind| kind.nothing.is_empty()) {
        // Requests need nothing where every path reaches the process, and bytes need nothing at all.
        if matches!(kind.kinds, ["http"] | ["raw"]) {
            continue;
        }
        let (word, source) = (kind.word, kind.source);
        for platform in serverless_spec::platform_names() {
            // A timer is known by its schedule: where it is a function of its own, its name stands nowhere.
            let (event, mark) = match kind.kinds {
                ["timer"] => (format!("{word}: {{{source}: source-17, cron: 17 * * * *}}"), "17 * * * "),
                _ => (format!("{word}: {{{source}: source-17}}"), "source-17"),
            };
            let (files, is_said) = with(&event, platform);
            assert!(files.contains(mark) || is_said, "{platform}: {event}\n{files}");
            // Without a source it is every event of its kind, or said as well.
            let (nothing, _) = with("raw: true", platform);
            let (files, is_said) = with(&format!("{word}: true"), platform);
            assert!(files != nothing || is_said, "{platform}: {word}: true\n{files}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 250, "{looked_at}");
}

/// Returns the lines of a text that have one indentation and end with `:`, without it.
fn keys<'t>(text: &'t str, of: &str) -> Vec<&'t str> {
    let section = text.split(&format!("\n{of}:\n")).nth(1).unwrap_or_else(|| panic!("there is no {of} in\n{text}"));
    let lines = section.lines().take_while(|line| line.starts_with(' '));
    lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':').filter(|key| !key.starts_with(' '))).collect()
}

#[test]
fn resources_of_the_yml_are_laid_over_those_of_their_kind() {
    let text = "service: shop\nfunctions: {order: {events: [{http: {path: /a}}, {oss: {bucket: pics}}]}, order-role: {}}\n\
                provider: {role: 'arn:aws:iam::1:role/r'}\nresources:\n  Resources:\n    \
                HttpApi: {Type: 'AWS::Serverless::HttpApi', Properties: {Description: mine}}\n    \
                PicsBucket: {Type: 'AWS::S3::Bucket', Properties: {BucketName: others}}\n";
    let (read, made) = templates(text, "aws-lambda");
    assert!(made.diagnostics.is_empty(), "{}", said(&read, &made));
    let template = file(&made, "template.yaml");
    assert_eq!(keys(&template, "Resources"), ["ownPicsBucket", "Order", "OrderRole", "HttpApi", "PicsBucket"]);
    assert!(template.contains("ApiId: !Ref HttpApi\n") && template.contains("Description: mine\n"), "{template}");
}

#[test]
fn parameters_of_a_template_without_a_default_are_asked_for_and_no_argument_has_one() {
    let text = "service: shop\nfunctions:\n  \
                work: {events: [{kafka: {topic: orders}}, {table: {table: users}}, {table: {table: old}}]}\n\
                resources:\n  Parameters:\n    Size: {Type: String, Default: 1}\n    \
                OldStreamArn: {Type: String, Default: 'arn:aws:dynamodb:eu-central-1:1:table/old/stream/1'}\n    \
                2ndKey: {Type: String, NoEcho: true}\n    \
                Tier: {Type: String, Description: 'what \"it\" costs: $5'}\n";
    let (_, made) = templates(text, "aws-lambda");
    let deploy = file(&made, "deploy.sh");
    // A variable of a shell does not begin with a digit.
    let asked = [
        r#": "${_2ndKey:?a parameter of the template}"; "#,
        r#": "${KafkaClusterArn:?The ARN of the cluster of Kafka (MSK)}"; "#,
        r#": "${Tier:?what  it  costs:  5}"; "#,
        r#": "${UsersStreamArn:?The ARN of the stream of the table users}"; "#,
    ];
    assert!(deploy.contains(&format!("umask 077; {}jq --null-input ", asked.concat())), "{deploy}");
    assert!(deploy.contains(r#".["2ndKey"] = (env._2ndKey | for_sam("2ndKey"))"#), "{deploy}");
    assert!(deploy.contains("trap 'rm -f .parameters.yaml' EXIT\n"), "{deploy}");
    let call = deploy.lines().find(|line| line.starts_with("sam deploy ")).expect("it deploys");
    assert!(
        call.contains(" --parameter-overrides file://.parameters.yaml --no-fail") && !call.contains("${"),
        "{call}"
    );
    let (_, made) = templates("service: shop\nfunctions: {order: {}}\n", "aws-lambda");
    let deploy = file(&made, "deploy.sh");
    assert!(!deploy.contains("jq") && !deploy.contains(".parameters.yaml"), "{deploy}");
}

#[test]
fn names_and_payloads_that_vefaas_refuses_are_errors() {
    let long = "x".repeat(1_001);
    for (event, message) in [
        ("timer: {name: tea, every: 5m}".to_owned(), "4 to 64 of them, and this is `tea`"),
        ("timer: {name: tea_time, every: 5m}".to_owned(), "letters, digits and `-`"),
        ("kafka: {topic: orders, name: 1st-orders}".to_owned(), "4 to 63 of them, and this is `1st_orders`"),
        (format!("timer: {{name: nightly, every: 5m, payload: {long}}}"), "at most 1000 characters"),
    ] {
        let text = format!("service: shop\nfunctions:\n  order:\n    events:\n      - {event}\n");
        let (read, made) = templates(&text, "vefaas");
        assert!(made.files.is_empty(), "{event}");
        assert!(said(&read, &made).contains(message), "{event}: {}", said(&read, &made));
    }
}

#[test]
fn what_is_left_out_is_said_once() {
    let text = "service: shop\nfunctions:\n  order:\n    events:\n      \
                - storage: {bucket: b, filter: {prefix: in/, suffix: .jpg}}\n";
    let (read, made) = templates(text, "vefaas");
    assert_eq!(made.diagnostics.len(), 1, "{}", said(&read, &made));
}

#[test]
fn a_limit_beyond_the_platform_is_an_error_and_there_are_no_files() {
    let text = "service: shop\nprovider: {timeout: 1000}\nfunctions:\n  order: {events: [{http: true}]}\n";
    let (read, made) = templates(text, "aws-lambda");
    assert!(made.files.is_empty());
    let [diagnostic] = &made.diagnostics[..] else { panic!("{:?}", made.diagnostics) };
    assert_eq!(diagnostic.severity, Severity::Error);
    assert_eq!(diagnostic.place(&read.sources).line, 2);
    assert_eq!(diagnostic.message, "AWS Lambda takes a timeout from 1 to 900 seconds, and this is 1000");
}

#[test]
fn routes_that_the_domain_of_function_compute_cannot_tell_apart_are_an_error() {
    let text = "service: shop\nfunctions:\n  one: {events: [{http: {path: '/users/:id'}}]}\n  \
                two: {events: [{http: {path: '/users/:id/orders'}}]}\n";
    let (read, made) = templates(text, "aliyun-fc");
    let said = said(&read, &made);
    assert!(
        said.contains("cannot tell `/users/:id/orders` of `two` from `/users/:id` of `one`: both are /users/*"),
        "{said}"
    );
    assert!(said.contains("put the functions into one unit"), "{said}");
    let together = format!("{text}aggregation: {{all: {{functionsPattern: '*'}}}}\n");
    assert!(templates(&together, "aliyun-fc").1.diagnostics.is_empty());
}

#[test]
fn a_prefix_of_the_domain_that_takes_what_is_anothers_is_said() {
    let text = "service: shop\nfunctions:\n  one: {events: [{http: {path: '/users/:id'}}]}\n  \
                two: {events: [{http: {path: '/:kind/:id/orders'}}]}\n";
    let (read, made) = templates(text, "aliyun-fc");
    let said = said(&read, &made);
    assert!(
        said.contains("sends all below /users/* to `one`, so that `/:kind/:id/orders` of `two` is not reached"),
        "{said}"
    );
}

#[test]
fn a_function_of_function_compute_is_an_image_if_its_runtime_says_so() {
    let text = "service: shop\nprovider: {runtime: custom-container}\n\
                functions:\n  order: {handler: shop.order, events: [{http: {path: /orders}}]}\n";
    let (_, made) = templates(text, "aliyun-fc");
    let yaml = file(&made, "s.yaml");
    assert!(yaml.contains("runtime: custom-container\n"), "{yaml}");
    assert!(yaml.contains("image: registry.example/shop-dev-order:1\n        port: 9000"), "{yaml}");
    assert!(!yaml.contains("code:"), "{yaml}");
    assert!(file(&made, "order/Dockerfile").contains("ENTRYPOINT [\"/app/bootstrap\"]"));
    let build = made.steps.iter().find(|step| step.command.starts_with("docker build")).expect("it is built");
    assert!(build.command.ends_with("order/package"), "{}", build.command);
}

#[test]
fn an_event_that_does_not_say_whose_it_is_wants_a_default_function() {
    let text = "service: shop\nfunctions:\n  order: {events: [{http: {path: /orders}}]}\n  \
                tidy: {events: [{timer: {cron: 0 2 * * *}}]}\naggregation: {all: {functionsPattern: '*'}}\n";
    for platform in ["kubernetes", "google-cloud", "openfaas", "openwhisk", "azure-container-apps"] {
        let (read, made) = templates(text, platform);
        let said = said(&read, &made);
        assert!(said.contains("does not say which function of `all` it is for"), "{platform}: {said}");
        let with_default = text.replace("tidy: {", "tidy: {default: true, ");
        let (read, made) = templates(&with_default, platform);
        assert!(made.diagnostics.is_empty(), "{platform}: {}", self::said(&read, &made));
    }
}

#[test]
fn an_event_that_says_whose_it_is_wants_none() {
    let unit = |event: &str| {
        format!(
            "service: shop\nfunctions:\n  order: {{events: [{{http: {{path: /orders}}}}]}}\n  \
             work: {{events: [{event}]}}\naggregation: {{all: {{functionsPattern: '*'}}}}\n"
        )
    };
    for (platform, event) in [
        ("knative", "{timer: {cron: 0 2 * * *}}"),
        ("google-cloud", "{topic: {source: orders}}"),
        ("google-cloud", "{queue: {source: orders}}"),
        ("google-cloud", "{storage: {bucket: photos}}"),
        ("google-cloud", "{table: {table: customers}}"),
    ] {
        let (read, made) = templates(&unit(event), platform);
        assert!(made.diagnostics.is_empty(), "{platform}, {event}: {}", said(&read, &made));
    }
}

/// Returns the lines `path`, `functionName` of the domain, in order.
fn domain(s_yaml: &str) -> Vec<(String, String)> {
    let value = |line: &str, key: &str| {
        let rest = line.trim().trim_start_matches("- ").strip_prefix(key)?.strip_prefix(": ")?;
        Some(rest.trim_matches('\'').to_owned())
    };
    let routes = s_yaml.split("routes:").nth(1).expect("there is a domain");
    let paths: Vec<String> = routes.lines().filter_map(|line| value(line, "path")).collect();
    paths.into_iter().zip(routes.lines().filter_map(|line| value(line, "functionName"))).collect()
}

/// The routes of several units whose paths a domain can tell apart. Each path goes to the unit whose router has the
/// best route.
const ROUTES: &str = "service: shop\nfunctions:\n  \
    root: {events: [{http: {path: '/*'}}]}\n  \
    api: {events: [{http: {path: '/api/*'}}]}\n  \
    list: {events: [{http: {path: /api/list}}]}\n  \
    deep: {events: [{http: {path: '/api/v1/*'}}]}\n";

#[test]
fn the_domain_of_function_compute_sends_each_path_where_the_router_would() {
    let (read, made) = templates(ROUTES, "aliyun-fc");
    let routes = domain(&file(&made, "s.yaml"));
    let spec = read.spec.as_ref().expect("it is right");
    for path in ["/", "/x", "/api", "/api/", "/api/7", "/api/list", "/api/list/7", "/api/v1", "/api/v1/2", "/api/v2"] {
        let fits = |route: &str| match route.strip_suffix("/*") {
            Some(prefix) => path == prefix || path.starts_with(&format!("{prefix}/")),
            None => path.trim_end_matches('/') == route,
        };
        // A domain is said to take the first route that fits, and the longest: both must agree.
        let first = routes.iter().find(|(route, _)| fits(route));
        let longest = routes
            .iter()
            .filter(|(route, _)| fits(route))
            .max_by_key(|(route, _)| (!route.ends_with('*'), route.len()));
        let answer = serverless_spec::explain::request(spec, &read.sources, "GET", path);
        for found in [first, longest] {
            let (_, function) = found.unwrap_or_else(|| panic!("{path} is not in {routes:?}"));
            let owner = function.rsplit('-').next().expect("it has a name");
            assert!(answer.contains(&format!("goes to `{owner}`")), "{path}: {function} by {routes:?}, and {answer}");
        }
    }
}

#[test]
fn schedules_are_those_of_the_dialects() {
    use serverless_spec::cron::dialect::Dialect;
    use serverless_spec::cron::{Civil, Schedule};
    let text = std::fs::read_to_string(folder().join("jobs.yml")).expect("the yml is there");
    let schedule = Schedule::parse("0 30 2 * * *", None).expect("it is a schedule");
    let mut looked_at = 0;
    for platform in serverless_spec::platform_names() {
        let Some(dialect) = Dialect::of(platform) else { continue };
        let expected = dialect.emit(&schedule, None).expect("each platform has it").text;
        let (_, made) = templates(&text, platform);
        let all: String = made.files.iter().map(|file| file.text.as_str()).collect();
        assert!(all.contains(&expected), "{platform}: {expected} is not in\n{all}");
        // The written text is read again as the same times, where it is in our own grammar.
        let own = if platform == "yandex" { format!("cron({expected})") } else { expected.clone() };
        let back = Schedule::parse(own.trim_start_matches("CRON_TZ=UTC "), None);
        let from = Civil { year: 2024, ..Civil::EPOCH };
        let back = back.unwrap_or_else(|error| panic!("{platform}: {expected}: {error}"));
        assert_eq!(back.next_times(from, 50), schedule.next_times(from, 50), "{platform}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 13);
}

/// Returns the service of the pages of platforms, as `docs/deploying.md` has it.
fn service_of_the_pages() -> String {
    let page = include_str!("../../../docs/deploying.md");
    let yml =
        page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page begins with a yml");
    assert!(yml.starts_with("service: shop\n"), "{yml}");
    yml.to_owned()
}

/// Returns the names of the files that a page shows.
fn shown(platform: &str) -> &'static [&'static str] {
    match platform {
        "aliyun-fc" => &["s.yaml"],
        "aws-lambda" => &["template.yaml"],
        "azure-container-apps" => &["order/app.yaml", "order/shop-dev-order-nightly.yaml"],
        "azure-functions" => &[
            "order/host.json",
            "order/order/function.json",
            "order/order-timer-1/function.json",
            "order/local.settings.json",
        ],
        "fn" => &["order/func.yaml"],
        "google-cloud" | "knative" => &["order/service.yaml"],
        "http" => &["order/Dockerfile", "compose.yaml"],
        "huawei-functiongraph" => &["order/function.json", "order/trigger-nightly.json"],
        "kubernetes" => &["order/deployment.yaml"],
        "openfaas" => &["stack.yml"],
        "openwhisk" => &["manifest.yaml"],
        "tencent-scf" => &["order/serverless.yml"],
        "vefaas" => &["order/function.json", "order/timer-nightly.json"],
        "yandex" => &["gateway.yaml"],
        other => panic!("there is no page of {other}"),
    }
}

const BEGIN: &str = "<!-- deployment files, made by the tests: begin -->\n";
const END: &str = "<!-- deployment files, made by the tests: end -->\n";

#[test]
fn the_pages_of_the_platforms_show_what_is_written() {
    let yml = service_of_the_pages();
    for platform in serverless_spec::platform_names() {
        let read = read_for(&yml, platform);
        let spec = read.spec.as_ref().expect("the yml of the page is right");
        let packages = format!("../../dist/{platform}");
        let options = Options { packages: &packages, registry: "ghcr.io/me", tag: "latest", machine: "x86_64" };
        let made = deploy::templates(spec, &read.sources, platform, &options);
        let mut out = format!(
            "```console\n$ cargo faas package --platform {platform}\n$ cargo faas templates --platform {platform}{}\n```\n\n",
            if made.files.iter().any(|file| file.path.ends_with("Dockerfile")) { " --registry ghcr.io/me" } else { "" }
        );
        for path in shown(platform) {
            let text = file(&made, path);
            let kind = match path.rsplit('.').next() {
                Some("json") => "json",
                Some("yaml" | "yml") => "yaml",
                _ => "dockerfile",
            };
            // The head is the same everywhere.
            let text: String = text
                .lines()
                .filter(|line| !line.starts_with("# shop in stage"))
                .map(|line| format!("{line}\n"))
                .collect();
            write!(out, "`{path}`:\n\n```{kind}\n{text}```\n\n").expect("a text takes all");
        }
        let steps: String = made.steps.iter().map(|step| step.command.clone() + "\n").collect();
        write!(
            out,
            "`cargo faas deploy --platform {platform} --yes`, or `deploy.sh` beside them, runs\n\n```sh\n{steps}```\n\n"
        )
        .expect("a text takes all");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/platforms/{platform}.md"));
        let page = std::fs::read_to_string(&path).expect("the page is there");
        let (before, rest) =
            page.split_once(BEGIN).unwrap_or_else(|| panic!("{platform}: the page has no place for it"));
        let (written, after) = rest.split_once(END).expect("the place ends");
        if std::env::var_os("FAAS_REWRITE").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{out}{END}{after}")).expect("the page can be written");
        } else {
            assert_eq!(written, out, "docs/platforms/{platform}.md; FAAS_REWRITE=1 writes it anew");
        }
    }
}
