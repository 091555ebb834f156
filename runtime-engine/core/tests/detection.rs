//! The platform that an environment means: the variables that each platform gives a process, whole and in halves, and
//! the table of `docs/detection.md`, which is the one in code.

use faas_core::platform::{PLATFORMS, Protocol, detect};
use faas_core::settings::{Env, Settings};

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Returns the platform and the reason for it, or the error.
fn found(pairs: Pairs<'_>) -> Result<(&'static str, String), String> {
    let look_up =
        |name: &str| pairs.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    let env = Env::new(&look_up);
    let settings = Settings::read(&env).map_err(|bad| bad.to_string())?;
    let detected = detect(&env, &settings).map_err(|unknown| unknown.to_string())?;
    Ok((detected.opened.identity.platform, detected.why))
}

/// The variables that every container of a cluster finds.
const CLUSTER: [(&str, &str); 4] = [
    ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
    ("KUBERNETES_SERVICE_PORT", "443"),
    ("KUBERNETES_PORT", "tcp://10.96.0.1:443"),
    ("HOSTNAME", "shop-5d8f7c-x2k7q"),
];

const AWS: Pairs<'_> = &[
    ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
    ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
    ("AWS_REGION", "eu-west-1"),
    ("LAMBDA_TASK_ROOT", "/var/task"),
    ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ("_HANDLER", "shop.order"),
    ("TZ", ":UTC"),
];

const TENCENT: Pairs<'_> = &[
    ("SCF_RUNTIME_API", "127.0.0.1"),
    ("SCF_RUNTIME_API_PORT", "9001"),
    ("SCF_FUNCTIONNAME", "shop"),
    ("SCF_FUNCTIONVERSION", "$LATEST"),
    ("SCF_NAMESPACE", "default"),
    ("TENCENTCLOUD_RUNENV", "SCF"),
    ("TENCENTCLOUD_REGION", "ap-guangzhou"),
    ("USER_CODE_ROOT", "/var/user/"),
    ("_HANDLER", "index.main_handler"),
];

/// A web function, which has no API to ask.
const TENCENT_WEB: Pairs<'_> = &[
    ("SCF_FUNCTIONNAME", "shop"),
    ("SCF_FUNCTIONVERSION", "$LATEST"),
    ("SCF_NAMESPACE", "default"),
    ("TENCENTCLOUD_RUNENV", "SCF"),
    ("TENCENTCLOUD_REGION", "ap-guangzhou"),
];

const HUAWEI: Pairs<'_> = &[
    ("RUNTIME_API_ADDR", "127.0.0.1:9000"),
    ("RUNTIME_FUNC_NAME", "shop"),
    ("RUNTIME_FUNC_VERSION", "latest"),
    ("RUNTIME_PACKAGE", "default"),
    ("RUNTIME_PROJECT_ID", "0c6f"),
    ("RUNTIME_HANDLER", "index.handler"),
    ("RUNTIME_TIMEOUT", "30"),
    ("RUNTIME_MEMORY", "128"),
    ("RUNTIME_CPU", "300"),
    ("RUNTIME_USERDATA", ""),
    ("RUNTIME_CODE_ROOT", "/opt/function/code"),
];

const ALIYUN: Pairs<'_> = &[
    ("FC_SERVER_PORT", "9000"),
    ("FC_FUNC_CODE_PATH", "/code/"),
    ("FC_FUNCTION_NAME", "shop"),
    ("FC_FUNCTION_HANDLER", "index.handler"),
    ("FC_FUNCTION_MEMORY_SIZE", "512"),
    ("FC_RUNTIME", "custom.debian12"),
    ("FC_REGION", "cn-hangzhou"),
    ("FC_ACCOUNT_ID", "1234567890"),
    ("FC_INSTANCE_ID", "c-1"),
    ("FC_QUALIFIER", "LATEST"),
    ("FC_VERSION_ID", ""),
];

