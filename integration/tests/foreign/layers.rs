//! Layers before other people's programs: a browser heeds the origins of one, curl unpacks the replies of one,
//! OpenTelemetry's own definitions read the requests of one, and a validator of JSON schemas agrees with each about its
//! configuration.

use crate::needs::{folder, once, over_both, program};
use integration::artifacts::{Runtime, compress_with_all_codings, workspace};
use integration::collector::{Collector, Mode};
use integration::configured::{LAYERS, configurations, schema, start};
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::process::{Process, Signal};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    over_both(&mut trials, &program("curl"), "curl_unpacks_what_is_compressed", compressed);
    over_both(&mut trials, &program("curl"), "curl_unpacks_each_piece_of_a_stream_at_once", streamed);
    over_both(&mut trials, &folder("python-otlp"), "opentelemetrys_definitions_read_the_spans", spans);
    over_both(&mut trials, &folder("python-otlp"), "opentelemetrys_definitions_read_the_metrics", points);
    over_both(&mut trials, &program("chromium"), "chromium_lets_a_page_do_what_cors_allows_and_nothing_more", page);
    over_both(&mut trials, &program("chromium"), "chromium_sends_a_token_and_reads_why_one_is_refused", guarded);
    let validator = folder("python-schemas");
    trials.push(once(&validator, "jsonschema_and_the_layers_agree_about_configurations", agree));
    trials
}

/// Returns the output of a script of Python for `input`.
pub(crate) fn python(folder: &Path, script: &str, arguments: &[&str], input: &[u8]) -> Result<Value, String> {
    let mut command = Command::new(folder.join("bin/python"));
    command.arg(workspace().join("integration/peers").join(script)).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let written = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    written.transpose().map_err(|error| error.to_string())?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

fn compressed(curl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("faulty").layer("compress"), "faulty");
    let url = format!("http://{}/?do=reply&bytes=100000", run.address);
    let fetch = |more: &[&str]| {
        let mut command = Command::new(curl);
        command.args(["-s", "-w", "\n%{size_download} %header{content-encoding}"]).args(more);
        let output = command.arg(&url).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, told) = text.rsplit_once('\n').ok_or("curl says nothing")?;
        Ok::<_, String>((body.to_owned(), told.to_owned()))
    };
    let (plain, told) = fetch(&[])?;
    assert_eq!((plain.len(), told.as_str()), (100_000, "100000 "));
    let (unpacked, told) = fetch(&["--compressed"])?;
    assert_eq!(unpacked, plain);
    let (size, coding) = told.split_once(' ').ok_or("two words")?;
    assert!(coding == "gzip" && size.parse::<usize>().is_ok_and(|size| size < 2000), "{told}");
    Ok(())
}

/// Unpacks a reply in pieces by each coding, over HTTP/1.1 and, where the runtime speaks it, HTTP/2.
fn streamed(curl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let library = compress_with_all_codings();
    let deployment = Deployment::of("stream").file("liblayer_compress.so", library).layers(&["compress"]);
    let run = OnHttp::start(runtime, deployment, "stream");
    let versions: &[&str] = if runtime.name == "bootstrap" {
        &["--http1.1", "--http2-prior-knowledge"]
    } else {
        &["--http1.1", "--http1.0"]
    };
    let fetch = |version: &str, coding: &str, query: &str| {
        let mut command = Command::new(curl);
        command.args(["-sN", "--compressed", version, "-H", &format!("Accept-Encoding: {coding}")]);
        command.args(["-w", "%{stderr}%{size_download} %header{content-encoding}"]);
        command.arg(format!("http://{}/?{query}", run.address));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| error.to_string())
    };
    for version in versions {
        for coding in ["gzip", "br", "zstd"] {
            let case = format!("{version} {coding}");
            let output = fetch(version, coding, "chunks=200&bytes=5000")?.wait_with_output();
            let output = output.map_err(|error| error.to_string())?;
            assert!(output.status.success() && output.stdout.len() == 1_000_000, "{case}: {output:?}");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            let (size, name) = told.split_once(' ').ok_or("two words")?;
            assert!(name == coding && size.parse::<usize>().is_ok_and(|size| size < 20_000), "{case}: {told}");

            // The second piece comes when nobody waits for it any more.
            let mut child = fetch(version, coding, "chunks=2&bytes=100&pause_ms=3600000")?;
            let mut piece = [0; 100];
            let read = child.stdout.as_mut().map(|stdout| stdout.read_exact(&mut piece));
            let ended = child.kill().and_then(|()| child.wait());
            assert!(matches!(read, Some(Ok(()))) && piece.starts_with(b"0...") && ended.is_ok(), "{case}: {read:?}");

            // One that breaks is no whole reply. A reset of HTTP/2 may come before its bytes.
            let broken = fetch(version, coding, "chunks=3&bytes=100&fail_after=2")?.wait_with_output();
            let broken = broken.map_err(|error| error.to_string())?;
            assert!(!broken.status.success() && broken.stdout.len() <= 200, "{case}: {broken:?}");
        }
    }
    Ok(())
}

