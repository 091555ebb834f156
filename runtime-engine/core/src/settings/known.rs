//! Every setting of the runtimes and of the layers that come with them, by name: what the check of unknown names and
//! `--help` read. `README.md` and `docs/platforms/` say more of each, and a test holds them against this table.

use super::{LAYER_PREFIX, is_service_link, layer_variable};

/// The beginning of the names of all settings.
const PREFIX: &str = "FAAS_";

/// Name and meaning of each setting, but for [`FAAS_LAYER_<NAME>`](layer_variable).
pub const KNOWN: [(&str, &str); 53] = [
    ("FAAS_PLATFORM", "the platform, where it is not to be found out"),
    ("FAAS_HANDLER", "the function: library, or library.function"),
    ("FAAS_MANIFEST", "the manifest, where it is not faas.json in the folder of the libraries"),
    ("FAAS_UNIT", "the deployment that this process is, where a yml makes several"),
    ("FAAS_ROOT", "the folder with the libraries"),
    ("FAAS_LAYERS", "layers, outermost first; name? makes one optional"),
    ("FAAS_CONFIG", "the function's configuration, JSON"),
    ("FAAS_SECRETS", "folders with a file for each secret, parted by colons"),
    ("FAAS_LOG", "level of the log: error, warn, info, debug or trace"),
    ("FAAS_LOG_FORMAT", "text or json"),
    ("FAAS_DEBUG", "on: stacks and causes in errors and logs"),
    ("FAAS_INIT_TIMEOUT", "how long the start may take"),
    ("FAAS_TIMEOUT", "how long an invocation may take where the platform does not say"),
    ("FAAS_GRACE", "how long a stop may take, Close included"),
    ("FAAS_REPLIED_TIMEOUT", "how long work for after a reply may take"),
    ("FAAS_TRUSTED_HOPS", "proxies in front whose word on a client is taken"),
    ("FAAS_CONCURRENCY", "invocations at once; more are refused"),
    ("FAAS_RECORD_CONCURRENCY", "records of a batch at once, for functions that take one at a time"),
    ("FAAS_RECORD_FAILURES", "report, fail or log: what becomes of a batch of which some records failed"),
    ("FAAS_THREADS", "calls that hold a thread at once"),
    ("FAAS_ASYNC_WORKERS", "threads that run the futures of a library"),
    ("FAAS_MAX_BODY", "the largest body of a request, in bytes"),
    ("FAAS_READ_TIMEOUT", "how long a request may take to come in"),
    ("FAAS_WRITE_TIMEOUT", "how long a client may take nothing of its response"),
    ("FAAS_MAX_BUFFERED", "bytes of unfinished requests and unsent responses"),
    ("FAAS_MAX_CONNECTIONS", "open connections; beyond it idle ones are closed for new ones"),
    ("FAAS_ACCESS_LOG", "on: a line for each invocation, and for each request refused for lack of room"),
    ("FAAS_LAME_DUCK", "service after a stop signal, before the port closes"),
    ("FAAS_MAX_HUNG", "functions that may run on after their time before the process leaves"),
    ("FAAS_HOST", "the address to listen on"),
    ("FAAS_LIVENESS_PATH", "the path of the liveness probe"),
    ("FAAS_READINESS_PATH", "the path of the readiness probe"),
    ("FAAS_FUNCTION_NAME", "the function's name"),
    ("FAAS_FUNCTION_VERSION", "the function's version"),
    ("FAAS_SERVICE", "the service or application it belongs to"),
    ("FAAS_STAGE", "its stage or namespace"),
    ("FAAS_REGION", "its region"),
    ("FAAS_SIGNATURE", "Knative: http or cloudevent, where only one of them is taken"),
    ("FAAS_WEBHOOK", "Knative: on: the handshake of webhooks is answered"),
    ("FAAS_SCF_MODE", "Tencent SCF: poll or web"),
    ("FAAS_HUAWEI_MODE", "Huawei FunctionGraph: poll, http or event"),
    ("FAAS_AZURE_HTTP_OUTPUT", "Azure Functions: the name of the HTTP output"),
    ("FAAS_ALLOW_INIT_CODE", "OpenWhisk: on: code may come with /init"),
    ("FAAS_METRICS_PORT", "OpenFaaS: the port for metrics; 0: none"),
    ("FAAS_METRICS_NAMESPACE", "layer metrics: the namespace in CloudWatch"),
    ("FAAS_METRICS_PATH", "layer metrics: the path on plain HTTP"),
    ("FAAS_METRICS_LISTEN", "layer metrics: a port of its own for that path"),
    ("FAAS_METRICS_BUCKETS", "layer metrics: upper bounds of histograms"),
    ("FAAS_METRICS_DIMENSIONS", "layer metrics: sets of dimensions in CloudWatch"),
    ("FAAS_METRICS_SERIES", "layer metrics: series that are kept apart"),
    ("FAAS_MONITOR_SAMPLE", "layer monitor: the share of lines for what went well"),
    ("FAAS_MONITOR_EVENT", "layer monitor: on or off: lines tell trigger and path"),
    ("FAAS_MONITOR_SLOW_MS", "layer monitor: only what took longer has a line"),
];

