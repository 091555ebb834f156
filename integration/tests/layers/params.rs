//! `layer-params` in the real runtimes, over files, and over stores that are right, down, paused and back again. The
//! stores are written from the documentation of Vault and of AWS' extension, and refuse the same requests as those.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use integration::scripted::{Asked, Link, Scripted};
use integration::wait::{limit, until};
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

integration::both![
    files_are_read_and_one_that_takes_their_place_is_seen,
    a_file_of_json_has_a_value_for_each_name,
    vault_is_asked_with_its_token_for_a_path_and_a_field,
    awss_extension_is_asked_with_the_sessions_token,
    google_and_azure_are_asked_as_the_process_that_it_is,
    a_server_of_ones_own_is_asked_by_its_url,
    the_first_source_that_has_a_name_counts,
    the_last_good_value_stands_in_for_a_store_that_is_killed_until_it_is_back,
    a_store_that_is_paused_is_not_waited_for_longer_than_said,
    a_value_that_was_known_is_there_at_once_after_a_freeze,
    a_manifests_secrets_come_from_a_store_at_the_start,
    a_store_that_is_down_at_the_start_ends_it_with_the_name,
    without_somebody_who_sends_requests_a_line_says_what_to_do,
    no_value_and_no_token_is_shown,
];

const TOKEN: &str = "hvs.token-of-a-test";

/// The values of a store, and its state.
#[derive(Default)]
struct Kept {
    values: BTreeMap<String, String>,
    is_paused: bool,
}

/// The store's values, shared by the test and the store.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Kept>>);

impl Shelf {
    fn of(values: &[(&str, &str)]) -> Shelf {
        let shelf = Shelf::default();
        values.iter().for_each(|(name, value)| shelf.put(name, value));
        shelf
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no test panics within")
    }

    fn put(&self, name: &str, value: &str) {
        self.kept().values.insert(name.to_owned(), value.to_owned());
    }

    fn get(&self, name: &str) -> Option<String> {
        self.kept().values.get(name).cloned()
    }
}

/// Returns a server that answers as `answer` says; one that is paused reads and answers nothing.
fn store(at: Option<SocketAddr>, shelf: &Shelf, answer: fn(&Shelf, &Asked) -> (u16, String)) -> Scripted {
    let shelf = shelf.clone();
    let serve = move |server: &Scripted, mut link: Link| {
        while let Some(asked) = link.request() {
            if shelf.kept().is_paused {
                server.wait_for_release();
            }
            let (status, body) = answer(&shelf, &asked);
            link.reply(status, &body);
        }
    };
    // The port is one that nobody is given by chance while the store is down.
    Scripted::at(at.unwrap_or_else(|| ([127, 0, 0, 1], free_port()).into()), serve)
}

