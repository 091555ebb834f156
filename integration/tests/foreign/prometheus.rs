//! A Prometheus scrapes the numbers of the layer `metrics`, on the function's port and on one of its own, and answers
//! queries of it.

use crate::needs::{over_both, program};
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::{limit, until};
use libtest_mimic::Trial;
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    over_both(&mut trials, &program("prometheus"), "prometheus_scrapes_the_functions_port", |prometheus, runtime| {
        scrape(prometheus, runtime, None)
    });
    over_both(&mut trials, &program("prometheus"), "prometheus_scrapes_a_port_of_its_own", |prometheus, runtime| {
        scrape(prometheus, runtime, Some(free_port()))
    });
    trials
}

/// A Prometheus with one target.
struct Prometheus {
    process: Process,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(program: &Path, target: SocketAddr) -> Result<Prometheus, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global:\n  scrape_interval: 200ms\nscrape_configs:\n- job_name: faas\n  static_configs:\n  - targets: ['{target}']\n"
        );
        std::fs::write(&config, text).map_err(|error| error.to_string())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}")).current_dir(folder.path());
        let process = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
        Ok(Prometheus { process, address, _folder: folder })
    }

    /// Returns the answer of its API; `None` as long as it does not answer.
    fn ask(&self, target: &str) -> Option<Value> {
        let reply = Client::connect(self.address).ok()?.call("GET", target, "Connection: close\r\n", b"").ok()?;
        serde_json::from_slice(&reply.body).ok()
    }

    /// Waits until a query, as it stands in a URL, has this value.
    fn comes_to(&self, query: &str, expected: f64) -> Result<(), String> {
        let asked = || {
            let answer = self.ask(&format!("/api/v1/query?query={query}"))?;
            let value: f64 = answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()?;
            ((value - expected).abs() < 1e-9).then_some(())
        };
        until(&format!("{query} is {expected}"), &self.process, asked)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Its handle ends it in any case.
        let _ = self.process.signal(Signal::Term);
        let _ = self.process.wait(limit());
    }
}

fn scrape(program: &Path, runtime: &'static Runtime, own: Option<u16>) -> Result<(), String> {
    let deployment = Deployment::of("orders").layer("metrics");
    let deployment = match own {
        Some(port) => deployment.env("FAAS_METRICS_LISTEN", &format!("127.0.0.1:{port}")),
        None => deployment,
    };
    let run = OnHttp::start(runtime, deployment, "orders");
    for shop in ["vienna", "vienna", "graz", "nowhere"] {
        run.call("POST", "/", "", shop.as_bytes());
    }
    let target = own.map_or(run.address, |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let prometheus = Prometheus::start(program, target)?;
    prometheus.comes_to("faas_invocations_total{outcome=%22ok%22}", 3.0)?;
    prometheus.comes_to("faas_invocations_total{outcome=%22refused%22,status=%224xx%22}", 1.0)?;
    prometheus.comes_to("orders_total{shop=%22vienna%22}", 2.0)?;
    prometheus.comes_to("sum(faas_invocation_duration_seconds_count)", 4.0)?;
    prometheus.comes_to("faas_invocation_duration_seconds_bucket{outcome=%22ok%22,le=%22%2BInf%22}", 3.0)?;
    prometheus.comes_to("faas_cold_starts_total", 1.0)?;
    // Later numbers are in a later scrape, and scrapes themselves are not counted.
    run.call("POST", "/", "", b"linz");
    prometheus.comes_to("sum(faas_invocations_total)", 5.0)?;
    let targets = prometheus.ask("/api/v1/targets").ok_or("it lists its targets")?;
    let target = &targets["data"]["activeTargets"][0];
    assert_eq!((&target["health"], &target["lastError"]), (&"up".into(), &"".into()), "{target}");
    Ok(())
}