/// A page that fetches from another origin, and tells this one the result.
const PAGE: &str = r#"<!doctype html><title>page</title><script>
const tried = async (what, call) => { try { return `${what} ${await call()}`; } catch { return `${what} blocked`; } };
const status = async (target, options) => (await fetch(`API${target}`, options)).status;
(async () => {
    const told = [
        await tried("get", async () => (await fetch("API/")).text()),
        await tried("allowed method", () => status("/", { method: "PUT", body: "{}" })),
        await tried("other method", () => status("/", { method: "DELETE" })),
        await tried("allowed header", () => status("/", { headers: { "x-own": "1" } })),
        await tried("other header", () => status("/", { headers: { "x-other": "1" } })),
        await tried("error", () => status("/?do=error&status=409")),
        await tried("panic", () => status("/?do=panic")),
        await tried("credentials", () => status("/", { credentials: "include" })),
        await tried("exposed", async () => (await fetch("API/")).headers.get("x-faas-request-id") !== null),
    ];
    await fetch("/done", { method: "POST", body: told.join("\n") });
})();
</script>"#;

/// A page that fetches from another origin with tokens, and tells this one the outcome.
const GUARDED: &str = r#"<!doctype html><title>page</title><script>
const asked = async (what, target, options) => {
    try {
        const reply = await fetch(`API${target}`, options);
        const body = await reply.text();
        const why = reply.ok ? body : JSON.parse(body).errorType;
        return `${what} ${reply.status} ${why} ${(reply.headers.get("www-authenticate") ?? "-").slice(0, 20)}`;
    } catch { return `${what} blocked`; }
};
const bearer = token => ({ headers: { authorization: `Bearer ${token}` } });
(async () => {
    const told = [
        await asked("right", "/", bearer("TOKEN")),
        await asked("forged", "/", bearer("TOKENx")),
        await asked("none", "/", {}),
        await asked("not enough", "/deploy/1", bearer("TOKEN")),
        await asked("right, other method", "/", { method: "DELETE", ...bearer("TOKEN") }),
    ];
    await fetch("/done", { method: "POST", body: told.join("\n") });
})();
</script>"#;

/// Serves the page, and returns the text that it tells.
fn serve_page(listener: &TcpListener, page: &str) -> Result<String, String> {
    for stream in listener.incoming() {
        let mut stream = stream.map_err(|error| error.to_string())?;
        let mut reader = BufReader::new(stream.try_clone().map_err(|error| error.to_string())?);
        let (mut head, mut length) = (String::new(), 0);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| "a length")?;
            }
            head.push_str(&std::mem::take(&mut line));
        }
        let mut body = vec![0; length];
        // A connection that a browser opens in advance has nothing on it.
        if head.is_empty() || reader.read_exact(&mut body).is_err() {
            continue;
        }
        let page = if head.starts_with("GET / ") { page } else { "" };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
            page.len()
        );
        stream.write_all(answer.as_bytes()).map_err(|error| error.to_string())?;
        if head.starts_with("POST /done ") {
            return String::from_utf8(body).map_err(|error| error.to_string());
        }
    }
    Err("nobody connects any more".to_owned())
}

