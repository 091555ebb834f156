//! The judgement of `layer-http-client` on certificates, before a TLS server of OpenSSL's.

use crate::authority::Authority;
use crate::needs::{over_both, program};
use integration::artifacts::{Runtime, workspace};
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::scripted::Scripted;
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let openssl = program("openssl");
    over_both(&mut trials, &openssl, "a_server_whose_certificate_is_right_is_asked", right);
    over_both(&mut trials, &openssl, "a_wrong_name_an_expired_and_an_unknown_certificate_are_refused", wrong);
    over_both(&mut trials, &openssl, "a_server_that_wants_a_certificate_is_shown_one", mutual);
    over_both(&mut trials, &openssl, "a_proxy_sees_a_tunnel_alone", tunnel);
    let both = openssl.and(program("python3"));
    over_both(&mut trials, &both, "a_connection_is_kept_until_its_server_closes_it_in_a_freeze", kept);
    trials
}

fn sender(authority: &Authority<'_>, runtime: &'static Runtime, more: &[(&str, &str)]) -> OnHttp {
    let config = json!({"ca": authority.path("ca.pem"), "timeout": "20s"});
    configured(&config, runtime, more)
}

fn configured(config: &Value, runtime: &'static Runtime, more: &[(&str, &str)]) -> OnHttp {
    let config = config.to_string();
    let deployment = Deployment::of("outbound").layer("http-client").env("FAAS_LAYER_HTTP_CLIENT", &config);
    let deployment = more.iter().fold(deployment, |deployment, (name, value)| deployment.env(name, value));
    OnHttp::start(runtime, deployment, "outbound.send")
}

fn get(run: &OnHttp, url: &str) -> Value {
    let reply = run.call("POST", "/", "", json!({"url": url}).to_string().as_bytes());
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", reply.text()))
}

fn is_page(seen: &Value) -> bool {
    seen["status"] == 200 && seen["body"].as_str().is_some_and(|body| body.contains("TLSv1.3"))
}

