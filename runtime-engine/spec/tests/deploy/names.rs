//! Names on each platform: what is too long or odd is made fit, and two things never become one without a word.

use super::*;

#[test]
fn triggers_and_functions_of_yandex_whose_names_are_too_long_stay_apart() {
    let text = "service: ecommerce-platform\nprovider: {stage: production}\nfunctions:\n  inventory-synchronisation:\n    \
                events:\n      - timer: {name: nightly-full-reconciliation, cron: 0 2 * * *}\n      \
                - timer: {name: nightly-full-cleanup, cron: 0 3 * * *}\n  \
                inventory-synchronisation-of-suppliers: {events: [{http: true}]}\n  \
                inventory-synchronisation-of-customers: {events: [{http: true}]}\n";
    let (read, made) = templates(text, "yandex");
    assert!(made.diagnostics.is_empty(), "{}", said(&read, &made));
    let script = file(&made, "deploy.sh");
    for call in ["trigger create timer --name ", "function create --name "] {
        let mut names: Vec<&str> =
            script.split(call).skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
        assert!(names.len() >= 2 && names.iter().all(|name| name.len() <= 63), "{names:?}");
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
    }
}

#[test]
fn every_function_is_in_the_template_beside_what_else_has_its_name() {
    let text = "service: shop\nfunctions:\n  http-api: {events: [{http: {path: /a}}]}\n  \
                domain: {events: [{http: {path: /b}}]}\n  \
                pics-bucket: {events: [{http: {path: /c}}]}\n  \
                look: {events: [{oss: {bucket: pics}}, {oss: {bucket: my.pics, name: others}}]}\n  \
                my-look: {events: [{oss: {bucket: pics}}, {oss: {bucket: my-pics, name: mine}}]}\n  \
                kafka-cluster-arn: {events: [{kafka: {topic: orders}}, {kafka: {topic: more, name: more}}]}\n";
    let (read, made) = templates(text, "aws-lambda");
    assert!(made.diagnostics.is_empty(), "{}", said(&read, &made));
    let template = file(&made, "template.yaml");
    assert_eq!(
        keys(&template, "Resources"),
        [
            "HttpApi",
            "Domain",
            "PicsBucket",
            "ownPicsBucket",
            "MyPicsBucket",
            "Look",
            "ownMyPicsBucket",
            "MyLook",
            "KafkaClusterArn",
            "ownHttpApi"
        ]
    );
    assert_eq!(keys(&template, "Parameters"), ["ownKafkaClusterArn"]);
    assert_eq!(template.matches("ApiId: !Ref ownHttpApi\n").count(), 3, "{template}");
    assert_eq!(template.matches("Bucket: !Ref ownPicsBucket\n").count(), 2, "{template}");
    assert!(template.contains("https://${ownHttpApi}.execute-api"), "{template}");
    let (read, made) = templates(text, "aliyun-fc");
    assert!(made.diagnostics.is_empty(), "{}", said(&read, &made));
    let yaml = file(&made, "s.yaml");
    assert_eq!(
        keys(&yaml, "resources"),
        ["http_api", "domain", "pics_bucket", "look", "my_look", "kafka_cluster_arn", "domain_2"]
    );
}

#[test]
fn what_sam_makes_for_one_event_is_called_otherwise_than_for_another_one() {
    let text = "service: shop\nfunctions:\n  order: {events: [{timer: {name: item-nightly, every: 24h}}]}\n  \
                order-item: {events: [{timer: {name: nightly, every: 24h}}]}\n  \
                work: {events: [{timer: {name: role, every: 24h}}]}\n";
    let (read, made) = templates(text, "aws-lambda");
    assert!(made.diagnostics.is_empty(), "{}", said(&read, &made));
    // SAM joins the ids of function and event, and leaves out a rule whose id is taken.
    let template = file(&made, "template.yaml");
    for event in ["ItemNightly", "Nightly2", "Role2"] {
        assert!(template.contains(&format!("        {event}:\n          Type: Schedule\n")), "{event}: {template}");
    }
}

