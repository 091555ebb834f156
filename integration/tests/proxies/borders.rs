//! The decisions of the proxy stay decided: which client may reach which path, the address of a client, the content of
//! a cache.

use crate::run::{Form, Proxy, Site, block, exchange};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::needs::{Foreign, over_both, over_full, program};
use integration::on_http::OnHttp;
use integration::wait::{limit, scale};
use libtest_mimic::Trial;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) fn trials(proxy: Proxy, needs: &Foreign) -> Vec<Trial> {
    let mut trials = Vec::new();
    let name = |behaviour: &str| format!("{}::{behaviour}", proxy.name);
    for form in [proxy.buffered, proxy.unbuffered] {
        let name = format!("{}::{}", name("a_denied_path_stays_denied"), form.name);
        over_both(&mut trials, needs, &name, move |program, runtime| denied(proxy, form, program, runtime));
    }
    if let Some(form) = proxy.over_http_2 {
        let name = format!("{}::{}", name("a_denied_path_stays_denied"), form.name);
        over_full(&mut trials, needs, &name, move |program, runtime| denied(proxy, form, program, runtime));
    }
    let with_curl = needs.clone().and(program("curl"));
    for (behaviour, hops, wanted) in [
        ("without_trusted_hops_the_client_is_the_proxy", None, PROXY),
        ("with_no_trusted_hop_the_client_is_the_proxy", Some("0"), PROXY),
        ("with_one_trusted_hop_the_client_is_who_asked_the_proxy", Some("1"), CLIENT),
    ] {
        over_both(&mut trials, &with_curl, &name(behaviour), move |program, runtime| {
            client_address(proxy, hops, wanted, program, runtime)
        });
    }
    trials
}

pub(crate) fn cache_trials(proxy: Proxy, needs: &Foreign) -> Vec<Trial> {
    let mut trials = Vec::new();
    for platform in ["http", "kubernetes", "azure-container-apps", "google-cloud"] {
        let name = format!("{}::the_agent_of_a_probe_puts_nothing_into_the_cache::{platform}", proxy.name);
        over_both(&mut trials, needs, &name, move |program, runtime| cache(proxy, platform, program, runtime));
    }
    trials
}

/// The request that the proxy denies, as the last of its connection.
const DENIED: &str = "GET /admin?name=intruder HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";

/// Returns how long nothing may come before a connection counts as exhausted: a proxy that rightly waits for more of a
/// request says nothing. A test machine that is slower than that misses an intruder; it never invents one.
fn quiet() -> Duration {
    Duration::from_millis(400) * scale()
}

/// Returns the bytes that come back on one connection for these pieces; before each but the first some have come back.
fn send(site: &Site, pieces: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| site.told(&format!("the proxy: {error}"));
    let mut stream = TcpStream::connect(site.proxy.address).map_err(told)?;
    stream.set_nodelay(true).map_err(told)?;
    stream.set_read_timeout(Some(quiet())).map_err(told)?;
    let mut came = Vec::new();
    let mut buffer = [0; 1 << 14];
    for (number, piece) in pieces.iter().enumerate() {
        if number > 0 {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => came.extend_from_slice(&buffer[..count]),
                // A server that refuses may close at once.
                Ok(0) | Err(_) => return Ok(came),
            }
        }
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(came),
            Ok(count) => came.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Ok(came),
        }
    }
}

/// The number of attempts that are made at the same time.
const SIDE_BY_SIDE: usize = 24;

/// One way to the denied path.
struct Attempt {
    what: String,
    /// The pieces that are sent; before each but the first some bytes have to come back.
    pieces: Vec<Vec<u8>>,
}

