//! Tests against programs that the project does not make: AWS' Runtime Interface Emulator, curl, Redis, load
//! generators, promtool, Prometheus, tini, valgrind, other linkers and compilers, and the function frameworks and event
//! libraries of other platforms.
//!
//! `.ci/foreign` brings the programs. Without one, its tests are listed as ignored, with the missing program as their
//! kind; with `FAAS_REQUIRE=all`, as `.ci/run` sets it, they fail instead. No test ever passes without its program.

#[path = "foreign/authority.rs"]
mod authority;
#[path = "foreign/events.rs"]
mod events;
#[path = "foreign/fn_peers.rs"]
mod fn_peers;
#[path = "foreign/frameworks.rs"]
mod frameworks;
#[allow(dead_code, reason = "the tests of layers look closer")]
#[path = "layers/fronts.rs"]
mod fronts;
#[path = "foreign/http.rs"]
mod http;
#[path = "foreign/languages.rs"]
mod languages;
#[path = "foreign/layers.rs"]
mod layers;
#[path = "foreign/linkers.rs"]
mod linkers;
#[path = "foreign/load.rs"]
mod load;
#[path = "foreign/prometheus.rs"]
mod prometheus;
#[path = "foreign/redis.rs"]
mod redis;
#[path = "foreign/rie.rs"]
mod rie;
#[path = "foreign/tls.rs"]
mod tls;
#[path = "foreign/tokens.rs"]
mod tokens;
#[path = "foreign/valgrind.rs"]
mod valgrind;

use integration::needs;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut trials = rie::trials();
    trials.extend(http::trials());
    trials.extend(fn_peers::trials());
    trials.extend(events::trials());
    trials.extend(frameworks::trials());
    trials.extend(languages::trials());
    trials.extend(layers::trials());
    trials.extend(linkers::trials());
    trials.extend(load::trials());
    trials.extend(tls::trials());
    trials.extend(tokens::trials());
    trials.extend(prometheus::trials());
    trials.extend(redis::trials());
    trials.extend(valgrind::trials());
    needs::run(trials)
}
