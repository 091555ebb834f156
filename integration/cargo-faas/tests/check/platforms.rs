//! A yml held against its platforms: what `templates` says of them is said by `check`.

use super::*;

#[test]
fn several_platforms_are_checked_at_once() {
    let folder = tempfile::tempdir().expect("there is room");
    let root = folder.path();
    packages(root);
    std::fs::write(root.join("libtext.so"), "hello\n").expect("there is room");
    let checked = |arguments: &[&str]| subjects(&tool(root, &[&["check", "--json"], arguments].concat()));
    let both = ["dist/aws-lambda/shop.zip for aws-lambda", "dist/http/shop for http"];
    assert_eq!(checked(&["--platform", "http,aws,fn"]), both);
    assert_eq!(checked(&["--platform", "all"]), both);
    assert_eq!(checked(&["--platform", "aws,fn", "libtext.so"]), ["libtext.so for aws-lambda", "libtext.so for fn"]);
    // A yml is read for each; what is the same for all is said once, and what differs names the platform.
    let yml = "service: shop\nfunctions:\n  order: {handler: shop.order, events: [{http: {path: /}}]}\n";
    std::fs::write(root.join("serverless.yml"), yml).expect("there is room");
    let said = text(&tool(root, &["check", "--platform", "aws,azure,fn"]).stdout);
    assert!(said.starts_with("serverless.yml: 0 errors, 0 warnings, "), "{said}");
    let said = text(&tool(root, &["check", "--platform", "aws,vefaas,fn"]).stdout);
    assert!(said.starts_with("serverless.yml for aws-lambda, fn: 0 errors, 0 warnings, "), "{said}");
    assert!(said.contains("serverless.yml for vefaas: 0 errors, 1 warning, "), "{said}");
    let timer = yml.replace("{http: {path: /}}", "{timer: {name: odd, cron: 30 0 2 * * *}}");
    std::fs::write(root.join("serverless.yml"), timer).expect("there is room");
    let output = tool(root, &["check", "--platform", "aws,azure"]);
    let said = text(&output.stdout);
    // EventBridge counts in minutes.
    assert!(said.contains("serverless.yml for aws-lambda: 1 error, "), "{said}");
    assert!(said.contains("serverless.yml for azure-functions: 0 errors, "), "{said}");
}

#[test]
fn what_templates_refuses_on_a_platform_is_an_error_of_check_too() {
    let function = |keys: &str| format!("service: shop\nfunctions:\n  order: {{handler: shop.order, {keys}}}\n");
    let retries = "service: shop\nfunctions: {order: {handler: shop.order}}\n\
                   provider: {asyncConfiguration: {maxAsyncRetryAttempts: 3}}\n"
        .to_owned();
    let twins = "service: shop\nfunctions:\n  a_b: {handler: shop.a}\n  a-b: {handler: shop.b}\n".to_owned();
    for (platform, yml, code, line) in [
        ("aws-lambda", function("timeout: 1000"), "refused-by-platform", 3),
        ("aws-lambda", retries, "refused-by-platform", 3),
        ("google-cloud", twins, "same-name", 4),
    ] {
        let folder = tempfile::tempdir().expect("there is room");
        let root = folder.path();
        std::fs::write(root.join("serverless.yml"), &yml).expect("there is room");
        let arguments = ["--platform", platform];
        let refused = tool(root, &[&["templates"], &arguments[..]].concat());
        assert_eq!(refused.status.code(), Some(1), "{yml}: {}", text_of(&refused));
        let output = tool(root, &[&["check"], &arguments[..]].concat());
        let said = text_of(&output);
        assert_eq!(output.status.code(), Some(1), "{yml}: {said}");
        assert!(said.contains(&format!("error[{code}]: ")), "{said}");
        assert!(said.contains("serverless.yml: 1 error, 0 warnings, "), "{said}");
        let output = tool(root, &[&["check", "--json"], &arguments[..]].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        assert_eq!(output.status.code(), Some(1), "{answer:#}");
        let [finding] = &answer["diagnostics"].as_array().expect("a list")[..] else { panic!("{answer:#}") };
        assert_eq!((&finding["code"], &finding["place"]["line"]), (&code.into(), &line.into()));
        // No platform takes part without the word of the command line or of the yml.
        assert_eq!(tool(root, &["check"]).status.code(), Some(0), "{yml}");
        let of_yml = match yml.contains("provider: {") {
            true => yml.replace("provider: {", &format!("provider: {{name: {platform}, ")),
            false => format!("{yml}provider: {{name: {platform}}}\n"),
        };
        std::fs::write(root.join("serverless.yml"), &of_yml).expect("there is room");
        assert_eq!(tool(root, &["check"]).status.code(), Some(1), "{of_yml}");
    }
}

#[test]
fn what_a_platform_leaves_out_is_a_warning_of_check_and_said_once() {
    let folder = tempfile::tempdir().expect("there is room");
    let root = folder.path();
    // `plugins` has no effect on any platform; who may be asked from elsewhere is set up on some alone.
    let yml = "service: shop\nplugins: [midway]\nfunctions:\n  \
               order: {events: [{http: {path: /, cors: true}}]}\n";
    std::fs::write(root.join("serverless.yml"), yml).expect("there is room");
    let output = tool(root, &["check", "--platform", "all"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said.matches("`plugins` has no effect here").count(), 1, "{said}");
    assert_eq!(said.matches("`cors` comes to nothing on Fn").count(), 1, "{said}");
    assert!(said.contains("serverless.yml for fn: 0 errors, 1 warning, "), "{said}");
    assert!(said.contains("serverless.yml for aws-lambda, tencent-scf: 0 errors, 0 warnings, "), "{said}");
    let answer = tool(root, &["check", "--platform", "all", "--json"]);
    let answer: Value = serde_json::from_slice(&answer.stdout).expect("it is JSON");
    let all = answer["diagnostics"].as_array().expect("a list");
    assert_eq!(all.iter().filter(|finding| finding["severity"] == "note").count(), 1, "{answer:#}");
}