impl Attempt {
    /// Makes the attempt, and returns its failures.
    fn on(&self, site: &Site) -> Vec<String> {
        let came = match send(site, &self.pieces) {
            Ok(came) => came,
            Err(why) => return vec![format!("{}: {why}", self.what)],
        };
        let text = String::from_utf8_lossy(&came);
        let mut wrong = Vec::new();
        if self.pieces[0].starts_with(b"CONNECT") && text.starts_with("HTTP/1.1 2") {
            wrong.push(format!("{}: the tunnel was granted: {:?}", self.what, text.lines().next()));
        }
        if text.contains("HTTP/1.1 101") {
            wrong.push(format!("{}: the upgrade was granted", self.what));
        }
        if self.pieces[0].starts_with(b"PRI / ") && (!text.starts_with("HTTP/1.") || text.starts_with("HTTP/1.1 502")) {
            wrong.push(format!("{}: the runtime took it for HTTP/2: {:?}", self.what, text.get(..40).unwrap_or(&text)));
        }
        if ["\"path\":\"/admin\"", "\"path\":\"/admin/", "intruder\""].iter().any(|answer| text.contains(answer)) {
            wrong.push(format!("{}: the function answered", self.what));
        }
        wrong
    }
}

/// Returns every attempt.
fn attempts() -> Vec<Attempt> {
    let mut attempts = Vec::new();
    let mut add = |what: &str, pieces: &[&str]| {
        let pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
        attempts.push(Attempt { what: what.to_owned(), pieces });
    };
    add("by itself", &[DENIED]);
    for (what, before) in BEFORE {
        add(&format!("{what}, at once"), &[&format!("{before}{DENIED}")]);
        add(&format!("{what}, after the reply"), &[before, DENIED]);
    }
    for line in LINES {
        add(&format!("as {line:?}"), &[&format!("{line}\r\nHost: shop\r\nConnection: close\r\n\r\n")]);
    }
    add("as HTTP/0.9", &["GET /admin?name=intruder\r\n"]);
    add("as HTTP/1.0", &["GET /admin?name=intruder HTTP/1.0\r\n\r\n"]);
    for method in ["POST", "GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND"] {
        let length = DENIED.len();
        add(
            &format!("in the body of a {method}"),
            &[&format!("{method} / HTTP/1.1\r\nHost: shop\r\nContent-Length: {length}\r\n\r\n{DENIED}")],
        );
    }
    for expected in ["100-continue", "200-ok", "100-continue, 100-continue"] {
        let head =
            format!("POST / HTTP/1.1\r\nHost: shop\r\nExpect: {expected}\r\nContent-Length: {}\r\n\r\n", DENIED.len());
        add(&format!("after Expect: {expected}, at once"), &[&format!("{head}{DENIED}")]);
        add(&format!("after Expect: {expected}, after the reply"), &[&head, DENIED]);
    }
    smuggled(&mut add);
    let many: String = (0..400).map(|number| format!("X-{number}: y\r\n")).collect();
    add("after a head of 400 lines", &[&format!("GET / HTTP/1.1\r\nHost: shop\r\n{many}\r\n{DENIED}")]);
    let body = DENIED.repeat(800);
    let head = "POST / HTTP/1.1\r\nHost: shop\r\n";
    add("in a body over the limit", &[&format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())]);
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    add("in a chunked body over the limit", &[&chunked]);
    let frames = over_http_2();
    let mut add = |what: &str, pieces: &[&[u8]]| {
        attempts.push(Attempt { what: what.to_owned(), pieces: pieces.iter().map(|piece| piece.to_vec()).collect() });
    };
    add("over HTTP/2 with prior knowledge", &[&frames]);
    add("over HTTP/2 after an upgrade, at once", &[&[H2C.as_bytes(), &frames].concat()]);
    add("over HTTP/2 after an upgrade, after the reply", &[H2C.as_bytes(), &frames]);
    attempts
}

const H2C: &str = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";