/// Returns the warning about a variable that looks like a setting and is not one. It is `None` for a setting, the
/// configuration of one of these layers, a link to a Kubernetes service, and any name that is not of ours.
pub fn doubt<'l>(variable: &str, value: &str, layers: impl Iterator<Item = &'l str>) -> Option<String> {
    if !variable.starts_with(PREFIX) || is_service_link(variable, value) || is_of_a_service(variable) {
        return None;
    }
    let of_layers: Vec<String> = layers.map(layer_variable).collect();
    let known = || KNOWN.iter().map(|(name, _)| *name).chain(of_layers.iter().map(String::as_str));
    // Asked first, at every start: how far a name is from forty others takes longer than the rest of the start.
    if known().any(|name| name == variable) {
        return None;
    }
    let (away, name) = known().map(|name| (distance(variable, name), name)).min()?;
    let hint = if away <= variable.len() / 5 {
        format!("; did you mean {name}?")
    } else if variable.starts_with(LAYER_PREFIX) {
        "; no layer of that name is in use".to_owned()
    } else {
        String::new()
    };
    Some(format!("{variable} is no setting of the runtime's and changes nothing{hint}"))
}

/// Returns `true` for one of the other variables that every pod finds beside a Service called `faas-shop`. They are
/// `FAAS_SHOP_SERVICE_HOST`, `FAAS_SHOP_SERVICE_PORT`, `FAAS_SHOP_SERVICE_PORT_HTTP`, `FAAS_SHOP_PORT_80_TCP` and
/// `FAAS_SHOP_PORT_80_TCP_ADDR`. Source: Kubernetes' documentation of the variables of services.
fn is_of_a_service(variable: &str) -> bool {
    let of_a_port = |rest: &str| rest.starts_with(|digit: char| digit.is_ascii_digit());
    variable.ends_with("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || variable.split("_PORT_").skip(1).any(of_a_port)
}

/// Returns the number of letters that have to be put in, taken out, changed or swapped with the next to make one text
/// of the other.
pub fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let changed = last[column] + usize::from(letter != against);
            let mut least = changed.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && one[row - 1] == *against && *letter == other[column - 1] {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubted(variable: &str) -> Option<String> {
        doubt(variable, "value", ["monitor", "my-lib.trace"].into_iter())
    }

    #[test]
    fn a_name_that_nobody_reads_is_said_with_the_nearest_there_is() {
        for (variable, nearest) in [
            ("FAAS_TIMOUT", "FAAS_TIMEOUT"),
            ("FAAS_TIMEUOT", "FAAS_TIMEOUT"),
            ("FAAS_LAYER", "FAAS_LAYERS"),
            ("FAAS_LOGFORMAT", "FAAS_LOG_FORMAT"),
            ("FAAS_CONCURENCY", "FAAS_CONCURRENCY"),
            ("FAAS_LAYER_MONITR", "FAAS_LAYER_MONITOR"),
            ("FAAS_LAYER_MYLIB_TRACE", "FAAS_LAYER_MY_LIB_TRACE"),
        ] {
            let expected =
                format!("{variable} is no setting of the runtime's and changes nothing; did you mean {nearest}?");
            assert_eq!(doubted(variable), Some(expected));
        }
        let far = "FAAS_QUITE_ANOTHER_THING is no setting of the runtime's and changes nothing";
        assert_eq!(doubted("FAAS_QUITE_ANOTHER_THING").as_deref(), Some(far));
        let layer = doubted("FAAS_LAYER_GUARD").expect("no such layer");
        assert!(layer.ends_with("; no layer of that name is in use"), "{layer}");
    }

    #[test]
    fn what_is_known_or_not_ours_is_not_doubted() {
        for (name, _) in KNOWN {
            assert_eq!(doubted(name), None, "{name}");
        }
        for variable in [
            "FAAS_LAYER_MONITOR",
            "FAAS_LAYER_MY_LIB_TRACE",
            "PATH",
            "_FAAS_FUNC_TIMEOUT",
            "faas_timout",
            "FAAS_SHOP_SERVICE_HOST",
            "FAAS_SHOP_SERVICE_PORT",
            "FAAS_SHOP_SERVICE_PORT_HTTP",
            "FAAS_SHOP_PORT_80_TCP",
            "FAAS_SHOP_PORT_80_TCP_ADDR",
        ] {
            assert_eq!(doubted(variable), None, "{variable}");
        }
        let link = doubt("FAAS_SHOP_PORT", "tcp://10.96.7.1:80", std::iter::empty());
        assert_eq!((link, doubted("FAAS_SHOP_PORT").is_some()), (None, true));
    }

    /// Returns every name of the form `FAAS_X` in a text. One that ends with `_` is a part of a name, and is left out.
    fn names(text: &str) -> Vec<&str> {
        let part = |c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let names = text.split(part).filter(|name| name.starts_with(PREFIX) && !name.ends_with('_'));
        names.collect()
    }

    fn read(path: &str) -> String {
        let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[test]
    fn the_documentation_has_the_settings_of_the_table_and_no_others() {
        let readme = read("README.md");
        let settings = readme.split("\n## ").find(|section| section.starts_with("Settings\n")).expect("the section");
        let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/platforms")).expect("the pages");
        let pages: Vec<String> = pages
            .map(|page| std::fs::read_to_string(page.expect("an entry").path()).expect("a page"))
            .chain([settings.to_owned()])
            .collect();
        let written: Vec<&str> = pages.iter().flat_map(|page| names(page)).collect();
        for (name, _) in KNOWN {
            assert!(
                written.contains(&name),
                "{name} stands in no settings of README.md and on no page of docs/platforms"
            );
        }
        for name in written {
            assert!(KNOWN.iter().any(|(known, _)| *known == name), "{name} is documented and not in the table");
        }
    }

    /// Collects the source files below a folder, by name and text, with their tests left out.
    fn sources(folder: &std::path::Path, all: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.display().to_string();
            if path.is_dir() {
                if !path.ends_with("tests") {
                    sources(&path, all);
                }
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && !name.ends_with("known.rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                all.push((name, code.to_owned()));
            }
        }
    }

    #[test]
    fn every_setting_that_is_read_is_in_the_table_and_every_one_of_the_table_is_read() {
        let mut all = Vec::new();
        for folder in ["runtime-engine", "light-runtime", "layers"] {
            sources(&std::path::PathBuf::from(format!("{}/../../{folder}", env!("CARGO_MANIFEST_DIR"))), &mut all);
        }
        let literal = |code: &str| -> Vec<String> {
            let quoted = code.split('"').skip(1).step_by(2);
            quoted.filter(|text| names(text) == [*text]).map(str::to_owned).collect()
        };
        let read: Vec<(String, String)> = all
            .iter()
            .flat_map(|(file, code)| literal(code).into_iter().map(move |name| (file.clone(), name)))
            .collect();
        for (file, name) in &read {
            assert!(KNOWN.iter().any(|(known, _)| known == name), "{file} reads {name}, which is not in the table");
        }
        for (name, _) in KNOWN {
            assert!(read.iter().any(|(_, found)| found == name), "{name} is in the table, and nothing reads it");
        }
    }
}
