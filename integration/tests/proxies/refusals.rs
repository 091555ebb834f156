//! A refusal of the runtime arrives at the client unchanged.

use crate::run::{Form, Proxy, Site};
use integration::artifacts::Runtime;
use integration::client::{Client, Reply};
use integration::deployment::Deployment;
use integration::needs::{Foreign, over_both};
use integration::wait::limit;
use libtest_mimic::Trial;
use std::io::Write;
use std::path::Path;

pub(crate) fn trials(proxy: Proxy, needs: &Foreign) -> Vec<Trial> {
    let mut trials = Vec::new();
    let name = |behaviour: &str, form: Form| format!("{}::{behaviour}::{}", proxy.name, form.name);
    for form in [proxy.buffered, proxy.unbuffered] {
        over_both(&mut trials, needs, &name("a_body_over_the_limit_is_413", form), move |program, runtime| {
            bodies_over_a_limit(proxy, form, program, runtime)
        });
        over_both(&mut trials, needs, &name("a_body_over_32_mebibytes_is_413", form), move |program, runtime| {
            bodies_over_the_usual_limit(proxy, form, program, runtime)
        });
    }
    let mut add = |behaviour: &str, run: fn(Proxy, &Path, &'static Runtime) -> Result<(), String>| {
        let name = format!("{}::{behaviour}", proxy.name);
        over_both(&mut trials, needs, &name, move |program, runtime| run(proxy, program, runtime));
    };
    add("a_head_over_the_limit_is_431", heads);
    add("a_call_more_than_the_concurrency_is_503", concurrency);
    add("a_call_over_its_time_is_504", time);
    add("a_function_that_fails_is_500", failure);
    trials
}

/// Checks that the reply is the runtime's: it has a body, which is no page of the proxy's.
fn is_ours(site: &Site, what: &str, reply: &Reply, status: u16) -> Result<(), String> {
    let text = reply.text();
    if reply.status == status && !text.is_empty() && !text.contains("<html") {
        return Ok(());
    }
    let text = text.get(..300).unwrap_or(&text);
    Err(site.told(&format!("{what}: expected {status} of the runtime, found {} {text:?}", reply.status)))
}

/// Sends a body of that size and reads the reply meanwhile, as a client does that wants to know of a refusal.
fn upload(site: &Site, size: usize, is_chunked: bool) -> Result<Reply, String> {
    let mut client = site.client()?;
    let mut sender = client.sender().map_err(|error| error.to_string())?;
    let framing = if is_chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {size}") };
    let head = format!("POST / HTTP/1.1\r\nHost: shop\r\n{framing}\r\n\r\n");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let piece = [b'x'; 1 << 16];
            let mut send = || -> std::io::Result<()> {
                sender.write_all(head.as_bytes())?;
                let mut left = size;
                while left > 0 {
                    let piece = &piece[..left.min(piece.len())];
                    if is_chunked {
                        sender.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
                    }
                    sender.write_all(piece)?;
                    if is_chunked {
                        sender.write_all(b"\r\n")?;
                    }
                    left -= piece.len();
                }
                sender.write_all(if is_chunked { b"0\r\n\r\n" } else { b"" })
            };
            // A server that refuses a body need not take it to its end.
            let _ = send();
        });
        let reply = client.read();
        reply.map_err(|error| site.told(&format!("{size} bytes, chunked: {is_chunked}: no reply: {error}")))
    })
}

fn refuses_bodies(site: &Site, sizes: &[usize]) -> Result<(), String> {
    for size in sizes {
        for is_chunked in [false, true] {
            let reply = upload(site, *size, is_chunked)?;
            is_ours(site, &format!("{size} bytes, chunked: {is_chunked}"), &reply, 413)?;
        }
    }
    // No other client suffers.
    let reply = site.call("POST", "/", "", b"as before")?;
    if reply.text() == "as before" { Ok(()) } else { Err(site.told(&format!("{} {}", reply.status, reply.text()))) }
}

