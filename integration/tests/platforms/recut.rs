//! The shop cut another way by its yml alone: packaged as one deployment, as one for each function, and as one again.
//! Every package is unpacked into an empty folder and started with a clean environment under the emulator of its
//! platform: one that hands out events, one that sends requests, and Azure, which does both by requests.

use crate::aliyun_fc::run::OnFc;
use crate::azure_functions::run::OnAzure;
use crate::packaged::{files, package_as, unpacked};
use crate::{aliyun_fc, aws_lambda};
use integration::artifacts::{Runtime, workspace};
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use platform_emulators::aliyun_fc::Request;
use platform_emulators::{aliyun_fc as fc, aws_lambda as lambda, azure_functions};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A deployment of the shop on its platform.
trait Shop {
    /// Sends a request of Ada's, and returns status and body.
    fn request(&mut self, method: &str, path: &str, body: &str) -> (u16, String);

    /// Sends the event of the night's timer, and returns the report.
    fn night(&mut self) -> String;

    /// Delivers three pieces by the queue.
    fn delivery(&mut self) -> String;
}

const TYPE: (&str, &str) = ("Content-Type", "application/json");
const CUSTOMER: (&str, &str) = ("X-Customer", "ada");
const DELIVERY: &str = r#"{"pieces":3}"#;

impl Shop for OnAws {
    fn request(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        let event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "",
            "headers": {"content-type": TYPE.1, "x-customer": CUSTOMER.1},
            "requestContext": {"stage": "$default", "http": {"method": method, "path": path}},
            "body": body, "isBase64Encoded": false,
        });
        let reply: Value = serde_json::from_slice(&self.call(event.to_string().as_str()).body).expect("JSON");
        let status = reply["statusCode"].as_u64().and_then(|status| status.try_into().ok()).expect("a status");
        (status, reply["body"].as_str().expect("a body").to_owned())
    }

    fn night(&mut self) -> String {
        self.call(aws_lambda::matrix::SEVERAL.events[0].1).text()
    }

    fn delivery(&mut self) -> String {
        let message = json!({"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:r:1:deliveries", "messageId": "m", "body": DELIVERY});
        self.call(json!({"Records": [message]}).to_string().as_str()).text()
    }
}

impl Shop for OnFc {
    fn request(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        let request = Request::new(method, path).header(TYPE.0, TYPE.1).header(CUSTOMER.0, CUSTOMER.1).body(body);
        let response = self.fc.request(&request);
        (response.status, response.text())
    }

    fn night(&mut self) -> String {
        self.call(aliyun_fc::matrix::SEVERAL.events[0].1).text()
    }

    /// Sends a message of a queue as EventBridge does, in a batch.
    fn delivery(&mut self) -> String {
        let message = json!({
            "specversion": "1.0", "id": "1", "source": "MNS-Function-deliver", "type": "mns:Queue:SendMessage",
            "subject": "acs:mns:cn-hangzhou:1:queues/deliveries",
            "data": {"requestId": "r", "messageId": "m", "messageBody": DELIVERY},
        });
        self.call(json!([message]).to_string().as_str()).text()
    }
}

impl Shop for OnAzure {
    fn request(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        let request = azure_functions::Request::new(method, path, &[TYPE, CUSTOMER], body);
        let reply = self.done(&azure_functions::Call::http("api", request)).reply.expect("a reply");
        (reply.status, reply.text())
    }

    fn night(&mut self) -> String {
        self.done(&azure_functions::Call::timer("report")).raw["ReturnValue"].to_string()
    }

    fn delivery(&mut self) -> String {
        self.done(&azure_functions::Call::queue("deliver", DELIVERY)).raw["ReturnValue"].to_string()
    }
}

type Start = fn(&Runtime, Deployment) -> Box<dyn Shop>;

const PLATFORMS: [(&str, Start); 3] = [
    ("aws-lambda", |runtime, deployment| {
        Box::new(OnAws::launch(runtime, deployment, "", lambda::Options::default()).polling())
    }),
    ("aliyun-fc", |runtime, deployment| Box::new(OnFc::named(runtime, deployment, "", fc::Options::default()))),
    ("azure-functions", |runtime, deployment| {
        Box::new(OnAzure::start(runtime, deployment, "", azure_functions::Mode::Envelope))
    }),
];