/// Answers as Vault's KV version 2 at `kv`: names of the shelf are `path#field`.
fn vault(shelf: &Shelf, asked: &Asked) -> (u16, String) {
    let errors = |status: u16, words: &str| (status, json!({"errors": [words]}).to_string());
    if asked.header("x-vault-token") != Some(TOKEN) {
        return errors(403, "permission denied");
    }
    let Some(path) = asked.target.strip_prefix("/v1/kv/data/").filter(|_| asked.method == "GET") else {
        return errors(404, "no handler for route");
    };
    let of_path = |field: &str| shelf.get(&format!("{path}#{field}")).map(|value| (field.to_owned(), value.into()));
    let fields: serde_json::Map<String, Value> = ["password", "user"].into_iter().filter_map(of_path).collect();
    if fields.is_empty() {
        return (404, json!({"errors": []}).to_string());
    }
    let metadata =
        json!({"created_time": "2026-01-02T03:04:05Z", "deletion_time": "", "destroyed": false, "version": 2});
    let data = json!({"request_id": "1", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": {"data": fields, "metadata": metadata}, "wrap_info": null, "warnings": null, "auth": null});
    (200, data.to_string())
}

/// Answers as AWS' extension.
fn extension(shelf: &Shelf, asked: &Asked) -> (u16, String) {
    if asked.header("x-aws-parameters-secrets-token") != Some(TOKEN) {
        return (401, "not authorized".to_owned());
    }
    let decoded = |name: &str| name.replace("%2F", "/");
    if let Some(id) = asked.target.strip_prefix("/secretsmanager/get?secretId=") {
        return match shelf.get(&decoded(id)) {
            Some(value) => (200, json!({"Name": id, "SecretString": value, "VersionId": "v"}).to_string()),
            None => (400, "ResourceNotFoundException: Secrets Manager can't find the specified secret.".to_owned()),
        };
    }
    let parameter = asked.target.strip_prefix("/systemsmanager/parameters/get?name=");
    match parameter.and_then(|rest| rest.strip_suffix("&withDecryption=true")) {
        None => (404, "404 page not found".to_owned()),
        Some(name) => match shelf.get(&decoded(name)) {
            Some(value) => (200, json!({"Parameter": {"Name": name, "Value": value, "Version": 1}}).to_string()),
            None => (400, "ParameterNotFound".to_owned()),
        },
    }
}

fn deployment(config: &Value) -> Deployment {
    let deployment = Deployment::of("outbound").layer("http-client").layer("params");
    deployment.env("FAAS_LAYER_PARAMS", &config.to_string())
}

/// A process that returns the value of a name.
struct Asker(OnHttp);

impl Asker {
    fn start(runtime: &Runtime, deployment: Deployment) -> Asker {
        Asker(OnHttp::start(runtime, deployment, "outbound.param"))
    }

    fn ask(&self, name: &str) -> Value {
        let reply = self.0.call("POST", "/", "Content-Type: text/plain\r\n", name.as_bytes());
        assert_eq!(reply.status, 200, "{}; output:\n{}", reply.text(), self.0.process.output());
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    fn value(&self, name: &str) -> String {
        let seen = self.ask(name);
        seen["value"].as_str().unwrap_or_else(|| panic!("{seen}; output:\n{}", self.0.process.output())).to_owned()
    }

    /// Asks until a source has been asked in vain.
    fn fails(&self, name: &str) {
        let failed = || {
            self.ask(name);
            self.0.process.output().contains("a parameter cannot be read").then_some(())
        };
        until("a source is asked", &self.0.process, failed).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Asks until the name has that value.
    fn becomes(&self, name: &str, value: &str) {
        let seen = until("the value changes", &self.0.process, || (self.ask(name)["value"] == value).then_some(()));
        seen.unwrap_or_else(|why| panic!("{why}"));
    }
}

fn said(process: &Process, words: &str) -> String {
    let line = process.wait_for_line(|line| line.contains(words), limit());
    line.unwrap_or_else(|late| panic!("{words:?}: {late}; output:\n{}", process.output()))
}

/// Puts a file in the place of another, as `kubelet` and `mv` do.
fn replace(path: &Path, text: &str) {
    let fresh = path.with_extension("fresh");
    std::fs::write(&fresh, text).expect("it is written");
    std::fs::rename(fresh, path).expect("it takes the other's place");
}

fn files_are_read_and_one_that_takes_their_place_is_seen(runtime: &Runtime) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("db")).expect("a folder");
    let file = folder.path().join("db/password");
    replace(&file, "hunter2\n");
    let config = json!({"sources": [{"from": "files", "path": folder.path()}], "ttl": 0});
    let asker = Asker::start(runtime, deployment(&config));
    let first = asker.ask("db/password");
    assert_eq!((&first["value"], &asker.ask("db")["error"]), (&json!("hunter2"), &json!("Failed")));
    for name in ["nothing", "../etc/passwd", "/etc/passwd", "db/password/x"] {
        assert_eq!(asker.ask(name)["error"], "NotFound", "{name}");
    }
    replace(&file, "hunter3");
    asker.becomes("db/password", "hunter3");
    assert_ne!(asker.ask("db/password")["version"], first["version"]);
    std::fs::remove_file(&file).expect("it is gone");
    let gone =
        until("it is gone", &asker.0.process, || (asker.ask("db/password")["error"] == "NotFound").then_some(()));
    gone.unwrap_or_else(|why| panic!("{why}"));
}

fn a_file_of_json_has_a_value_for_each_name(runtime: &Runtime) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("params.json");
    replace(&file, r#"{"key": "k3y", "limit": 7, "nothing": null}"#);
    let config = json!({"sources": [{"from": "files", "path": file}], "ttl": 0});
    let asker = Asker::start(runtime, deployment(&config));
    assert_eq!((asker.value("key"), asker.value("limit")), ("k3y".to_owned(), "7".to_owned()));
    assert_eq!(asker.ask("nothing")["error"], "NotFound");
    replace(&file, r#"{"key": "k3y" and more"#);
    asker.fails("key");
    let line = said(&asker.0.process, "it is no JSON");
    assert!(!line.contains("k3y"), "{line}");
    assert_eq!(asker.value("key"), "k3y", "the last good one");
}

fn vault_is_asked_with_its_token_for_a_path_and_a_field(runtime: &Runtime) {
    let shelf = Shelf::of(&[("db#password", "hunter2"), ("db#user", "me"), ("a/b#password", "deep")]);
    let server = store(None, &shelf, vault);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("it is written");
    let source =
        json!({"from": "vault", "address": server.url(""), "mount": "kv", "tokenFile": file, "namespace": "team"});
    let asker = Asker::start(runtime, deployment(&json!({"sources": [source]})));
    assert_eq!((asker.value("db/password"), asker.value("db/user")), ("hunter2".to_owned(), "me".to_owned()));
    assert_eq!(asker.value("a/b/password"), "deep");
    for name in ["db/nothing", "nothing/password", "password"] {
        assert_eq!(asker.ask(name)["error"], "NotFound", "{name}");
    }
    assert!(server.asked().iter().all(|asked| asked.header("x-vault-namespace") == Some("team")));
    let before = server.asked().len();
    assert_eq!(asker.value("db/password"), "hunter2");
    assert_eq!(server.asked().len(), before, "it is at hand");
    // The settings come from the environment, with one field for all, and a token that is none.
    let fixed = json!({"from": "vault", "mount": "kv", "field": "password"});
    let of_environment = |token: &str| {
        let deployment = deployment(&json!({"sources": [fixed.clone()]}));
        deployment.env("VAULT_ADDR", &server.url("/")).env("VAULT_TOKEN", token)
    };
    assert_eq!(Asker::start(runtime, of_environment(TOKEN)).value("a/b"), "deep");
    let stranger = Asker::start(runtime, of_environment("hvs.wrong"));
    assert_eq!(stranger.ask("db")["error"], "Failed");
    said(&stranger.0.process, "it answers 403");
}

fn awss_extension_is_asked_with_the_sessions_token(runtime: &Runtime) {
    let shelf = Shelf::of(&[("shop/key", r#"{"id":"a","key":"k3y"}"#), ("/shop/table", "orders"), ("plain", "text")]);
    let server = store(None, &shelf, extension);
    let config = json!({"sources": [
        {"from": "aws-parameters", "path": "/shop/", "prefix": "ssm/"},
        {"from": "aws-secrets", "field": "key", "prefix": "field/"},
        {"from": "aws-secrets"},
    ]});
    let port = server.address.port().to_string();
    let deployment = deployment(&config).env("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", &port);
    let asker = Asker::start(runtime, deployment.env("AWS_SESSION_TOKEN", TOKEN));
    assert_eq!((asker.value("ssm/table"), asker.value("plain")), ("orders".to_owned(), "text".to_owned()));
    assert_eq!(asker.value("field/shop/key"), "k3y");
    for name in ["ssm/nothing", "nothing"] {
        assert_eq!(asker.ask(name)["error"], "NotFound", "{name}");
    }
    assert_eq!(asker.ask("field/plain")["error"], "Failed");
}

fn google_and_azure_are_asked_as_the_process_that_it_is(runtime: &Runtime) {
    // The server has both services and their sources of tokens. A token is good for one call, and then taken back.
    let server = Scripted::start(|_, mut link| {
        let (mut tokens, mut used) = (0, true);
        while let Some(asked) = link.request() {
            let path = asked.target.split('?').next().unwrap_or_default();
            let is_google = path.starts_with("/computeMetadata/") && asked.header("metadata-flavor") == Some("Google");
            let is_azure = asked.target == "/identity?resource=https%3A%2F%2Fvault.azure.net&api-version=2019-08-01"
                && asked.header("x-identity-header") == Some("h34der");
            if is_google || is_azure {
                (tokens, used) = (tokens + 1, false);
                let token = format!("{TOKEN}-{tokens}");
                link.reply(
                    200,
                    &json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}).to_string(),
                );
                continue;
            }
            let bearer = format!("Bearer {TOKEN}-{tokens}");
            if used || asked.header("authorization") != Some(&*bearer) {
                link.reply(401, "{}");
                continue;
            }
            used = true;
            match asked.target.as_str() {
                "/v1/projects/shop-1/secrets/key/versions/latest:access" => {
                    link.reply(200, r#"{"name":"x","payload":{"data":"azN5LW9mLWdvb2dsZQ==","dataCrc32c":"1"}}"#)
                }
                "/secrets/key?api-version=7.4" => link.reply(200, r#"{"value":"k3y-of-azure","id":"x"}"#),
                _ => link.reply(404, r#"{"error":{"code":404}}"#),
            };
        }
    });
    let google = json!({"from": "google-secrets", "endpoint": server.url(""), "project": "shop-1"});
    let azure = json!({"from": "azure-secrets", "vault": server.url("/")});
    for (source, value) in [(google, "k3y-of-google"), (azure, "k3y-of-azure")] {
        let deployment =
            deployment(&json!({"sources": [source]})).env("GCE_METADATA_HOST", &server.address.to_string());
        let identity = deployment.env("IDENTITY_ENDPOINT", &server.url("/identity")).env("IDENTITY_HEADER", "h34der");
        let asker = Asker::start(runtime, identity);
        assert_eq!(asker.value("key"), value);
        assert_eq!(asker.ask("other")["error"], "Failed", "the token was taken back");
        said(&asker.0.process, "it answers 401");
        let again = until("there is another token", &asker.0.process, || {
            (asker.ask("third")["error"] == "NotFound").then_some(())
        });
        again.unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(asker.ask("no.name")["error"], "NotFound");
        assert!(!asker.0.process.output().contains(TOKEN), "{}", asker.0.process.output());
    }
}

fn a_server_of_ones_own_is_asked_by_its_url(runtime: &Runtime) {
    let server = Scripted::start(|_, mut link| {
        while let Some(asked) = link.request() {
            match (asked.target.as_str(), asked.header("x-key")) {
                ("/v/a/b.json", Some("k3y")) => link.reply(200, r#"{"data":{"value":"deep","list":[1]}}"#),
                ("/v/broken.json", _) => link.reply(200, "no JSON"),
                ("/v/busy.json", _) => link.reply(503, "later"),
                _ => link.reply(404, ""),
            };
        }
    });
    let url = server.url("/v/{name}.json");
    let source = |more: &Value| {
        let mut source = json!({"from": "http", "url": url, "headers": {"X-Key": "k3y"}});
        source.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        source
    };
    let config = json!({"sources": [
        source(&json!({"prefix": "whole/"})), source(&json!({"prefix": "list/", "field": "data.list"})),
        source(&json!({"field": "data.value"})),
    ]});
    let asker = Asker::start(runtime, deployment(&config));
    assert_eq!((asker.value("a/b"), asker.value("list/a/b")), ("deep".to_owned(), "[1]".to_owned()));
    assert_eq!(asker.value("whole/a/b"), r#"{"data":{"value":"deep","list":[1]}}"#);
    assert_eq!(asker.ask("nothing")["error"], "NotFound");
    assert_eq!((&asker.ask("broken")["error"], &asker.ask("busy")["error"]), (&json!("Failed"), &json!("Failed")));
    said(&asker.0.process, "it answers 503");
}

fn the_first_source_that_has_a_name_counts(runtime: &Runtime) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, value) in [("one.json", r#"{"a":"first"}"#), ("two.json", r#"{"a":"second","b":"second"}"#)] {
        std::fs::write(folder.path().join(name), value).expect("it is written");
    }
    let source = |name: &str| json!({"from": "files", "path": folder.path().join(name)});
    let asker = Asker::start(runtime, deployment(&json!({"sources": [source("one.json"), source("two.json")]})));
    assert_eq!((asker.value("a"), asker.value("b")), ("first".to_owned(), "second".to_owned()));
}

fn vault_source(server: &Scripted) -> Value {
    json!({"from": "vault", "address": server.url(""), "mount": "kv", "token": TOKEN})
}

fn the_last_good_value_stands_in_for_a_store_that_is_killed_until_it_is_back(runtime: &Runtime) {
    let shelf = Shelf::of(&[("db#password", "old")]);
    let server = store(None, &shelf, vault);
    let config = json!({"sources": [vault_source(&server)], "ttl": 0});
    let asker = Asker::start(runtime, deployment(&config));
    assert_eq!(asker.value("db/password"), "old");
    server.kill();
    asker.fails("db/password");
    assert_eq!(asker.value("db/password"), "old");
    assert_eq!(asker.ask("db/user")["error"], "Failed", "what was never known is not known");
    shelf.put("db#password", "new");
    let _again = store(Some(server.address), &shelf, vault);
    asker.becomes("db/password", "new");
}

fn a_store_that_is_paused_is_not_waited_for_longer_than_said(runtime: &Runtime) {
    let shelf = Shelf::of(&[("db#password", "old"), ("db#user", "me")]);
    let server = store(None, &shelf, vault);
    let config = json!({"sources": [vault_source(&server)], "ttl": 0, "timeout": "300ms"});
    let asker = Asker::start(runtime, deployment(&config));
    // A machine that is busy may need more than the time for the first one.
    asker.becomes("db/password", "old");
    shelf.kept().is_paused = true;
    assert_eq!(asker.ask("db/user")["error"], "Deadline");
    assert_eq!(asker.value("db/password"), "old", "and what is known is given at once");
    shelf.put("db#password", "new");
    shelf.kept().is_paused = false;
    server.release();
    asker.becomes("db/password", "new");
}

fn a_value_that_was_known_is_there_at_once_after_a_freeze(runtime: &Runtime) {
    let shelf = Shelf::of(&[("db#password", "old")]);
    let server = store(None, &shelf, vault);
    let config = json!({"sources": [vault_source(&server)], "ttl": 0});
    let asker = Asker::start(runtime, deployment(&config));
    assert_eq!(asker.value("db/password"), "old");
    asker.0.process.signal(Signal::Stop).expect("it is there");
    server.kill();
    shelf.put("db#password", "new");
    let _again = store(Some(server.address), &shelf, vault);
    asker.0.process.signal(Signal::Cont).expect("it is there");
    let first = asker.value("db/password");
    assert!(["old", "new"].contains(&&*first), "{first}");
    asker.becomes("db/password", "new");
    assert!(!asker.0.process.output().contains("cannot be read"), "{}", asker.0.process.output());
}

fn manifest(config: &Value) -> Deployment {
    let manifest = json!({
        "version": 1,
        "layers": ["http-client", {"name": "params", "config": config}],
        "functions": [{"name": "inspect", "config": {"word": "a ${secret:db/password}"}}],
    });
    Deployment::of("inspect").module("layer_http_client").module("layer_params").manifest(&manifest.to_string())
}

fn a_manifests_secrets_come_from_a_store_at_the_start(runtime: &Runtime) {
    let shelf = Shelf::of(&[("db#password", "hunter2-of-a-test")]);
    let server = store(None, &shelf, vault);
    let run = OnHttp::start(runtime, manifest(&json!({"sources": [vault_source(&server)]})), "");
    assert_eq!(Inspected::read(&run.get("/").body).0["word"], "a hunter2-of-a-test");
    assert!(!run.process.output().contains("hunter2"), "{}", run.process.output());
}

fn a_store_that_is_down_at_the_start_ends_it_with_the_name(runtime: &Runtime) {
    let shelf = Shelf::of(&[]);
    let server = store(None, &shelf, vault);
    let config = json!({"sources": [vault_source(&server)], "timeout": "2s"});
    let run = OnHttp::launch(runtime, manifest(&config), "");
    let line = said(&run.process, "Runtime.NoSecret");
    assert!(line.contains("there is no secret \"db/password\"") && line.contains("the service faas.params"), "{line}");
    server.kill();
    let run = OnHttp::launch(runtime, manifest(&config), "");
    said(&run.process, "a parameter cannot be read");
    said(&run.process, "Runtime.NoSecret");
}

fn without_somebody_who_sends_requests_a_line_says_what_to_do(runtime: &Runtime) {
    let config = json!({"sources": [{"from": "vault", "address": "http://vault.invalid", "token": TOKEN}]});
    let deployment = Deployment::of("outbound").layer("params").env("FAAS_LAYER_PARAMS", &config.to_string());
    let asker = Asker::start(runtime, deployment);
    assert_eq!(asker.ask("db/password")["error"], "Failed");
    said(&asker.0.process, "name http-client before params in FAAS_LAYERS");
}

fn no_value_and_no_token_is_shown(runtime: &Runtime) {
    let shelf = Shelf::of(&[("db#password", "hunter2-of-a-test")]);
    let server = store(None, &shelf, vault);
    let mut source = vault_source(&server);
    let deployment = deployment(&json!({"sources": [source.clone()], "ttl": 0}));
    let asker = Asker::start(runtime, deployment.env("FAAS_LOG", "trace").env("FAAS_DEBUG", "1"));
    assert_eq!(asker.value("db/password"), "hunter2-of-a-test");
    server.kill();
    asker.fails("db/password");
    asker.ask("db/user");
    assert_eq!(asker.0.stop().code(), Some(0));
    let output = asker.0.process.output();
    assert!(!output.contains("hunter2") && !output.contains(TOKEN), "{output}");
    // A mistake in the configuration shows no token either.
    source["address"] = json!("vault");
    let config = json!({"sources": [source]}).to_string();
    let deployment = Deployment::of("outbound").layer("params").env("FAAS_LAYER_PARAMS", &config);
    let run = OnHttp::launch(runtime, deployment, "outbound.param");
    said(&run.process, "sources[0].address: expected a URL");
    assert!(!run.process.output().contains(TOKEN), "{}", run.process.output());
}
