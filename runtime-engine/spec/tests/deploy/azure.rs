//! Azure Functions and Azure Container Apps: apps, folders, jobs, and how blobs reach a function.

use super::*;

#[test]
fn a_name_of_an_app_on_azure_that_is_too_long_ends_with_a_digest() {
    let text = "service: ecommerce-platform\nprovider: {stage: production}\nfunctions:\n  \
                inventory-synchronisation: {events: [{timer: {name: nightly, cron: 0 2 * * *}}]}\n  \
                inventory-report: {events: [{http: {path: /report}}]}\n  \
                cart__items: {name: cart__items, events: [{http: {path: /items}}]}\n";
    for (platform, create) in
        [("azure-container-apps", "az containerapp create "), ("azure-functions", "az functionapp create ")]
    {
        let (read, made) = templates(text, platform);
        assert!(!made.files.is_empty(), "{platform}: {}", said(&read, &made));
        let script = file(&made, "deploy.sh");
        let lines = script.lines().filter(|line| line.contains(create) || line.contains(" job create "));
        let names = lines.filter_map(|line| line.split("--name ").nth(1)?.split(' ').next());
        let names: std::collections::BTreeSet<&str> = names.collect();
        assert_eq!(names.len(), if platform == "azure-functions" { 3 } else { 4 }, "{platform}: {names:?}");
        assert!(names.iter().all(|name| name.len() <= 32 && !name.contains("--")), "{platform}: {names:?}");
    }
}

#[test]
fn a_job_of_container_apps_is_put_as_a_file_and_none_is_deleted() {
    let yml = "service: shop\nfunctions:\n  order:\n    handler: shop.order\n    events:\n      \
               - timer: {name: nightly, cron: 0 30 2 * * *, payload: {full: true}}\n";
    let (_, made) = templates(yml, "azure-container-apps");
    let script = file(&made, "deploy.sh");
    assert!(script.contains("--name shop-dev-order-nightly --yaml order/shop-dev-order-nightly.yaml"), "{script}");
    // az takes no argument of a job that begins with a dash.
    assert!(!script.contains("--args") && !script.contains("delete"), "{script}");
    let job = file(&made, "order/shop-dev-order-nightly.yaml");
    for part in [
        "    triggerType: Schedule\n    scheduleTriggerConfig:\n      cronExpression: '30 2 * * *'\n",
        "        command:\n          - curl\n        args:\n          - '--fail'\n",
        "          - 'X-CloudScheduler-JobName: nightly'\n",
        "          - '{\"full\":true}'\n          - http://shop-dev-order\n",
    ] {
        assert!(job.contains(part), "{part} is not in {job}");
    }
}

#[test]
fn a_time_zone_is_refused_where_the_plan_of_azure_has_none() {
    let text = "service: shop\nfunctions:\n  order:\n    events:\n      \
                - timer: {cron: 0 2 * * *, timezone: Europe/Berlin}\n";
    let read = read_for(text, "azure-functions");
    let said: String = read.diagnostics.iter().map(|diagnostic| render(diagnostic, &read.sources, false)).collect();
    assert!(read.spec.is_none() && said.contains("serverless.yml:5:"), "{said}");
    assert!(said.contains("a plan of Flex Consumption has no time zones for timers"), "{said}");
    let (_, made) = templates(&text.replace("Europe/Berlin", "UTC"), "azure-functions");
    assert!(!file(&made, "deploy.sh").contains("WEBSITE_TIME_ZONE"));
    // Every five minutes is the same in all zones.
    let (read, made) = templates(&text.replace("0 2 * * *", "'*/5 * * * *'"), "azure-functions");
    assert!(made.diagnostics.is_empty(), "{}", self::said(&read, &made));
    assert!(file(&made, "order/order/function.json").contains("\"0 */5 * * * *\""));
}

#[test]
fn folders_of_azure_stand_in_the_order_in_which_the_router_tries_their_routes() {
    let together = format!("{ROUTES}aggregation: {{all: {{functionsPattern: '*'}}}}\n");
    let (_, made) = templates(&together, "azure-functions");
    let mut folders: Vec<&str> =
        made.files.iter().filter_map(|file| file.path.strip_prefix("all/")?.strip_suffix("/function.json")).collect();
    folders.sort_unstable();
    assert_eq!(folders, ["http-1-list", "http-2-deep", "http-3-api", "http-4-root"]);
}

/// Returns the folders of an app of Azure that are functions, in the order in which they are written.
fn functions_of_azure(made: &Templates, unit: &str) -> Vec<String> {
    let paths = made.files.iter().map(|file| file.path.as_str());
    let names = paths.filter_map(|path| path.strip_prefix(unit)?.strip_prefix('/')?.strip_suffix("/function.json"));
    names.map(str::to_owned).collect()
}