/// Reads the yml of the example, and that without its last part, which combines the functions.
fn ymls() -> (String, String) {
    let together = std::fs::read_to_string(workspace().join("integration/examples/shop/serverless.yml"));
    let together = together.expect("the example has one");
    let (apart, _) = together.split_once("\naggregation:\n").expect("it combines");
    let apart = format!("{apart}\n");
    (together, apart)
}

/// Returns the packages of a folder `dist/<platform>`, unpacked, by their names.
fn all_unpacked(packages: &Path, names: &[&str]) -> Vec<Deployment> {
    names.iter().map(|name| unpacked(packages, name)).collect()
}

/// Returns every file of a package that the yml does not determine.
fn programs(deployment: &Deployment) -> Vec<(PathBuf, Vec<u8>)> {
    let all = files(deployment.root()).into_iter();
    all.filter(|(path, _)| !path.ends_with("faas.json")).map(|(path, (_, bytes))| (path, bytes)).collect()
}

/// Starts deployments, and asks the one that has it for each function's answers. These are answers that no other
/// function has changed before, so that it does not matter which others are in the process.
fn answers(start: Start, units: Vec<(&[&str], Deployment)>) -> Vec<(u16, Value)> {
    let mut running: Vec<(&[&str], Box<dyn Shop>)> = Vec::new();
    for (functions, deployment) in units {
        let runtime = Runtime { name: "bootstrap", path: deployment.path("bootstrap") };
        running.push((functions, start(&runtime, deployment)));
    }
    let mut of = |function: &str| -> usize {
        running.iter().position(|(functions, _)| functions.contains(&function)).expect("somebody has it")
    };
    let places = ["report", "order", "buy", "deliver"].map(&mut of);
    let [report, order, buy, deliver] = places;
    let mut replies = vec![(200, running[report].1.night())];
    replies.push(running[report].1.request("GET", "/report", ""));
    replies.push(running[order].1.request("GET", "/orders/0", ""));
    replies.push(running[buy].1.request("POST", "/orders", r#"{"pieces":0}"#));
    replies.push(running[buy].1.request("POST", "/orders", r#"{"pieces":2}"#));
    replies.push((200, running[deliver].1.delivery()));
    let told = |(status, body): (u16, String)| {
        let mut body: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        // Each request has its own.
        body.as_object_mut().map(|members| members.remove("requestId"));
        (status, body)
    };
    replies.into_iter().map(told).collect()
}

#[test]
fn the_shop_is_cut_and_combined_by_its_yml_with_the_same_libraries_and_the_same_answers() {
    const FUNCTIONS: [&str; 4] = ["report", "buy", "order", "deliver"];
    let (together, apart) = ymls();
    let libraries = ["shop", "layer_monitor", "layer_cors"];
    for (platform, start) in PLATFORMS {
        let packages = |yml: &str| package_as(yml, platform, &libraries);
        let place = |folder: &Path| folder.join("dist").join(platform);
        let (one, four, again) = (packages(&together), packages(&apart), packages(&together));
        let (first, last) = (files(&place(one.path())), files(&place(again.path())));
        assert_eq!(first.len(), 3, "a package, its bill and the digests: {:?}", first.keys());
        assert!(first == last, "{platform}: combined again it is the same package");

        let whole = unpacked(&place(one.path()), "shop");
        let parts = all_unpacked(&place(four.path()), &FUNCTIONS);
        for (function, part) in FUNCTIONS.iter().zip(&parts) {
            assert!(programs(part) == programs(&whole), "{platform}: {function} has other programs");
        }
        let combined = answers(start, vec![(&FUNCTIONS, whole)]);
        let cut = FUNCTIONS.chunks(1).zip(parts).collect();
        assert_eq!(answers(start, cut), combined, "{platform}");
        let statuses: Vec<u16> = combined.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses[..5], [200, 200, 404, 400, 201], "{platform}: {combined:?}");
        let report = json!({"shop": "tea", "orders": 0, "left": 5});
        assert_eq!((&combined[0].1, &combined[1].1), (&report, &report), "{platform}");
        assert!(combined[5].1["errorType"].is_null(), "{platform}: {combined:?}");
        assert_eq!(combined[4].1, json!({"id": 0, "shop": "tea", "customer": "ada", "pieces": 2}), "{platform}");
    }
}