#[test]
fn names_that_would_take_anothers_place_in_a_template_are_errors() {
    for (platform, rest, message) in [
        ("aws-lambda", "functions: {a-b: {}, a_b: {}}", "`a_b` is called like another one in a template of AWS, `AB`"),
        ("aws-lambda", "functions: {_: {}}", "`_` has no letters and digits"),
        ("aws-lambda", "functions: {order: {}, order-role: {}}", "this is called `OrderRole` in a template of AWS"),
        (
            "aws-lambda",
            "functions: {order: {events: [{http: true}]}, order-url: {}}",
            "this is called `OrderUrl` in a template of AWS",
        ),
        (
            "aws-lambda",
            "functions: {order: {}}\nresources: {Resources: {Order: {Type: 'AWS::SQS::Queue'}}}",
            "`Order` is what a function is called in a template of AWS",
        ),
        ("aliyun-fc", "functions: {a-b: {}, a_b: {}}", "`a_b` is called like another one in s.yaml, `a_b`"),
        (
            "aliyun-fc",
            "functions: {order: {}}\nresources: {order: {component: oss}}",
            "`order` is what a function is called in s.yaml",
        ),
        (
            "aliyun-fc",
            "functions: {order: {events: [{http: true}, {timer: {name: http, every: 5m}}]}}",
            "two triggers of `order` are called `http` on Function Compute",
        ),
    ] {
        let (read, made) = templates(&format!("service: shop\n{rest}\n"), platform);
        let said = said(&read, &made);
        assert!(made.files.is_empty() && said.contains(message), "{platform}: {rest}: {said}");
    }
}

#[test]
fn what_is_too_long_or_odd_for_aws_is_made_fit() {
    let text = "service: 1st.shop_x\nprovider: {stage: production}\n\
                functions: {inventory-synchronisation-of-warehouses-created: {events: [{http: true}]}}\n";
    let (_, made) = templates(text, "aws-lambda");
    let template = file(&made, "template.yaml");
    let name = template.lines().find_map(|line| line.trim().strip_prefix("FunctionName: ")).expect("it has a name");
    let name = name.trim_matches('\'');
    assert!(name.len() == 64 && name.starts_with("1st-shop_x-production-inventory-"), "{name}");
    let deploy = file(&made, "deploy.sh");
    assert!(deploy.contains(" --stack-name f1st-shop-x-production "), "{deploy}");
    let timer =
        format!("service: s\nfunctions: {{f: {{events: [{{timer: {{name: {}, every: 5m}}}}]}}}}", "n".repeat(65));
    let (read, made) = templates(&timer, "aws-lambda");
    assert!(said(&read, &made).contains("the name of a timer on AWS has at most 64 characters"));
}

#[test]
fn two_events_whose_names_become_one_are_an_error() {
    let timers = |one: &str, other: &str| {
        format!(
            "service: shop\nfunctions:\n  order: {{events: [{{timer: {{name: {one}, cron: 0 2 * * *}}}}]}}\n  \
             order-report: {{events: [{{timer: {{name: {other}, cron: 0 3 * * *}}}}]}}\n"
        )
    };
    for platform in ["azure-container-apps", "google-cloud", "knative", "kubernetes", "openwhisk", "yandex"] {
        let (read, made) = templates(&timers("report-night", "night"), platform);
        assert!(made.files.is_empty(), "{platform}");
        let said = said(&read, &made);
        assert!(said.contains("is called `shop-dev-order-report-night`"), "{platform}: {said}");
        assert!(!templates(&timers("night", "night"), platform).1.files.is_empty(), "{platform}");
    }
    // A rule on AWS is called as its timer is.
    let (read, made) = templates(&timers("night", "night"), "aws-lambda");
    assert!(made.files.is_empty() && said(&read, &made).contains("two timers on AWS are called `night`"));
}

#[test]
fn a_role_of_the_yml_may_be_called_as_sam_calls_one_that_it_does_not_make() {
    let laid_over = "service: shop\nfunctions: {order: {events: [{http: {path: /a}}]}}\nresources:\n  Resources:\n    \
                     Order: {Type: 'AWS::Serverless::Function', Properties: {Role: some}}\n    \
                     OrderRole: {Type: 'AWS::IAM::Role'}\n";
    let (read, made) = templates(laid_over, "aws-lambda");
    assert!(!made.files.is_empty(), "{}", said(&read, &made));
}