/// The texts that may stand before the denied request.
const BEFORE: &[(&str, &str)] = &[
    ("after a GET", "GET / HTTP/1.1\r\nHost: shop\r\n\r\n"),
    ("after an empty line", "\r\n\r\n"),
    ("after CONNECT", "CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n"),
    ("after CONNECT with a length", "CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\nContent-Length: 0\r\n\r\n"),
    ("after CONNECT of a path", "CONNECT / HTTP/1.1\r\nHost: shop\r\n\r\n"),
    (
        "after CONNECT that upgrades",
        "CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ),
    ("after TRACE", "TRACE / HTTP/1.1\r\nHost: shop\r\n\r\n"),
    ("after TRACE without hops", "TRACE / HTTP/1.1\r\nHost: shop\r\nMax-Forwards: 0\r\n\r\n"),
    ("after OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n"),
    ("after PRI", "PRI / HTTP/1.1\r\nHost: shop\r\n\r\n"),
    (
        "after an upgrade to a websocket",
        "GET / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
    (
        "after an upgrade of a POST",
        "POST / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: raw\r\nContent-Length: 0\r\n\r\n",
    ),
    ("after an upgrade to HTTP/2", H2C),
    ("after an absolute target", "GET http://shop/ HTTP/1.1\r\nHost: shop\r\n\r\n"),
];

/// Request lines that one reader may take for the denied path and another not.
const LINES: &[&str] = &[
    "GET http://shop/admin?name=intruder HTTP/1.1",
    "GET HTTP://SHOP:80/admin?name=intruder HTTP/1.1",
    "GET http://user@shop/admin?name=intruder HTTP/1.1",
    "GET https://shop/admin?name=intruder HTTP/1.1",
    "GET /%61dmin?name=intruder HTTP/1.1",
    "GET /%61%64%6d%69%6E?name=intruder HTTP/1.1",
    "GET /admin/?name=intruder HTTP/1.1",
    "GET /admin/users?name=intruder HTTP/1.1",
    "GET /admin%2Fusers?name=intruder HTTP/1.1",
    "GET /admin?name=intruder#x HTTP/1.1",
    "GET\t/admin?name=intruder HTTP/1.1",
    "GET  /admin?name=intruder HTTP/1.1",
    "get /admin?name=intruder HTTP/1.1",
    "GET /admin?name=intruder HTTP/1.1 ",
    "GET /admin?name=intruder http/1.1",
    "GET /admin?name=intruder HTTP/1.2",
    "POST /admin?name=intruder HTTP/1.1",
    "TRACE /admin?name=intruder HTTP/1.1",
    "CONNECT /admin?name=intruder HTTP/1.1",
    "CONNECT http://shop/admin?name=intruder HTTP/1.1",
    // These are other paths, unless a server behind the proxy makes them the denied one.
    "GET //admin HTTP/1.1",
    "GET /./admin HTTP/1.1",
    "GET /x/../admin HTTP/1.1",
    "GET /x/%2e%2e/admin HTTP/1.1",
    "GET /%2561dmin HTTP/1.1",
    "GET /admin;x HTTP/1.1",
    "GET /admin%00 HTTP/1.1",
    "GET /\\admin HTTP/1.1",
    "GET admin HTTP/1.1",
    "GET shop/admin HTTP/1.1",
    "GET http:/admin HTTP/1.1",
    "GET http:///admin HTTP/1.1",
];

/// Adds two framings that may be read in two ways: the denied request in the bytes that one of them takes for the body.
fn smuggled(add: &mut impl FnMut(&str, &[&str])) {
    const CODINGS: &[&str] = &[
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:chunked",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding: CHUNKED",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        " Transfer-Encoding: chunked",
        "Transfer_Encoding: chunked",
        "Transfer-Encoding\0: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: y\r\r\nTransfer-Encoding: chunked",
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
        "Connection: Content-Length\r\nTransfer-Encoding: chunked",
    ];
    let post = |fields: &str, body: &str| format!("POST / HTTP/1.1\r\nHost: shop\r\n{fields}\r\n\r\n{body}");
    for coding in CODINGS {
        let body = format!("0\r\n\r\n{DENIED}");
        add(
            &format!("behind the last chunk, {coding:?} with the whole length"),
            &[&post(&format!("Content-Length: {}\r\n{coding}", body.len()), &body)],
        );
        let body = format!("{:x}\r\n{DENIED}\r\n0\r\n\r\n", DENIED.len());
        add(
            &format!("in a chunk, {coding:?} with the length of its size"),
            &[&post(&format!("Content-Length: 4\r\n{coding}"), &body)],
        );
        add(&format!("in a chunk, {coding:?} alone"), &[&post(coding, &body)]);
    }
    let length = DENIED.len();
    for lengths in [
        format!("Content-Length: 0\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nContent-Length: 0"),
        format!("Content-Length: {length}, {length}"),
        format!("Content-Length: 0, {length}"),
        format!("Content-Length: +{length}"),
        format!("Content-Length: -{length}"),
        format!("Content-Length: 0x{length:x}"),
        format!("Content-Length : {length}"),
        format!("Content-Length: {length}\t"),
        format!("Content-Length:\r\n {length}"),
        format!("Content_Length: {length}"),
        format!("Content-Length: 18446744073709551616\r\nX-Length: {length}"),
        "Content-Length:".to_owned(),
        "Content-Length: 0".to_owned(),
    ] {
        add(&format!("in a body with {lengths:?}"), &[&post(&lengths, DENIED)]);
    }
    for (what, body) in [
        ("a bare line feed ends the size of a chunk", format!("{length:x}\n{DENIED}\r\n0\r\n\r\n")),
        ("an extension of a chunk holds it", format!("1;x=\"\r\n{DENIED}\"\r\ny\r\n0\r\n\r\n")),
        ("a size of a chunk wraps around", format!("10000000000000002\r\n{DENIED}")),
        ("a chunk is longer than its size", format!("1\r\n{DENIED}\r\n0\r\n\r\n")),
        ("trailers precede it", format!("0\r\nX: y\r\n\r\n{DENIED}")),
        ("trailers hold a length", format!("0\r\nContent-Length: {length}\r\n\r\n{DENIED}")),
        ("a sign precedes the size of a chunk", format!("+{length:x}\r\n{DENIED}\r\n0\r\n\r\n")),
        ("a prefix precedes the size of a chunk", format!("0x{length:x}\r\n{DENIED}\r\n0\r\n\r\n")),
    ] {
        add(&format!("chunks, where {what}"), &[&post("Transfer-Encoding: chunked", &body)]);
    }
}

/// Returns the preface of HTTP/2 (RFC 9113, 3.4), empty settings, and the denied request on stream 3; literal fields of
/// RFC 7541, 6.2.2.
fn over_http_2() -> Vec<u8> {
    let mut fields = vec![0x82, 0x86];
    for (name, value) in [(1, "shop"), (4, "/admin?name=intruder")] {
        fields.push(name);
        fields.push(value.len() as u8);
        fields.extend_from_slice(value.as_bytes());
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&[0, 0, fields.len() as u8, 1, 5, 0, 0, 0, 3]);
    bytes.extend_from_slice(&fields);
    bytes
}

/// Checks the denied path. The function writes each name it greets to the log, so that a call shows whose reply nobody
/// sees.
fn denied(proxy: Proxy, form: Form, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::of("hello").env("FAAS_MAX_BODY", "4096");
    let site = proxy.before(program, form, runtime, deployment, "hello")?;
    let instance = &site.instances[0];
    let attempts = attempts();
    let mut wrong = Vec::new();
    // Many attempts end by silence, which takes its time; they wait side by side.
    std::thread::scope(|scope| {
        let (attempts, site) = (&attempts, &site);
        let share = move |first| {
            let share = attempts.iter().skip(first).step_by(SIDE_BY_SIDE);
            scope.spawn(move || share.flat_map(|attempt| attempt.on(site)).collect::<Vec<_>>())
        };
        let shares: Vec<_> = (0..SIDE_BY_SIDE).map(share).collect();
        for share in shares {
            wrong.extend(share.join().unwrap_or_else(|_| vec!["an attempt panicked".to_owned()]));
        }
    });
    // The log shows the requests that the proxy lets through, and that it would have shown the rest.
    let through = site.call("GET", "/?name=visitor", "", b"")?;
    if through.status != 200 {
        wrong.push(format!("an ordinary request afterwards: {} {}", through.status, through.text()));
    }
    instance.get("/admin?name=insider");
    for name in ["name=visitor", "name=insider"] {
        instance
            .process
            .wait_for_line(|line| line.contains(name), limit())
            .map_err(|late| site.told(&late.to_string()))?;
    }
    let seen = instance.process.lines().iter().filter(|line| line.text.contains("name=intruder")).count();
    if seen > 0 {
        wrong.push(format!("the function was called for the denied path {seen} times"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(site.told(&wrong.join("\n"))) }
}

/// The address of the client's connections; it also claims to speak for [`CLAIMED`].
const CLIENT: &str = "127.0.0.9";
/// The address of the proxy's connections.
const PROXY: &str = "127.0.0.1";
const CLAIMED: &str = "203.0.113.7";

fn client_address(
    proxy: Proxy,
    hops: Option<&str>,
    wanted: &str,
    program: &Path,
    runtime: &'static Runtime,
) -> Result<(), String> {
    let deployment = Deployment::of("inspect");
    let deployment = hops.into_iter().fold(deployment, |deployment, hops| deployment.env("FAAS_TRUSTED_HOPS", hops));
    let site = proxy.before(program, proxy.unbuffered, runtime, deployment, "inspect")?;
    let claims = [
        format!("X-Forwarded-For: {CLAIMED}"),
        format!("X-Forwarded-For: {CLAIMED}, {PROXY}"),
        format!("X-Real-IP: {CLAIMED}"),
        format!("Forwarded: for={CLAIMED};proto=https"),
    ];
    for claim in claims {
        let output = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--interface",
                CLIENT,
                "-H",
                "X-Forwarded-Proto: https",
            ])
            .args(["-H", &claim, &format!("http://{}/", site.proxy.address)])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("curl: {error}"))?;
        if !output.status.success() {
            return Err(site.told(&format!("curl: {}", String::from_utf8_lossy(&output.stderr))));
        }
        let seen = Inspected::read(&output.stdout);
        let (client, scheme) = (&seen.0["http"]["client_ip"], &seen.0["http"]["scheme"]);
        if client != wanted || scheme != "http" {
            return Err(
                site.told(&format!("{claim}: expected {wanted} over http, found {client} over {scheme}: {}", seen.0))
            );
        }
    }
    Ok(())
}

/// Checks the cache. Each agent asks first for a page that nobody has asked for, then an ordinary visitor asks for it
/// twice.
fn cache(proxy: Proxy, platform: &str, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let instance = OnHttp::start(runtime, Deployment::of("hello").env("FAAS_PLATFORM", platform), "hello");
    let cache = exchange(&block("nginx cache")?, "/var/cache/nginx/shop", "cache")?;
    let site = proxy.start(program, &format!("{cache}{}", proxy.site(proxy.unbuffered)?), vec![instance])?;
    for (number, agent) in ["GoogleHC/1.0", "kube-probe/1.0"].iter().enumerate() {
        for (method, path) in [("GET", "/"), ("HEAD", "/head"), ("GET", "/page")] {
            let target = format!("{path}?name=visitor{number}");
            site.call(method, &target, &format!("User-Agent: {agent}\r\n"), b"")?;
            let first = site.call("GET", &target, "User-Agent: browser\r\n", b"")?;
            if !first.text().contains(&format!("\"hello\":\"visitor{number}\"")) {
                return Err(
                    site.told(&format!("after {method} {target} of {agent} a visitor finds {:?}", first.text()))
                );
            }
            let second = site.call("GET", &target, "User-Agent: browser\r\n", b"")?;
            if second.header("x-cache") != Some("HIT") {
                return Err(site.told(&format!("the cache holds nothing at all: {:?}", second.headers)));
            }
        }
    }
    Ok(())
}