fn bodies_over_a_limit(proxy: Proxy, form: Form, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    const LIMIT: usize = 1 << 20;
    let deployment = Deployment::of("echo").env("FAAS_MAX_BODY", &LIMIT.to_string());
    let site = proxy.before(program, form, runtime, deployment, "echo")?;
    let allowed = upload(&site, LIMIT, true)?;
    if allowed.status != 200 {
        return Err(site.told(&format!("a body that is just allowed: {} {}", allowed.status, allowed.text())));
    }
    refuses_bodies(&site, &[LIMIT + 1, LIMIT + 70_000, 2 * LIMIT, 3 * LIMIT, 5 * LIMIT, 8 * LIMIT])
}

fn bodies_over_the_usual_limit(
    proxy: Proxy,
    form: Form,
    program: &Path,
    runtime: &'static Runtime,
) -> Result<(), String> {
    let site = proxy.before(program, form, runtime, Deployment::of("echo"), "echo")?;
    refuses_bodies(&site, &[33 << 20, 40 << 20])
}

fn heads(proxy: Proxy, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let site = proxy.before(program, proxy.unbuffered, runtime, Deployment::of("echo"), "echo")?;
    let many: String = (0..400).map(|number| format!("X-{number}: y\r\n")).collect();
    let value = "y".repeat(7000);
    let large: String = (0..24).map(|number| format!("X-{number}: {value}\r\n")).collect();
    for (what, headers) in [("400 lines", many), ("168,000 bytes", large)] {
        is_ours(&site, what, &site.call("GET", "/", &headers, b"")?, 431)?;
        is_ours(&site, what, &site.call("POST", "/", &headers, b"with a body")?, 431)?;
    }
    Ok(())
}

fn concurrency(proxy: Proxy, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::of("probe").env("FAAS_CONCURRENCY", "1");
    let release = deployment.path("release");
    let site = proxy.before(program, proxy.unbuffered, runtime, deployment, "probe.hold")?;
    let file = release.to_string_lossy().into_owned();
    let mut holding = site.client()?;
    holding.request("POST", "/", "", file.as_bytes()).map_err(|error| error.to_string())?;
    let instance = &site.instances[0].process;
    instance.wait_for_line(|line| line.contains("holding"), limit()).map_err(|late| site.told(&late.to_string()))?;
    for body in [&b""[..], &[b'x'; 100_000]] {
        let refused = site.call("POST", "/", "", body)?;
        is_ours(&site, "a second call", &refused, 503)?;
        if refused.header("retry-after").is_none() {
            return Err(site.told("the 503 has no Retry-After"));
        }
    }
    std::fs::write(&release, "").map_err(|error| error.to_string())?;
    let read = |client: &mut Client| client.read().map_err(|error| site.told(&format!("the first call: {error}")));
    let reply = read(&mut holding)?;
    if reply.text() == "let go" { Ok(()) } else { Err(site.told(&format!("{} {}", reply.status, reply.text()))) }
}

fn time(proxy: Proxy, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::of("faulty").env("FAAS_TIMEOUT", "300ms");
    let site = proxy.before(program, proxy.unbuffered, runtime, deployment, "faulty")?;
    for method in ["GET", "POST"] {
        is_ours(&site, method, &site.call(method, "/?do=sleep", "", b"")?, 504)?;
    }
    let reply = site.call("GET", "/", "", b"")?;
    if reply.status == 200 { Ok(()) } else { Err(site.told(&format!("afterwards: {}", reply.status))) }
}

fn failure(proxy: Proxy, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let site = proxy.before(program, proxy.unbuffered, runtime, Deployment::of("faulty"), "faulty")?;
    for (target, status) in [("/?do=error", 500), ("/?do=panic", 500), ("/?do=error&status=409", 409)] {
        for method in ["GET", "POST"] {
            is_ours(&site, &format!("{method} {target}"), &site.call(method, target, "", b"")?, status)?;
        }
    }
    Ok(())
}
