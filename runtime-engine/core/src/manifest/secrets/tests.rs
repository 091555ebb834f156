//! Names in the place of values: where they may stand, what becomes of them, and what is said of one that is nowhere.

use super::*;

const TEXT: &str = r#"{"version":1,"layers":[{"name":"auth","config":{"key":"${secret:auth/key}"}}],"functions":[
    {"name":"order","config":{"url":"db://${secret:user}:${secret:pass}@h","plain":"$${secret:user}"},
     "environment":{"PASS":"${secret:pass}","NONE":"none","OPEN":"${secret:"},"layers":[{"name":"own","config":["${secret:pass}"]}]}]}"#;

fn manifest() -> Manifest {
    Manifest::read(TEXT.as_bytes()).expect("it is good")
}

fn absent(name: &str) -> LookUp {
    LookUp::Absent(vec![format!("the drawer of {name}")])
}

#[test]
fn secrets_take_the_place_of_their_names_in_variables_and_within_strings_of_configurations() {
    let mut manifest = manifest();
    let values = [("auth/key", "k"), ("user", "me"), ("pass", "a\"b\\c\n")];
    let found =
        |name: &str| LookUp::Found(values.iter().find(|(other, _)| *other == name).expect("it is asked").1.into());
    manifest.fill_secrets(&found).expect("the names are names");
    assert_eq!(manifest.layers[0].config, r#"{"key":"k"}"#);
    let order = &manifest.functions[0];
    assert_eq!(order.config, r#"{"url":"db://me:a\"b\\c\n@h","plain":"${secret:user}"}"#);
    let variables: Vec<&str> = order.environment.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(variables, ["a\"b\\c\n", "none", "${secret:"]);
    assert_eq!(order.layers[0].config, r#"["a\"b\\c\n"]"#);
    assert_eq!(manifest.secrets_of_layers_are_there(), Ok(()));
}

#[test]
fn a_value_that_reads_like_a_name_is_a_value() {
    let mut manifest = manifest();
    manifest.fill_secrets(&|_| LookUp::Found("${secret:pass}".into())).expect("the names are names");
    assert_eq!(manifest.functions[0].environment[0].1, "${secret:pass}");
    assert!(!manifest.secrets.awaits_variable(0, 0));
}

#[test]
fn a_secret_that_is_nowhere_is_named_with_function_key_and_where_it_was_looked_for() {
    let mut manifest = manifest();
    manifest.fill_secrets(&absent).expect("the names are names");
    let failure = manifest.secrets_of_layers_are_there().expect_err("there is none");
    assert_eq!(
        failure.to_string(),
        "Runtime.NoSecret: config of layer auth: there is no secret \"auth/key\"; looked for it in: the drawer of auth/key"
    );
    assert!(manifest.secrets.awaits_variable(0, 0) && !manifest.secrets.awaits_variable(0, 1));
    let secrets = manifest.secrets.clone();
    let failure = manifest.all_found(&secrets, |_| true).expect_err("there are none").message;
    for words in [
        "function order, config: there is no secret \"user\"",
        "function order, environment.PASS",
        "config of layer own",
    ] {
        assert!(failure.contains(words), "{failure}");
    }
}

#[test]
fn a_name_that_leads_out_of_a_folder_is_refused_with_its_place() {
    for name in ["", "../x", "/etc/passwd", "a//b", "a/..", "a b", "a\u{e9}"] {
        assert!(!is_name(name), "{name:?}");
        let text =
            format!(r#"{{"version":1,"functions":[{{"name":"a","environment":{{"X":"${{secret:{name}}}"}}}}]}}"#);
        let mut manifest = Manifest::read(text.as_bytes()).expect("it is good");
        let failure = manifest.fill_secrets(&absent).expect_err("it is no name").to_string();
        assert!(failure.starts_with("Runtime.BadManifest: function a, environment.X: expected the name"), "{failure}");
    }
    assert!(["db", "db/password", "a.b-c_1"].into_iter().all(is_name));
}

#[test]
fn debug_shows_no_value() {
    let mut manifest = manifest();
    manifest.fill_secrets(&|_| LookUp::Found("hunter2".into())).expect("the names are names");
    assert!(!format!("{manifest:?}").contains("hunter2"));
}