#[test]
fn what_becomes_one_name_is_numbered_apart() {
    let timers = ["timer: {name: a_b, cron: 0 30 2 * * *}", "timer: {name: a-b, cron: 0 30 3 * * *}"];
    let routes = ["http: {path: /a/b, method: get}", "http: {path: /a-b, method: get}"];
    let streams = ["kafka: {name: of_orders, topic: one}", "kafka: {name: of-orders, topic: other}"];
    for (platform, [one, other], path, expected) in [
        ("huawei-functiongraph", timers, "order/trigger-a-b.json", "\"name\": \"a_b\""),
        ("huawei-functiongraph", timers, "order/trigger-a-b-2.json", "\"name\": \"a-b\""),
        ("huawei-functiongraph", timers, "deploy.sh", "order/trigger-a-b-2.json"),
        ("huawei-functiongraph", routes, "order/trigger-order-get-a-b.json", "\"path\": \"/a/b\""),
        ("huawei-functiongraph", routes, "order/trigger-order-get-a-b-2.json", "\"path\": \"/a-b\""),
        ("huawei-functiongraph", routes, "order/trigger-order-get-a-b-2.json", "\"name\": \"order_get_a_b_2\""),
        ("vefaas", streams, "order/kafka-of_orders.json", "\"TopicName\": \"one\""),
        ("vefaas", streams, "order/kafka-of_orders_2.json", "\"TopicName\": \"other\""),
    ] {
        let text = format!("service: shop\nfunctions:\n  order:\n    events:\n      - {one}\n      - {other}\n");
        let found = file(&templates(&text, platform).1, path);
        assert!(found.contains(expected), "{platform}, {path}: {found}");
    }
}

/// Returns the triggers of a service of Fn with one function that has these routes, each as its name and path.
fn triggers_of_fn(paths: &[&str]) -> Vec<(String, String)> {
    let events: String = paths.iter().map(|path| format!("      - http: {{path: '{path}'}}\n")).collect();
    let text = format!("service: shop\nfunctions:\n  order:\n    events:\n{events}");
    let (read, made) = templates(&text, "fn");
    assert!(made.diagnostics.is_empty(), "{}", said(&read, &made));
    let script = file(&made, "deploy.sh");
    let of_function = file(&made, "order/func.yaml");
    let created = script.split("fn create trigger shop-dev shop-dev-order ").skip(1);
    let created = created.filter_map(|rest| rest.lines().next()?.split_once(" --type http --source "));
    let all: Vec<(String, String)> = created.map(|(name, path)| (name.to_owned(), path.to_owned())).collect();
    for (name, path) in &all {
        let is_there = format!("fn list triggers shop-dev shop-dev-order 2>/dev/null | path={path} awk ");
        assert!(script.contains(&is_there), "what is there for a path stays, whatever its name: {script}");
        assert!(of_function.contains(&format!("name: {name}\n    type: http\n    source: {path}\n")), "{of_function}");
    }
    all
}

#[test]
fn a_trigger_of_fn_is_called_by_its_path_whatever_stands_before_it() {
    let paths = ["/a/b", "/a-b", "/A/b", "/", "/a_b"];
    let mut alone: Vec<_> = paths.iter().flat_map(|path| triggers_of_fn(&[path])).collect();
    assert_eq!(triggers_of_fn(&paths), alone);
    alone.reverse();
    let turned: Vec<&str> = paths.into_iter().rev().collect();
    assert_eq!(triggers_of_fn(&turned), alone);
    let mut names: Vec<&str> = alone.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() == paths.len() && names.contains(&"order-a-b") && names.contains(&"order"), "{names:?}");
}