#[test]
fn a_folder_of_azure_is_called_as_the_host_takes_it_and_never_like_another_function() {
    let timer = "{events: [{timer: {cron: 0 2 * * *}}]}";
    let text = format!(
        "service: shop\nfunctions:\n  order.list: {timer}\n  2nd: {timer}\n  host: {timer}\n  tidy: {timer}\n  \
         order-list: {{events: [{{queue: {{source: q}}}}]}}\naggregation: {{all: {{functionsPattern: '*'}}}}\n"
    );
    let (read, made) = templates(&text, "azure-functions");
    let folders = functions_of_azure(&made, "all");
    assert_eq!(folders, ["order-list-timer-1", "f2nd", "fhost", "tidy", "order-list"], "{}", said(&read, &made));
    // Which function such an event is for is known by its kind alone, and there are others of this kind.
    for function in ["order.list", "2nd", "host"] {
        let expected = format!("this trigger of `{function}` has a folder of another name");
        assert!(said(&read, &made).contains(&expected), "{}", said(&read, &made));
    }
}

#[test]
fn an_app_of_azure_answers_to_each_of_its_folders() {
    let text = "service: shop\nfunctions:\n  order.list:\n    handler: shop.order\n    events:\n      \
                - http: {path: /orders}\n      - timer: {cron: 0 2 * * *, enable: false}\n";
    let (read, made) = templates(text, "azure-functions");
    assert_eq!(functions_of_azure(&made, "order.list"), ["order-list", "order-list-timer-1"]);
    assert!(made.diagnostics.is_empty(), "{}", said(&read, &made));
    // A process with this setting answers to that function's name alone.
    assert!(made.files.iter().all(|file| !file.text.contains("FAAS_HANDLER")));
    let script = file(&made, "deploy.sh");
    assert!(script.contains(" AzureWebJobs.order-list-timer-1.Disabled=true\n"), "{script}");
}

const BUCKET: &str = "service: shop\nfunctions:\n  look:\n    events:\n      \
    - oss: {bucket: pics, filter: {prefix: in/, suffix: -big.jpg}}\n";

/// Runs the commands that subscribe to the blobs of `BUCKET`, with a stand-in for `az` that has this key. Returns the status
/// and what was written.
fn subscribe(key: &str) -> (bool, String) {
    let (_, made) = templates(BUCKET, "azure-functions");
    let subscribe = made.steps.iter().find(|step| step.command.contains("az eventgrid")).expect("it subscribes");
    let az = "case \"$1 $2 $3\" in \
              'storage account show') echo /accounts/kept ;; \
              'functionapp show '*) echo look.example ;; \
              'functionapp keys list') echo >> \"$tries\"; [ $(wc -l < \"$tries\") -gt 2 ] || return 1; echo \"$KEY\" ;; \
              'eventgrid event-subscription create') printf '%s\\n' \"$@\"; cat; echo ;; \
              *) exit 9 ;; esac";
    // A host that has not started yet has no keys, and the tool fails.
    let tries = "tries=$(mktemp)\ntrap 'rm -f \"$tries\"' EXIT";
    let script = format!("set -eu\n{tries}\naz() {{ {az}; }}\nsleep() {{ :; }}\n{}", subscribe.command);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).env("GROUP", "g").env("STORAGE", "kept").env("KEY", key);
    let output = shell.output().expect("sh starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn blobs_on_azure_come_by_a_subscription_of_event_grid() {
    let (read, made) = templates(BUCKET, "azure-functions");
    assert!(made.diagnostics.is_empty(), "{}", said(&read, &made));
    // A plan of Flex Consumption does not look for blobs by itself.
    assert!(file(&made, "look/look/function.json").contains("\"source\": \"EventGrid\""));
    let (is_done, said) = subscribe("k==");
    assert!(is_done, "{said}");
    for argument in [
        "shop-dev-look-look-oss",
        "/accounts/kept",
        "Microsoft.Storage.BlobCreated",
        "--subject-begins-with=/blobServices/default/containers/pics/blobs/in/",
        "--subject-ends-with=-big.jpg",
        "https://look.example/runtime/webhooks/blobs?functionName=Host.Functions.look&code=k==",
    ] {
        assert!(said.lines().any(|line| line == argument), "{argument} is not in {said}");
    }
    let (is_done, said) = subscribe("");
    assert!(!is_done && said.contains("run this again") && !said.contains("eventgrid"), "{said}");
}

#[test]
fn two_subscriptions_of_one_name_are_an_error() {
    let text = "service: shop\nfunctions:\n  a: {events: [{oss: {bucket: b, name: b-look}}]}\n  \
                a-b: {events: [{oss: {bucket: b, name: look}}]}\n";
    let (read, made) = templates(text, "azure-functions");
    assert!(made.files.is_empty() && said(&read, &made).contains("`shop-dev-a-b-look`"), "{}", said(&read, &made));
}
