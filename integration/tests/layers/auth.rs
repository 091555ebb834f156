//! `layer-auth` through each platform's front. Tokens of other libraries, and forged ones: `foreign/tokens.rs`.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::command;
use integration::wait::{limit, until};
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

integration::both![
    who_is_known_is_let_in_and_functions_are_told_who_it_is,
    keys_in_a_file_are_taken_over_without_a_new_start,
    keys_of_a_server_are_asked_for_and_kept,
    it_cannot_be_marked_as_one_to_be_skipped,
];

/// A token made by Python's `hmac` of `{"alg":"HS256"}` and `{"iss":"own","sub":"ann","shop":7}`, with the secret
/// below.
const TOKEN: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJvd24iLCJzdWIiOiJhbm4iLCJzaG9wIjo3fQ.PPVrdAJVCf0AdRHf075giLda6qlwFHPMXUv1xb7W09A";

/// The key is `k-0123456789abcdef`, the password `machine-password`.
const CONFIG: &str = r#"{
    "jwt": {"issuers": [{"issuer": "own", "secrets": ["a secret of at least thirty-two bytes"], "requireExp": false}], "cookie": "session"},
    "apiKey": {"keys": [{"name": "ci", "sha256": "6b1ed3249bfeaf163cc86042729f1023caea2e1d2f3594407894563fdf054b42", "claims": {"shop": 3, "scope": "deploy"}}]},
    "basic": {"users": [{"name": "job", "password": "sha256:7cf5e3da899bc2c89e9309078fb626d09fcabee41c39805d7b2aef833ad6c04f"}]},
    "routes": [
        {"path": "/health", "access": "open"},
        {"methods": ["OPTIONS"], "path": "/*", "access": "open"},
        {"path": "/deploy/*", "scopes": ["deploy"]}
    ]
}"#;

fn guarded() -> Deployment {
    let log = r#"{"headers":["authorization","x-api-key","cookie"],"extensions":["user"]}"#;
    let deployment = Deployment::of("whoami").layer("log").layer("auth");
    deployment.env("FAAS_LAYER_AUTH", CONFIG).env("FAAS_LAYER_LOG", log)
}