#[test]
fn two_triggers_of_fn_with_one_name_are_an_error() {
    // A path may spell out what another one's digest is.
    let [(name, _)] = &triggers_of_fn(&["/a-b"])[..] else { panic!("there is one trigger") };
    let spelt = format!("/{}", name.trim_start_matches("order-").replace('-', "/"));
    let text = format!(
        "service: shop\nfunctions:\n  order: {{events: [{{http: {{path: /a-b}}}}, {{http: {{path: {spelt}}}}}]}}\n"
    );
    let (read, made) = templates(&text, "fn");
    let said = said(&read, &made);
    let message = format!("the triggers of `/a-b` and `{spelt}` on Fn are both called `{name}`");
    assert!(made.files.is_empty() && made.diagnostics.len() == 1 && said.contains(&message), "{said}");
}

#[test]
fn events_that_are_called_by_their_order_are_said_where_the_platform_knows_them_by_name() {
    let with = |events: &[&str]| {
        let events: String = events.iter().map(|event| format!("      - topic: {{{event}}}\n")).collect();
        format!("service: shop\nfunctions:\n  order:\n    events:\n{events}")
    };
    let texts = |made: &Templates| made.files.iter().map(|file| file.text.clone()).collect::<String>();
    let unnamed = with(&["source: one", "source: other"]);
    // These are the names that the warning says.
    let named = ["source: one, name: order-topic", "source: other, name: order-topic-2"];
    for platform in ["aws-lambda", "google-cloud", "aliyun-fc"] {
        let (read, made) = templates(&unnamed, platform);
        let found = said(&read, &made);
        let message = "have their names by their order in the yml: `order-topic`, `order-topic-2`";
        assert!(made.diagnostics.len() == 1 && found.contains(message), "{platform}: {found}");
        assert!(found.contains("serverless.yml:6:"), "{platform}: {found}");
        let (read, kept) = templates(&with(&named), platform);
        assert!(kept.diagnostics.is_empty(), "{platform}: {}", said(&read, &kept));
        assert_eq!(texts(&made), texts(&kept), "{platform}");
        // One more before them has none of their names.
        let (_, more) = templates(&with(&["source: new", named[0], named[1]]), platform);
        let (kept, more) = (texts(&kept), texts(&more));
        match platform {
            "google-cloud" => {
                for of_one in kept.split("gcloud eventarc ").filter(|call| call.contains("--transport-topic")) {
                    assert!(more.contains(of_one), "{of_one} is not in {more}");
                }
            }
            "aws-lambda" => {
                let start = kept.find("        OrderTopic:\n").expect("there is the first");
                let events = kept[start..].split("\n === ").next().expect("there is a first part");
                let events: String =
                    events.lines().take_while(|line| line.starts_with("      ")).collect::<Vec<_>>().join("\n");
                assert!(events.contains("OrderTopic2:") && more.contains(&events), "{events}\nis not in\n{more}");
            }
            _ => {}
        }
    }
    let (read, made) = templates(&unnamed, "yandex");
    assert!(!said(&read, &made).contains("by their order"), "each trigger is made anew there");
}

#[test]
fn routes_of_two_functions_are_two_at_the_gateway_of_functiongraph() {
    let text = "service: shop\nfunctions:\n  a: {events: [{http: {path: /get/x, method: get}}]}\n  \
                a-get: {events: [{http: {path: /x, method: get}}]}\n";
    let (_, made) = templates(text, "huawei-functiongraph");
    assert!(file(&made, "a/trigger-a-get-get-x.json").contains("\"name\": \"a_get_get_x\""));
    assert!(file(&made, "a-get/trigger-a-get-get-x-2.json").contains("\"name\": \"a_get_get_x_2\""));
}

#[test]
fn two_instances_of_one_name_on_scf_are_an_error() {
    let text = "service: shop\nfunctions:\n  a.b: {name: one, events: [{http: {path: /a}}]}\n  \
                a-b: {name: other, events: [{http: {path: /b}}]}\n";
    let (read, made) = templates(text, "tencent-scf");
    assert!(made.files.is_empty());
    let said = said(&read, &made);
    assert!(said.contains("`a-b` is called like another one in its serverless.yml, `a-b`"), "{said}");
}

