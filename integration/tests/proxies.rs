//! Both runtimes behind nginx, haproxy and caddy, with the configurations of `docs/proxies.md`.
//!
//! `.ci/foreign` brings the proxies. Without one, its tests are listed as ignored, with the missing proxy as their
//! kind; with `FAAS_REQUIRE=all`, as `.ci/run` sets it, they fail instead. A trial is named
//! `proxy::behaviour::runtime`, with the switched directive in between where there are several forms.

#[path = "proxies/borders.rs"]
mod borders;
#[path = "proxies/caddy.rs"]
mod caddy;
#[path = "proxies/haproxy.rs"]
mod haproxy;
#[path = "proxies/load.rs"]
mod load;
#[path = "proxies/nginx.rs"]
mod nginx;
#[path = "proxies/refusals.rs"]
mod refusals;
#[path = "proxies/run.rs"]
mod run;
#[path = "proxies/service.rs"]
mod service;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Each is a load of its own: no more of them at once than there are processors, unless `--test-threads` says so.
    let arguments = libtest_mimic::Arguments::from_args();
    let mut trials = nginx::trials();
    trials.extend(haproxy::trials());
    trials.extend(caddy::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