fn who_is_known_is_let_in_and_functions_are_told_who_it_is(runtime: &Runtime) {
    let bearer = format!("Bearer {TOKEN}");
    let cookie = format!("session={TOKEN}");
    for platform in ALL {
        let front = Front::start(platform, runtime, guarded(), "whoami");
        let get = |target: &str, name: &str, value: &str| front.get(target, &[(name, value)]);
        for (name, value, text) in [
            ("Authorization", bearer.as_str(), "ann of 7, by jwt"),
            ("Cookie", &cookie, "ann of 7, by jwt"),
            ("X-Api-Key", "k-0123456789abcdef", "ci of 3, by apiKey"),
            ("Authorization", "Basic am9iOm1hY2hpbmUtcGFzc3dvcmQ=", "job of 0, by basic"),
        ] {
            let reply = get("/", name, value);
            assert_eq!((reply.status, reply.text().as_str()), (200, text), "{platform:?} {name}: {reply:?}");
        }
        front.said(&[r#""user":"ann""#, r#""authorization":"*****""#]);
        front.said(&[r#""user":"ci""#, r#""x-api-key":"*****""#]);
        for (name, value) in [
            ("X-Other", "x"),
            ("Authorization", &bearer[..bearer.len() - 9]),
            ("Authorization", "Basic am9iOng="),
            ("X-Api-Key", "k-0123456789abcdeg"),
            ("Cookie", "session=x"),
            // A request cannot send the value that a layer leaves for others.
            ("User", "ann"),
            ("Claims", r#"{"sub":"ann"}"#),
        ] {
            let reply = get("/", name, value);
            assert_eq!(
                (reply.status, reply.header("cache-control")),
                (401, Some("no-store")),
                "{platform:?} {name}: {reply:?}"
            );
            let challenge = reply.header("www-authenticate");
            assert!(
                challenge.is_some_and(|text| text.starts_with(r#"Bearer realm="faas""#)),
                "{platform:?}: {reply:?}"
            );
            assert!(reply.text().contains("\"errorType\":\"Auth."), "{platform:?}: {reply:?}");
        }
        assert_eq!(get("/health", "X-Other", "x").text(), "nobody", "{platform:?}");
        assert_eq!(front.call("OPTIONS", "/deploy/1", &[], b"").status, 200, "{platform:?}");
        assert_eq!(get("/deploy/1", "X-Api-Key", "k-0123456789abcdef").status, 200, "{platform:?}");
        let forbidden = get("/deploy/1", "Authorization", &bearer);
        let challenge = forbidden.header("www-authenticate");
        assert_eq!(
            (forbidden.status, challenge),
            (403, Some(r#"Bearer realm="faas", error="insufficient_scope", scope="deploy""#)),
            "{platform:?}: {forbidden:?}"
        );
        let output = front.output();
        let shown =
            [TOKEN, &TOKEN[..20], "k-0123456789abcdef", "am9iOm1h"].into_iter().find(|text| output.contains(text));
        assert_eq!(shown, None, "{platform:?}: what callers send is not in the log");
    }
}

/// The keys of Ed25519: one from RFC 8037, appendix A.2, and another one.
const KEYS: [&str; 2] = [
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2","x":"IREomokVVjog6mUuWbTDdvhEXivHXJHYu5GTemmv5N0"}]}"#,
];

/// A token signed by the second key: `{"alg":"EdDSA","kid":"2"}`, `{"sub":"ann"}`.
const OF_THE_SECOND: &str = "eyJhbGciOiAiRWREU0EiLCAia2lkIjogIjIifQ.eyJzdWIiOiAiYW5uIn0.8MZulTWzJImKasiFTJmQXfsGu90clpKl4bxsXf7MMS805Qzq9OI74W7HdZpoj50m2Aj9rBtDGvVrem-0UFn3Aw";

fn keys_in_a_file_are_taken_over_without_a_new_start(runtime: &Runtime) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    std::fs::write(&path, KEYS[0]).expect("written");
    let config = format!(r#"{{"jwt":{{"issuers":[{{"keysFile":{path:?},"requireExp":false}}]}}}}"#);
    let deployment = Deployment::of("whoami").layer("auth").env("FAAS_LAYER_AUTH", &config);
    let front = Front::start(Platform::Http, runtime, deployment, "whoami");
    let call = || front.get("/", &[("Authorization", &format!("Bearer {OF_THE_SECOND}"))]);
    assert_eq!(call().status, 401);
    std::fs::write(folder.path().join("new"), KEYS[1]).expect("written");
    std::fs::rename(folder.path().join("new"), &path).expect("moved");
    let taken = until("the new key is known", &front.process(), || (call().status == 200).then_some(()));
    taken.unwrap_or_else(|why| panic!("{why}"));
    std::fs::write(&path, "{").expect("written");
    let told = until("it is told", &front.process(), || {
        call();
        front.output().contains("keys.json: expected JSON").then_some(())
    });
    told.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(call().text(), "ann of 0, by jwt", "the former key is kept");
}

/// The status and body that each request is answered with.
type Told = Arc<Mutex<(u16, &'static str)>>;

fn key_server() -> (SocketAddr, Told) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    let told: Told = Arc::new(Mutex::new((500, "")));
    let answers = told.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let (status, body) = *answers.lock().expect("no test panics with it");
            let length = body.len();
            // The asker may be gone.
            let _ =
                write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        }
    });
    (address, told)
}

fn keys_of_a_server_are_asked_for_and_kept(runtime: &Runtime) {
    for platform in ALL {
        let (address, told) = key_server();
        let tell = |answer| *told.lock().expect("no test panics with it") = answer;
        let config = format!(
            r#"{{"jwt":{{"issuers":[{{"keysUrl":"http://{address}/keys","requireExp":false,"cooldown":"10ms"}}]}}}}"#
        );
        let deployment = Deployment::of("whoami").layer("http-client").layer("auth");
        let front = Front::start(platform, runtime, deployment.env("FAAS_LAYER_AUTH", &config), "whoami");
        let call = || front.get("/", &[("Authorization", &format!("Bearer {OF_THE_SECOND}"))]);
        let becomes = |status: u16, why: &str| {
            let seen = until(why, &front.process(), || (call().status == status).then_some(()));
            seen.unwrap_or_else(|late| panic!("{platform:?}: {late}: {:?}", call()));
        };
        let away = call();
        assert_eq!((away.status, away.header("retry-after")), (503, Some("5")), "{platform:?}: {away:?}");
        tell((200, KEYS[0]));
        becomes(401, "the keys are there, and this is none of them");
        tell((200, KEYS[1]));
        becomes(200, "the new key was asked for");
        tell((500, ""));
        assert_eq!(call().text(), "ann of 0, by jwt", "{platform:?}: they are kept");
        assert_eq!(front.get("/", &[]).status, 401, "{platform:?}");
    }
}

fn it_cannot_be_marked_as_one_to_be_skipped(runtime: &Runtime) {
    let deployment = Deployment::of("whoami").module("layer_auth").layers(&["auth?"]).env("FAAS_LAYER_AUTH", CONFIG);
    let process = Process::spawn(command(runtime, &deployment, "whoami", free_port()), |_| ()).expect("it starts");
    let line = process.wait_for_line(|line| line.contains("which that layer does not allow"), limit());
    let line = line.unwrap_or_else(|late| panic!("{late}; output:\n{}", process.output()));
    assert!(line.contains("write auth instead of auth?"), "{line}");
    assert!(!process.wait(limit()).expect("it ends").success());
}