const AZURE: Pairs<'_> = &[
    ("FUNCTIONS_CUSTOMHANDLER_PORT", "45001"),
    ("FUNCTIONS_HTTPWORKER_PORT", "45001"),
    ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "1c0e4a5e-7c2b-4a0e-9d6d-0d9d3f2f0f11"),
    ("FUNCTIONS_WORKER_RUNTIME", "custom"),
    ("FUNCTIONS_EXTENSION_VERSION", "~4"),
    ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
    ("WEBSITE_SITE_NAME", "shop"),
    ("WEBSITE_INSTANCE_ID", "ab12"),
    ("PORT", "80"),
];

const FN: Pairs<'_> = &[
    ("FN_LISTENER", "unix:/tmp/iofs/lsnr.sock"),
    ("FN_FORMAT", "http-stream"),
    ("FN_FN_ID", "01F"),
    ("FN_APP_ID", "01A"),
    ("FN_FN_NAME", "order"),
    ("FN_APP_NAME", "shop"),
    ("FN_MEMORY", "128"),
    ("FN_TYPE", "sync"),
];

const OPENWHISK: Pairs<'_> = &[("__OW_API_HOST", "https://openwhisk.example"), ("__OW_ALLOW_CONCURRENT", "true")];

const ACTION_LOOP: Pairs<'_> =
    &[("__OW_PROXY_VERSION", "1.19.0"), ("__OW_EXECUTION_ENV", "openwhisk/rust"), ("__OW_WAIT_FOR_ACK", "1")];

const VEFAAS: Pairs<'_> = &[("_FAAS_RUNTIME_PORT", "8000"), ("_FAAS_FUNC_TIMEOUT", "900")];

const YANDEX: Pairs<'_> = &[("REQUEST_ID", "6f0c"), ("FUNCTION_NAME", "d4e"), ("FUNCTION_VERSION", "d4v")];

const OPENFAAS: Pairs<'_> = &[
    ("fprocess", "/home/app/bootstrap"),
    ("mode", "http"),
    ("upstream_url", "http://127.0.0.1:8082"),
    ("write_timeout", "60s"),
    ("read_timeout", "60s"),
    ("exec_timeout", "60s"),
];

const CLOUD_RUN: Pairs<'_> =
    &[("PORT", "8080"), ("K_SERVICE", "shop"), ("K_REVISION", "shop-00007-abc"), ("K_CONFIGURATION", "shop")];

const CLOUD_FUNCTION: Pairs<'_> = &[
    ("PORT", "8080"),
    ("K_SERVICE", "shop"),
    ("K_REVISION", "shop-00007-abc"),
    ("K_CONFIGURATION", "shop"),
    ("FUNCTION_TARGET", "order"),
    ("FUNCTION_SIGNATURE_TYPE", "http"),
];

const CONTAINER_APP: Pairs<'_> = &[
    ("CONTAINER_APP_NAME", "shop"),
    ("CONTAINER_APP_REVISION", "shop--7"),
    ("CONTAINER_APP_REPLICA_NAME", "shop--7-6d8"),
    ("CONTAINER_APP_ENV_DNS_SUFFIX", "blue.westeurope.azurecontainerapps.io"),
    ("CONTAINER_APP_HOSTNAME", "shop.blue.westeurope.azurecontainerapps.io"),
    ("CONTAINER_APP_PORT", "8080"),
];

