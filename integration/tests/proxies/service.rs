//! Ordinary service: nothing is lost, whichever way the proxy treats bodies, and whichever instance is exchanged
//! meanwhile.

use crate::load::{Connections, Load};
use crate::run::{Form, Proxy};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::needs::{Foreign, over_both, over_full};
use integration::on_http::OnHttp;
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::process::Signal;
use std::path::Path;

const REQUESTS: usize = 20_000;

pub(crate) fn trials(proxy: Proxy, needs: &Foreign) -> Vec<Trial> {
    let mut trials = Vec::new();
    let name = |behaviour: &str, form: Form| format!("{}::{behaviour}::{}", proxy.name, form.name);
    for form in [proxy.buffered, proxy.unbuffered] {
        over_both(&mut trials, needs, &name("twenty_thousand_requests_are_answered", form), move |program, runtime| {
            every_request_is_answered(proxy, form, program, runtime)
        });
    }
    if let Some(form) = proxy.over_http_2 {
        over_full(&mut trials, needs, &name("twenty_thousand_requests_are_answered", form), move |program, runtime| {
            every_request_is_answered(proxy, form, program, runtime)
        });
    }
    let name = |behaviour: &str| format!("{}::{behaviour}", proxy.name);
    over_both(&mut trials, needs, &name("a_reload_loses_no_request"), move |program, runtime| {
        reload(proxy, program, runtime)
    });
    over_both(
        &mut trials,
        needs,
        &name("sigterm_of_one_of_two_instances_loses_no_request"),
        move |program, runtime| one_of_two_leaves(proxy, program, runtime),
    );
    trials
}

fn every_request_is_answered(
    proxy: Proxy,
    form: Form,
    program: &Path,
    runtime: &'static Runtime,
) -> Result<(), String> {
    let site = proxy.before(program, form, runtime, Deployment::of("echo"), "echo")?;
    let load = Load::start(site.proxy.address, &[(16, Connections::Kept)], "POST", REQUESTS);
    load.all().is_whole(REQUESTS).map_err(|why| site.told(&why))
}

fn reload(proxy: Proxy, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let site = proxy.before(program, proxy.unbuffered, runtime, Deployment::of("echo"), "echo")?;
    let load = Load::start(site.proxy.address, proxy.clients_of_a_reload, "POST", usize::MAX);
    let mut reloads = (0..3).map(|_| {
        load.until_more(300)?;
        (proxy.reload)(program, &site.proxy)
    });
    reloads.try_for_each(|reloaded| reloaded).map_err(|why| site.told(&why))?;
    load.until_more(300).map_err(|why| site.told(&why))?;
    load.end().is_whole(1200).map_err(|why| site.told(&why))
}

/// Checks the stop of one of two instances. A proxy that asks for the health of an instance has left it before its port
/// closes. One that does not ask learns of the stop from a connection that fails. It sends again those requests that
/// may be sent twice (RFC 9110, 9.2.2), such as PUT, if it has kept the body.
fn one_of_two_leaves(proxy: Proxy, program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (form, method) = if proxy.asks_for_health { (proxy.unbuffered, "POST") } else { (proxy.buffered, "PUT") };
    // More than the second in which the health checks of the page see that readiness has gone.
    let deployment = || Deployment::of("echo").env("FAAS_LAME_DUCK", "3s").env("FAAS_GRACE", "10s");
    let instances = (0..2).map(|_| OnHttp::start(runtime, deployment(), "echo")).collect();
    let site = proxy.start(program, &proxy.site(form)?, instances)?;
    let load = Load::start(site.proxy.address, &[(4, Connections::Kept)], method, usize::MAX);
    load.until_more(300).map_err(|why| site.told(&why))?;
    let leaving = &site.instances[0].process;
    leaving.signal(Signal::Term).map_err(|error| error.to_string())?;
    let status = leaving.wait(limit()).map_err(|late| site.told(&late.to_string()))?;
    load.until_more(300).map_err(|why| site.told(&why))?;
    load.end().is_whole(600).map_err(|why| site.told(&why))?;
    if status.code() == Some(0) { Ok(()) } else { Err(site.told(&format!("the instance that left: {status}"))) }
}
