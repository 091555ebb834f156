//! A request id that came with a request is taken where it is short and of a plain alphabet. Any other is replaced by
//! one of the runtime's own, since it goes into the log, into answers and into marks that platforms cut logs by.

use crate::{Pairs, answer, arrival, process, protocol};
use faas_core::platform::{Delivery, Protocol};

/// The sources of a request id: environment, path, the header, or the member of the JSON object that has it.
const SOURCES: &[(Pairs<'static>, &str, &str)] = &[
    (&[], "/", "X-Request-Id"),
    (&[("KUBERNETES_SERVICE_HOST", "h")], "/", "x-request-id"),
    (&[("K_SERVICE", "s"), ("KUBERNETES_SERVICE_HOST", "h")], "/", "x-request-id"),
    (&[("K_SERVICE", "s")], "/", "Function-Execution-Id"),
    (&[("CONTAINER_APP_NAME", "a")], "/", "X-Request-Id"),
    (&[("FAAS_PLATFORM", "openfaas")], "/", "X-Call-Id"),
    (&[("FC_FUNC_CODE_PATH", "/code")], "/", "x-fc-request-id"),
    (&[("TENCENTCLOUD_RUNENV", "SCF")], "/", "x-scf-request-id"),
    (&[("SCF_RUNTIME_API", "h"), ("SCF_RUNTIME_API_PORT", "1")], "/", "request_id"),
    (&[("RUNTIME_FUNC_NAME", "f"), ("RUNTIME_PROJECT_ID", "p")], "/", "x-cff-request-id"),
    (&[("FUNCTIONS_CUSTOMHANDLER_PORT", "1")], "/f", "X-Azure-Functions-InvocationId"),
    (&[("FN_LISTENER", "unix:/tmp/l.sock")], "/call", "Fn-Call-Id"),
    (&[("_FAAS_RUNTIME_PORT", "1")], "/", "x-faas-request-id"),
    (&[("__OW_API_HOST", "h")], "/run", ""),
    (&[("__OW_PROXY_VERSION", "1")], "", ""),
];

fn id(pairs: Pairs<'_>, path: &str, header: &str, value: &str) -> String {
    let (process, _) = process();
    let escaped = value.escape_default().to_string().replace("\\u{", "\\u00").replace('}', "").replace("\\'", "'");
    let body = if header.is_empty() { format!("{{\"activation_id\":\"{escaped}\"}}") } else { String::new() };
    let headers = if header.is_empty() { vec![] } else { vec![(header, value)] };
    let (message, metadata) = arrival(&process, pairs, path, &headers, &body);
    String::from_utf8(metadata.request_id.read(message.bytes()).to_vec()).expect("text")
}

#[test]
fn a_plain_request_id_is_taken_as_it_is() {
    let longest = "a".repeat(128);
    for (pairs, path, header) in SOURCES {
        for value in ["7b9c1d2e-0000-4a5b-8c6d-ffffffffffff", "1-5f0e-A_b.c:d/e+f=g@h|i~", "x", &longest] {
            assert_eq!(id(pairs, path, header, value), value, "{pairs:?}");
        }
    }
}

#[test]
fn a_long_or_odd_request_id_gives_way_to_our_own() {
    let long = "a".repeat(129);
    for (pairs, path, header) in SOURCES {
        for value in [&long, "two words", "tab\there", "quote\"", "back\\slash", "<b>", "caf\u{e9}", "a;b", "a,b"] {
            assert_eq!(id(pairs, path, header, value), "", "{pairs:?} {value:?}");
        }
    }
}

#[test]
fn an_activation_id_makes_no_line_of_its_own() {
    for (pairs, path, header) in SOURCES.iter().filter(|(.., header)| header.is_empty()) {
        for value in ["a\nXXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n", "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX", "a\r"] {
            assert_eq!(id(pairs, path, header, value), "", "{pairs:?} {value:?}");
        }
    }
}

#[test]
fn an_id_that_the_platform_set_for_the_process_is_held_to_the_same() {
    let yandex = [("REQUEST_ID", "two words"), ("FUNCTION_NAME", "f"), ("FUNCTION_VERSION", "1")];
    let (message, metadata) = arrival(&process().0, &yandex, "", &[], "");
    assert_eq!(metadata.request_id.read(message.bytes()), b"");
}

#[test]
fn an_odd_id_does_not_hide_one_that_is_fine() {
    let call = [("X-Call-Id", "two words"), ("X-Request-Id", "fine")];
    let (message, metadata) = arrival(&process().0, &[("FAAS_PLATFORM", "openfaas")], "/", &call, "");
    assert_eq!(metadata.request_id.read(message.bytes()), b"fine");
}

#[test]
fn an_id_that_has_to_go_back_in_a_path_fits_in_one() {
    let (huawei, aws) = (
        [("RUNTIME_FUNC_NAME", "f"), ("RUNTIME_PROJECT_ID", "p"), ("RUNTIME_API_ADDR", "127.0.0.1:9001")],
        [("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")],
    );
    for (pairs, header) in [(&huawei[..], "X-Cff-Request-Id"), (&aws, "Lambda-Runtime-Aws-Request-Id")] {
        let Protocol::Polling(api) = protocol(pairs) else { panic!("it is asked for events") };
        for value in ["two words", "tab\there", "caf\u{e9}"] {
            let delivery = api.delivery(&process().0, &answer(&[(header, value)]));
            assert!(
                matches!(&delivery, Delivery::Again(why) if why.contains("fits in no path")),
                "{value:?}: {delivery:?}"
            );
        }
    }
}