/// A server of Python's, which keeps its connections and tells the number of each.
struct Python {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Python {
    fn serve(authority: &Authority<'_>, name: &str) -> Result<Python, String> {
        let [key, pem] = ["key", "pem"].map(|end| authority.path(&format!("{name}.{end}")));
        let mut command = Command::new("python3");
        command.arg(workspace().join("integration/peers/tls_server.py")).args([&pem, &key]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let port = lines.next().and_then(Result::ok).and_then(|line| line.parse().ok());
        Ok(Python { port: port.ok_or("python3 says no port")?, child, lines })
    }

    /// Closes every connection.
    fn close(&mut self) -> Result<(), String> {
        let stdin = self.child.stdin.as_mut().ok_or("no input")?;
        stdin.write_all(b"close\n").map_err(|error| error.to_string())?;
        match self.lines.next() {
            Some(Ok(line)) if line == "closed" => Ok(()),
            other => Err(format!("it does not close them: {other:?}")),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn right(openssl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let authority = Authority::new(openssl)?;
    authority.sign("right", "ca", "DNS:localhost,IP:127.0.0.1", "2")?;
    let (_server, port) = authority.serve("right", &[])?;
    let run = sender(&authority, runtime, &[]);
    for host in ["localhost", "127.0.0.1"] {
        let seen = get(&run, &format!("https://{host}:{port}/"));
        assert!(is_page(&seen), "{seen}; output:\n{}", run.process.output());
    }
    Ok(())
}

fn kept(openssl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let authority = Authority::new(openssl)?;
    authority.sign("right", "ca", "DNS:localhost", "2")?;
    let mut server = Python::serve(&authority, "right")?;
    let run = sender(&authority, runtime, &[]);
    let connection = || get(&run, &format!("https://localhost:{}/", server.port))["body"].clone();
    assert_eq!((connection(), connection()), (json!("1"), json!("1")), "output:\n{}", run.process.output());
    run.process.signal(Signal::Stop).map_err(|error| error.to_string())?;
    server.close()?;
    run.process.signal(Signal::Cont).map_err(|error| error.to_string())?;
    let after = get(&run, &format!("https://localhost:{}/", server.port))["body"].clone();
    assert_eq!(after, json!("2"), "output:\n{}", run.process.output());
    Ok(())
}

fn wrong(openssl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let authority = Authority::new(openssl)?;
    authority.root("stranger")?;
    let run = sender(&authority, runtime, &[]);
    for (name, by, names, days, words) in [
        ("elsewhere", "ca", "DNS:shop.example", "2", "not valid for name"),
        ("old", "ca", "DNS:localhost", "-1", "Expired"),
        ("unknown", "stranger", "DNS:localhost", "2", "UnknownIssuer"),
    ] {
        authority.sign(name, by, names, days)?;
        let (_server, port) = authority.serve(name, &[])?;
        assert_eq!(get(&run, &format!("https://localhost:{port}/"))["error"], "Failed", "{name}");
        let line = run.process.wait_for_line(|line| line.contains(words), limit());
        line.map_err(|late| format!("{name}: {late}; output:\n{}", run.process.output()))?;
    }
    Ok(())
}

fn tunnel(openssl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let authority = Authority::new(openssl)?;
    authority.sign("behind", "ca", "DNS:shop.invalid", "2")?;
    let (_server, port) = authority.serve("behind", &[])?;
    let proxy = Scripted::start(move |_, mut link| {
        if link.request().is_some() && link.write(b"HTTP/1.1 200 Connection established\r\n\r\n") {
            link.join(&format!("127.0.0.1:{port}"));
        }
    });
    let run = sender(&authority, runtime, &[("HTTPS_PROXY", &format!("http://{}", proxy.address))]);
    let seen = get(&run, &format!("https://shop.invalid:{port}/secret"));
    assert!(is_page(&seen), "{seen}; output:\n{}", run.process.output());
    let asked = proxy.asked();
    assert_eq!((asked.len(), &*asked[0].method, &*asked[0].target), (1, "CONNECT", &*format!("shop.invalid:{port}")));
    Ok(())
}

fn mutual(openssl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let authority = Authority::new(openssl)?;
    authority.root("stranger")?;
    authority.sign("right", "ca", "DNS:localhost", "2")?;
    authority.sign("client", "ca", "DNS:client", "2")?;
    authority.sign("other", "stranger", "DNS:client", "2")?;
    let asks = ["-Verify", "1", "-verify_return_error", "-CAfile", &authority.path("ca.pem")];
    let (server, port) = authority.serve("right", &asks)?;
    let url = format!("https://localhost:{port}/");
    let with = |name: &str| {
        let [certificate, key] = ["pem", "key"].map(|end| authority.path(&format!("{name}.{end}")));
        let config = json!({"ca": authority.path("ca.pem"), "timeout": "20s", "certificate": certificate, "key": key});
        configured(&config, runtime, &[])
    };
    let run = with("client");
    let seen = get(&run, &url);
    assert!(is_page(&seen), "{seen}; output:\n{}\n{}", run.process.output(), server.output());
    for (run, words) in [(sender(&authority, runtime, &[]), "CertificateRequired"), (with("other"), "UnknownCA")] {
        assert_eq!(get(&run, &url)["error"], "Failed", "{words}");
        let line = run.process.wait_for_line(|line| line.contains(words), limit());
        line.map_err(|late| format!("{words}: {late}; output:\n{}", run.process.output()))?;
    }
    let nowhere = with("nowhere");
    assert_eq!(get(&nowhere, &url)["error"], "Failed");
    let line = nowhere.process.wait_for_line(|line| line.contains("the key of"), limit());
    line.map_err(|late| format!("{late}; output:\n{}", nowhere.process.output()))?;
    Ok(())
}