fn page(chromium: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let origin = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
    let config = json!({"allowOrigins": [origin], "allowMethods": ["PUT"], "allowHeaders": ["x-own"]}).to_string();
    let deployment = Deployment::of("faulty").layer("cors").env("FAAS_LAYER_CORS", &config);
    let run = OnHttp::start(runtime, deployment, "faulty");
    let told = browsed(chromium, listener, &origin, PAGE.replace("API", &format!("http://{}", run.address)))?;
    let expected = [
        "get \"fine\"",
        "allowed method 200",
        "other method blocked",
        "allowed header 200",
        "other header blocked",
        "error 409",
        "panic 500",
        "credentials blocked",
        "exposed false",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    Ok(())
}

/// Returns the text that a page of that origin tells, once a browser has opened it.
fn browsed(chromium: &Path, listener: TcpListener, origin: &str, page: String) -> Result<String, String> {
    let (told, hears) = std::sync::mpsc::channel();
    std::thread::spawn(move || told.send(serve_page(&listener, &page)));
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut command = Command::new(chromium);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    command.arg(format!("--user-data-dir={}", home.path().display())).arg(origin).env("HOME", home.path());
    let browser = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
    let told =
        hears.recv_timeout(limit()).map_err(|late| format!("{late}; the browser says:\n{}", browser.output()))??;
    browser.signal(Signal::Kill).map_err(|error| error.to_string())?;
    browser.wait(limit()).map_err(|late| format!("{late:?}"))?;
    Ok(told)
}

/// A token made by Python's `hmac` of `{"alg":"HS256"}` and `{"iss":"own","sub":"ann","shop":7}`, with the secret
/// below.
const TOKEN: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJvd24iLCJzdWIiOiJhbm4iLCJzaG9wIjo3fQ.PPVrdAJVCf0AdRHf075giLda6qlwFHPMXUv1xb7W09A";

fn guarded(chromium: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let origin = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
    let cors = json!({
        "allowOrigins": [origin],
        "allowMethods": ["GET"],
        "allowHeaders": ["authorization"],
        "exposeHeaders": ["www-authenticate"],
    });
    let auth = json!({
        "jwt": {"issuers": [
            {"issuer": "own", "secrets": ["a secret of at least thirty-two bytes"], "requireExp": false},
        ]},
        "routes": [{"path": "/deploy/*", "scopes": ["deploy"]}],
    });
    let deployment = Deployment::of("whoami").layer("cors").layer("auth");
    let deployment = deployment.env("FAAS_LAYER_CORS", &cors.to_string()).env("FAAS_LAYER_AUTH", &auth.to_string());
    let run = OnHttp::start(runtime, deployment, "whoami");
    let page = GUARDED.replace("API", &format!("http://{}", run.address)).replace("TOKEN", TOKEN);
    let told = browsed(chromium, listener, &origin, page)?;
    let expected = [
        "right 200 ann of 7, by jwt -",
        r#"forged 401 Auth.Invalid Bearer realm="faas","#,
        r#"none 401 Auth.Missing Bearer realm="faas""#,
        r#"not enough 403 Auth.Forbidden Bearer realm="faas","#,
        "right, other method blocked",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    // The browser asked first, with no token, as it always does before it sends one.
    let head = format!(
        "Origin: {origin}\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n"
    );
    let preflight = run.call("OPTIONS", "/", &head, b"");
    assert_eq!((preflight.status, preflight.header("access-control-allow-headers")), (204, Some("authorization")));
    Ok(())
}

fn spans(python_folder: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let collector = Collector::start(Mode::Takes);
    let config = collector.config(r#""serviceName":"shöp","interval":"1h""#);
    let deployment = Deployment::of("faulty").layer("trace").env("FAAS_LAYER_TRACE", &config);
    let run = OnHttp::start(runtime, deployment, "faulty");
    let caller = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: vendor=1\r\n";
    run.call("GET", "/a", caller, b"");
    run.call("GET", "/?do=panic", "", b"");
    assert_eq!(run.stop().code(), Some(0));
    let bodies = collector.bodies();
    assert_eq!(bodies.len(), 1, "one batch");
    let read = python(python_folder, "otlp.py", &["traces"], &bodies[0])?;
    let of_resource = &read["resourceSpans"][0];
    let resource = of_resource["resource"]["attributes"].to_string();
    assert!(resource.contains(r#"{"key":"service.name","value":{"stringValue":"shöp"}}"#), "{resource}");
    assert_eq!(of_resource["scopeSpans"][0]["scope"]["name"], "layer-trace");
    let spans = of_resource["scopeSpans"][0]["spans"].as_array().ok_or("a list")?;
    let served: Vec<&Value> = spans.iter().filter(|span| span["kind"] == "SPAN_KIND_SERVER").collect();
    assert_eq!(served.len(), 2, "{spans:?}");
    // Bytes are base64 in this form of JSON.
    assert_eq!(served[0]["traceId"], "S/kvNXezTaajzpKdDg5HNg==");
    assert_eq!((&served[0]["parentSpanId"], &served[0]["traceState"]), (&"APBnqgupArc=".into(), &"vendor=1".into()));
    let status = r#"{"key":"http.response.status_code","value":{"intValue":"200"}}"#;
    assert!(served[0]["attributes"].to_string().contains(status), "{}", served[0]);
    assert_eq!(served[1]["status"], json!({"code": "STATUS_CODE_ERROR", "message": "Panic"}));
    assert_eq!(served[1]["events"], Value::Null, "there was no head");
    Ok(())
}

fn points(python_folder: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let collector = Collector::start(Mode::Takes);
    let deployment = Deployment::of("orders").layer("metrics");
    let deployment = collector.metrics().iter().fold(deployment, |all, (name, value)| all.env(name, value));
    // All numbers go out at the end, in one report.
    let run = OnHttp::start(runtime, deployment.env("OTEL_METRIC_EXPORT_INTERVAL", "3600000"), "orders");
    let caller = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    run.call("POST", "/a", caller, b"vienna");
    run.call("POST", "/a", "", b"vienna");
    run.call("POST", "/a", "", b"nowhere");
    assert_eq!(run.stop().code(), Some(0));
    let bodies = collector.bodies();
    assert_eq!(bodies.len(), 1, "one report");
    let read = python(python_folder, "otlp.py", &["metrics"], &bodies[0])?;
    let scope = &read["resourceMetrics"][0]["scopeMetrics"][0];
    assert_eq!(scope["scope"]["name"], "layer-metrics");
    let metrics = scope["metrics"].as_array().ok_or("a list")?;
    let find = |name: &str| metrics.iter().find(|metric| metric["name"] == name).ok_or(format!("{name}: {metrics:?}"));
    let invocations = find("faas.invocations")?;
    let sum = &invocations["sum"];
    assert_eq!(
        (&sum["aggregationTemporality"], &sum["isMonotonic"]),
        (&"AGGREGATION_TEMPORALITY_CUMULATIVE".into(), &true.into())
    );
    let counts: Vec<&Value> =
        sum["dataPoints"].as_array().ok_or("points")?.iter().map(|point| &point["asInt"]).collect();
    assert_eq!(counts, ["2", "1"], "those that went well, and the one that was refused");
    let duration = &find("faas.invoke_duration")?["histogram"]["dataPoints"][0];
    assert_eq!((&duration["count"], &find("faas.invoke_duration")?["unit"]), (&"2".into(), &"s".into()));
    // There is a bucket more than bounds, and all of them together are the count.
    let buckets = duration["bucketCounts"].as_array().ok_or("buckets")?;
    let bounds = duration["explicitBounds"].as_array().ok_or("bounds")?;
    let total: u64 = buckets.iter().filter_map(|count| count.as_str()?.parse::<u64>().ok()).sum();
    assert_eq!((buckets.len(), total), (bounds.len() + 1, 2));
    assert_eq!(duration["exemplars"][0]["traceId"], "S/kvNXezTaajzpKdDg5HNg==", "bytes are base64");
    let own = &find("orders_total")?["sum"]["dataPoints"][0];
    assert_eq!((&own["asDouble"], &own["attributes"][0]["value"]["stringValue"]), (&2.0.into(), &"vienna".into()));
    Ok(())
}

fn agree(validator: &Path) -> Result<(), String> {
    for layer in LAYERS {
        let schema = schema(layer);
        let documents = configurations(&schema);
        let told = json!({"schema": schema, "documents": documents}).to_string();
        let verdicts = python(validator, "schemas.py", &[], told.as_bytes())?;
        for (document, verdict) in documents.iter().zip(verdicts.as_array().ok_or("a list")?) {
            let started = start(layer, document);
            assert_eq!(Value::from(started.is_ok()), *verdict, "{layer} {document}: {started:?}");
        }
    }
    Ok(())
}