#[test]
fn two_jobs_of_cloud_scheduler_with_one_long_name_are_an_error() {
    let long = "n".repeat(60);
    let text = format!(
        "service: shop\nfunctions:\n  order:\n    events:\n      - timer: {{name: {long}_a, cron: 0 30 2 * * *}}\n      \
         - timer: {{name: {long}-a, cron: 0 30 3 * * *}}\n"
    );
    let (read, made) = templates(&text, "google-cloud");
    assert!(made.files.is_empty());
    let said = said(&read, &made);
    assert!(said.contains(&format!("is called `shop-dev-order-{long}-a`")), "{said}");
}

#[test]
fn two_secrets_of_one_name_are_an_error() {
    let of_one = "service: shop\nfunctions:\n  order:\n    \
                  environment: {ONE: '${secret:db-password}', OTHER: '${secret:db_password}'}\n    \
                  events: [{http: true}]\n";
    let of_two = |other: &str| {
        format!(
            "service: shop\nfunctions:\n  \
             a: {{environment: {{ONE: '${{secret:db-password}}'}}, events: [{{http: {{path: /a}}}}]}}\n  \
             b: {{environment: {{ONE: '${{secret:{other}}}'}}, events: [{{http: {{path: /b}}}}]}}\n"
        )
    };
    for platform in serverless_spec::platform_names() {
        let (read, made) = templates(of_one, platform);
        assert!(made.files.is_empty(), "{platform}");
        let said_of_one = said(&read, &made);
        assert!(said_of_one.contains("`db-password` and `db_password` are both `DB_PASSWORD`"), "{said_of_one}");
        // Secrets Manager takes each name as it is, and Lockbox has a key of its own for what is behind a slash.
        let apart_on: [(&str, &[&str]); 2] =
            [("db_password", &["aws-lambda"]), ("db/password", &["aws-lambda", "yandex"])];
        for (other, apart_on) in apart_on {
            let (read, made) = templates(&of_two(other), platform);
            let is_error = !apart_on.contains(&platform);
            let said = said(&read, &made);
            let message = format!("the secrets `db-password` and `{other}` are both ");
            assert_eq!(said.contains(&message), is_error, "{platform}: {said}");
            assert_eq!(made.files.is_empty(), is_error, "{platform}: {said}");
        }
    }
}

#[test]
fn two_images_of_one_name_are_an_error() {
    let text = "service: shop\nfunctions:\n  Order: {events: [{http: {path: /a}}]}\n  \
                order: {events: [{http: {path: /b}}]}\n";
    let images = format!("{text}provider: {{runtime: custom-container}}\n");
    for (platform, text, is_error) in
        [("openwhisk", text, true), ("aliyun-fc", images.as_str(), true), ("aliyun-fc", text, false)]
    {
        let (read, made) = templates(text, platform);
        let said = said(&read, &made);
        let name = "the images of two deployments are called `registry.example/shop-dev-order:1`";
        assert_eq!(said.contains(name), is_error, "{platform}: {said}");
        assert_eq!(made.files.is_empty(), is_error, "{platform}: {said}");
    }
}

#[test]
fn two_deployments_of_one_name_are_an_error() {
    let text =
        "service: shop\nfunctions:\n  a_b: {events: [{http: {path: /a}}]}\n  a-b: {events: [{http: {path: /b}}]}\n";
    let (read, made) = templates(text, "knative");
    assert!(made.files.is_empty());
    assert!(said(&read, &made).contains("two deployments are called `shop-dev-a-b` on Knative"));
}

#[test]
fn timers_of_two_services_or_stages_do_not_meet() {
    let yml = "service: shop\nprovider: {stage: prod}\nfunctions:\n  order:\n    handler: shop.order\n    events:\n      \
               - timer: {name: nightly, cron: 0 30 2 * * *}\n";
    for (platform, file_name, bare) in [
        ("azure-container-apps", "deploy.sh", "--name order-nightly "),
        ("google-cloud", "deploy.sh", " nightly "),
        ("knative", "order/service.yaml", "name: nightly\n"),
        ("kubernetes", "order/deployment.yaml", "name: nightly\n"),
        ("yandex", "deploy.sh", "--name nightly "),
        ("openwhisk", "manifest.yaml", " nightly:"),
    ] {
        let text = file(&templates(yml, platform).1, file_name);
        assert!(text.contains("shop-prod-order-nightly") && !text.contains(bare), "{platform}: {text}");
    }
}