/// The environments, each with its platform and the variable that marks it.
const WHOLE: &[(&[Pairs<'_>], &str, &str)] = &[
    (&[AWS], "aws-lambda", "AWS_LAMBDA_RUNTIME_API"),
    (&[TENCENT], "tencent-scf", "SCF_RUNTIME_API"),
    (&[TENCENT_WEB], "tencent-scf", "TENCENTCLOUD_RUNENV"),
    (&[HUAWEI], "huawei-functiongraph", "RUNTIME_FUNC_NAME"),
    (&[ALIYUN], "aliyun-fc", "FC_FUNC_CODE_PATH"),
    (&[AZURE], "azure-functions", "FUNCTIONS_CUSTOMHANDLER_PORT"),
    (&[FN], "fn", "FN_LISTENER"),
    (&[OPENWHISK], "openwhisk", "__OW_API_HOST"),
    (&[ACTION_LOOP], "openwhisk", "__OW_PROXY_VERSION"),
    (&[VEFAAS], "vefaas", "_FAAS_RUNTIME_PORT"),
    (&[YANDEX], "yandex", "REQUEST_ID"),
    (&[OPENFAAS], "openfaas", "upstream_url"),
    (&[CLOUD_RUN], "google-cloud", "K_SERVICE"),
    (&[CLOUD_FUNCTION], "google-cloud", "K_SERVICE"),
    (&[CLUSTER.as_slice(), CLOUD_RUN], "knative", "K_SERVICE"),
    (&[CONTAINER_APP], "azure-container-apps", "CONTAINER_APP_NAME"),
    (&[CLUSTER.as_slice()], "kubernetes", "KUBERNETES_SERVICE_HOST"),
    // Most of them may run in a cluster, and are more than that.
    (&[CLUSTER.as_slice(), AWS], "aws-lambda", "AWS_LAMBDA_RUNTIME_API"),
    (&[CLUSTER.as_slice(), AZURE], "azure-functions", "FUNCTIONS_CUSTOMHANDLER_PORT"),
    (&[CLUSTER.as_slice(), FN], "fn", "FN_LISTENER"),
    (&[CLUSTER.as_slice(), OPENWHISK], "openwhisk", "__OW_API_HOST"),
    (&[CLUSTER.as_slice(), OPENFAAS], "openfaas", "upstream_url"),
    (&[CLUSTER.as_slice(), VEFAAS], "vefaas", "_FAAS_RUNTIME_PORT"),
    (&[CLUSTER.as_slice(), CONTAINER_APP], "azure-container-apps", "CONTAINER_APP_NAME"),
    // An image of Cloud Functions that runs in a cluster of one's own is still built for Google's contract.
    (&[CLUSTER.as_slice(), &[("FUNCTION_TARGET", "order")]], "google-cloud", "FUNCTION_TARGET"),
    // Functions of Azure in a container app.
    (&[CONTAINER_APP, AZURE], "azure-functions", "FUNCTIONS_CUSTOMHANDLER_PORT"),
];

#[test]
fn a_platform_is_found_by_what_it_gives_a_process() {
    for (parts, platform, mark) in WHOLE {
        let env = parts.concat();
        assert_eq!(found(&env), Ok((*platform, format!("{mark} is set"))), "{env:?}");
    }
}

#[test]
fn every_platform_is_in_these_environments() {
    for row in PLATFORMS.iter().filter(|row| row.name != "http") {
        assert!(WHOLE.iter().any(|(_, platform, _)| *platform == row.name), "{}", row.name);
    }
}

#[test]
fn what_nothing_marks_is_plain_http() {
    let plain = Ok(("http", "nothing marks another platform".to_owned()));
    for env in [
        &[][..],
        &[("PORT", "8080"), ("HOSTNAME", "4f1c2d3e4b5a"), ("container", "docker")],
        // One of the names that only together mean something.
        &[("FUNCTION_NAME", "shop"), ("FUNCTION_VERSION", "7")],
        &[("REQUEST_ID", "r"), ("FUNCTION_NAME", "shop"), ("FUNCTION_VERSION", "7"), ("PORT", "8080")],
        &[("RUNTIME_HANDLER", "index.handler")],
        &[("mode", "http"), ("upstream_url", "http://127.0.0.1:8082")],
        // A client's configuration, not a place.
        &[("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "AKIA"), ("GOOGLE_CLOUD_PROJECT", "shop")],
        // Empty is absent.
        &[("AWS_LAMBDA_RUNTIME_API", ""), ("FN_LISTENER", ""), ("K_SERVICE", "")],
    ] {
        assert_eq!(found(env), plain, "{env:?}");
    }
}

#[test]
fn half_an_environment_is_an_error_that_names_variable_and_platform() {
    for (env, variable, platform) in [
        (&[("FN_FORMAT", "http-stream")][..], "FN_LISTENER", "fn"),
        (&[("FN_FN_ID", "01F")], "FN_LISTENER", "fn"),
        (&[("FN_LISTENER", "/tmp/lsnr.sock")], "FN_LISTENER", "fn"),
        (&[("FN_LISTENER", "unix:/s"), ("FN_FORMAT", "json")], "FN_FORMAT", "fn"),
        (&[("SCF_RUNTIME_API", "127.0.0.1")], "SCF_RUNTIME_API_PORT", "tencent-scf"),
        (&[("SCF_RUNTIME_API_PORT", "9001")], "SCF_RUNTIME_API", "tencent-scf"),
        (&[("AWS_LAMBDA_RUNTIME_API", "not an address")], "AWS_LAMBDA_RUNTIME_API", "aws-lambda"),
        (&[("_FAAS_RUNTIME_PORT", "x")], "_FAAS_RUNTIME_PORT", "vefaas"),
        (&[("CLOUD_RUN_JOB", "nightly")], "CLOUD_RUN_JOB", "google-cloud"),
        (&[("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("PORT", "x")], "PORT", "kubernetes"),
        (&[("FAAS_PLATFORM", "aws-lambda")], "AWS_LAMBDA_RUNTIME_API", "aws-lambda"),
        (&[("FAAS_PLATFORM", "fn")], "FN_LISTENER", "fn"),
    ] {
        let why = found(env).expect_err("something is missing or wrong");
        assert!(why.starts_with(&format!("{variable}: expected ")), "{env:?}: {why}");
        assert!(why.contains(&format!("(platform {platform}: ")), "{env:?}: {why}");
    }
}

#[test]
fn every_platform_can_be_forced_whatever_else_is_there() {
    for (parts, platform, _) in WHOLE {
        let env = [parts.concat(), vec![("FAAS_PLATFORM", *platform)]].concat();
        assert_eq!(found(&env), Ok((*platform, "FAAS_PLATFORM names it".to_owned())), "{env:?}");
        let forced = [parts.concat(), vec![("FAAS_PLATFORM", "http")]].concat();
        assert_eq!(found(&forced).map(|(platform, _)| platform), Ok("http"), "{env:?}");
    }
}

#[test]
fn the_documentation_has_the_table_of_the_code() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/detection.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split(" | ").collect()).collect();
    let numbered = rows.iter().filter(|cells| cells[0].parse::<usize>().is_ok());
    let written: Vec<(&str, &str, &str)> = numbered.map(|cells| (cells[0], cells[1], cells[2])).collect();
    let numbers: Vec<String> = (1..=PLATFORMS.len()).map(|number| number.to_string()).collect();
    let names: Vec<String> = PLATFORMS.iter().map(|row| format!("`{}`", row.name)).collect();
    let rows = PLATFORMS.iter().zip(&names).zip(&numbers);
    let expected: Vec<_> = rows.map(|((row, name), number)| (number.as_str(), name.as_str(), row.marks)).collect();
    assert_eq!(written, expected);
}

#[test]
fn a_link_to_a_kubernetes_service_is_neither_a_mark_nor_a_setting() {
    let kubernetes = Ok(("kubernetes", "KUBERNETES_SERVICE_HOST is set".to_owned()));
    for name in [
        "FC_SERVER_PORT",
        "FC_CUSTOM_LISTEN_PORT",
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        "FUNCTIONS_HTTPWORKER_PORT",
        "SCF_RUNTIME_API_PORT",
        "_FAAS_RUNTIME_PORT",
        "CONTAINER_APP_PORT",
        "FAAS_METRICS_PORT",
    ] {
        for link in ["tcp://10.96.7.1:8080", "udp://10.96.7.1:53", "sctp://[fd00::1]:9"] {
            let env = [&CLUSTER[..], &[(name, link)]].concat();
            assert_eq!(found(&env), kubernetes, "{name}={link}");
        }
    }
    let forced = |name, platform| found(&[("FAAS_PLATFORM", platform), (name, "tcp://10.96.7.1:8080")]);
    for (name, platform) in [
        ("FAAS_METRICS_PORT", "openfaas"),
        ("FC_SERVER_PORT", "aliyun-fc"),
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "azure-functions"),
        ("_FAAS_RUNTIME_PORT", "vefaas"),
        ("CONTAINER_APP_PORT", "azure-container-apps"),
    ] {
        assert_eq!(forced(name, platform), Ok((platform, "FAAS_PLATFORM names it".to_owned())), "{name}");
    }
}

/// Returns the address at which the platform is asked for events.
fn asked_at(pairs: Pairs<'_>) -> Result<String, String> {
    let look_up = |name: &str| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    let env = Env::new(&look_up);
    let settings = Settings::read(&env).map_err(|bad| bad.to_string())?;
    match detect(&env, &settings).map_err(|unknown| unknown.to_string())?.opened.protocol {
        Protocol::Polling(api) => Ok(api.endpoint().to_owned()),
        other => panic!("{pairs:?}: {other:?}"),
    }
}

#[test]
fn an_address_of_a_runtime_api_may_be_written_as_a_url_or_without_a_port() {
    for (text, endpoint) in [
        ("127.0.0.1:9001", "127.0.0.1:9001"),
        ("169.254.100.1:9001", "169.254.100.1:9001"),
        ("http://127.0.0.1:9001", "127.0.0.1:9001"),
        ("HTTP://runtime_api.local:9001/", "runtime_api.local:9001"),
        (" localhost:9001 ", "localhost:9001"),
        ("127.0.0.1", "127.0.0.1:80"),
        ("[::1]:9001", "[::1]:9001"),
        ("[::1]", "[::1]:80"),
        ("fd00::1", "[fd00::1]:80"),
    ] {
        assert_eq!(asked_at(&[("AWS_LAMBDA_RUNTIME_API", text)]).as_deref(), Ok(endpoint), "{text}");
        let huawei = [("RUNTIME_FUNC_NAME", "f"), ("RUNTIME_PROJECT_ID", "p"), ("RUNTIME_API_ADDR", text)];
        assert_eq!(asked_at(&huawei).as_deref(), Ok(endpoint), "{text}");
    }
    for (host, port, endpoint) in [
        ("127.0.0.1", "9001", "127.0.0.1:9001"),
        ("http://127.0.0.1", " 9001 ", "127.0.0.1:9001"),
        ("::1", "9001", "[::1]:9001"),
        ("[::1]", "9001", "[::1]:9001"),
    ] {
        let scf = [("SCF_RUNTIME_API", host), ("SCF_RUNTIME_API_PORT", port)];
        assert_eq!(asked_at(&scf).as_deref(), Ok(endpoint), "{host} {port}");
    }
}

#[test]
fn what_is_no_address_of_a_runtime_api_names_its_variable_at_once() {
    for text in [
        "127.0.0.1:99999",
        "127.0.0.1:0",
        "127.0.0.1:",
        "127.0.0.1:port",
        "127.0.0.1:+80",
        ":9001",
        "https://127.0.0.1:9001",
        "http://127.0.0.1:9001/2018-06-01",
        "http://",
        "user@127.0.0.1:9001",
        "not an address",
        "[::1:9001",
        "[::1]9001",
        "[host]:9001",
        "1:2:3",
        "caf\u{e9}:9001",
        "127.0.0.1:9001\n",
    ] {
        if text.trim() != text {
            assert!(asked_at(&[("AWS_LAMBDA_RUNTIME_API", text)]).is_ok(), "white space around it means nothing");
            continue;
        }
        let aws = asked_at(&[("AWS_LAMBDA_RUNTIME_API", text)]).expect_err(text);
        assert!(aws.starts_with("AWS_LAMBDA_RUNTIME_API: expected host:port of the Runtime API, found "), "{aws}");
        let huawei = asked_at(&[("RUNTIME_FUNC_NAME", "f"), ("RUNTIME_PROJECT_ID", "p"), ("RUNTIME_API_ADDR", text)]);
        let huawei = huawei.expect_err(text);
        assert!(huawei.starts_with("RUNTIME_API_ADDR: expected host:port of the runtime API, found "), "{huawei}");
        assert_eq!((aws.lines().count(), huawei.lines().count()), (1, 1), "{text}");
    }
    for (host, port, variable) in [
        ("127.0.0.1:9001", "9001", "SCF_RUNTIME_API"),
        ("https://127.0.0.1", "9001", "SCF_RUNTIME_API"),
        ("a/b", "9001", "SCF_RUNTIME_API"),
        ("127.0.0.1", "0", "SCF_RUNTIME_API_PORT"),
        ("127.0.0.1", "99999", "SCF_RUNTIME_API_PORT"),
        ("127.0.0.1", "tcp://10.96.7.1:80", "SCF_RUNTIME_API_PORT"),
    ] {
        let why = asked_at(&[("SCF_RUNTIME_API", host), ("SCF_RUNTIME_API_PORT", port)]).expect_err(host);
        assert!(why.starts_with(&format!("{variable}: expected ")), "{host} {port}: {why}");
    }
}

#[test]
fn a_probes_path_that_no_request_has_ends_the_start_on_every_platform_that_reads_it() {
    for (mark, names) in [
        (&[][..], &["FAAS_LIVENESS_PATH", "FAAS_READINESS_PATH"][..]),
        (&[("KUBERNETES_SERVICE_HOST", "h")], &["FAAS_LIVENESS_PATH", "FAAS_READINESS_PATH"]),
        (&[("CONTAINER_APP_NAME", "a")], &["FAAS_LIVENESS_PATH", "FAAS_READINESS_PATH"]),
        (&[("K_SERVICE", "s")], &["FAAS_LIVENESS_PATH", "FAAS_READINESS_PATH"]),
        (&[("FUNC_CREATED", "1")], &["FAAS_LIVENESS_PATH", "FAAS_READINESS_PATH", "LIVENESS_URL", "READINESS_URL"]),
        (&[("FC_FUNC_CODE_PATH", "/code")], &["FAAS_READINESS_PATH"]),
        (&[("TENCENTCLOUD_RUNENV", "SCF")], &["FAAS_READINESS_PATH"]),
        (&[("RUNTIME_FUNC_NAME", "f"), ("RUNTIME_PROJECT_ID", "p")], &["FAAS_READINESS_PATH"]),
    ] {
        for name in names {
            for path in ["health", "/health?deep", "/he alth", "http://h/health"] {
                let why = found(&[mark, &[(*name, path)]].concat()).expect_err(path);
                let expected = format!("{name}: expected a path that begins with / and has no query, found {path:?} (");
                assert!(why.starts_with(&expected), "{mark:?}: {why}");
            }
            found(&[mark, &[(*name, "/health")]].concat()).expect("a path");
        }
    }
}

#[test]
fn a_host_to_listen_on_that_is_none_names_its_variable() {
    for host in ["http://127.0.0.1", "127.0.0.1:8080", "two words", "[host]", "a/b"] {
        let why = found(&[("FAAS_HOST", host)]).expect_err(host);
        assert!(why.starts_with(&format!("FAAS_HOST: expected an address or a name, found {host:?} (")), "{why}");
    }
    for host in ["0.0.0.0", "::", "[::1]", "localhost", "pod-7.shop_ns.svc"] {
        found(&[("FAAS_HOST", host)]).expect(host);
    }
}
