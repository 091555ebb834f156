//! The errors of functions, and the parts of them that callers and the log are told.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use anyhow::Context;
use handlers_sdk::testing::{Answer, App, Invoke};
use handlers_sdk::{Error, FaasError, Request, abi, function};
use std::error::Error as StdError;

#[derive(Debug, thiserror::Error, FaasError)]
enum OrderError {
    #[error("{0} is sold out")]
    #[faas(status = 409, kind = "Order.SoldOut", public)]
    SoldOut(String),
    #[error("number {number} is no number")]
    #[faas(status = 400, message = "expected a number")]
    NoNumber { number: String, source: std::num::ParseIntError },
    #[error("the database at 10.0.0.7 is down")]
    Database,
}

#[derive(Debug, thiserror::Error, FaasError)]
#[error("no entry for {0}")]
#[faas(status = 403, public)]
struct Forbidden(String);

/// An error without any description.
#[derive(Debug, thiserror::Error)]
#[error("no way to 10.0.0.8")]
struct Foreign;

/// An error whose cause is described.
#[derive(Debug, thiserror::Error)]
#[error("placing the order")]
struct Placing(#[source] OrderError);

fn failing(path: &str) -> Result<String, OrderError> {
    match path {
        "/sold" => Err(OrderError::SoldOut("tea".to_owned())),
        "/number" => {
            let source = "x".parse::<u8>().expect_err("no number");
            Err(OrderError::NoNumber { number: "x".to_owned(), source })
        }
        _ => Err(OrderError::Database),
    }
}

#[function]
fn own(request: Request) -> Result<String, OrderError> {
    failing(request.path())
}

#[function]
fn converted(request: Request) -> Result<String, Error> {
    Ok(failing(request.path())?)
}

#[function]
fn with_anyhow(request: Request) -> anyhow::Result<String> {
    match request.path() {
        "/bare" => Err(anyhow::anyhow!("no way to 10.0.0.9")),
        "/foreign" => Err(Foreign).context("asking"),
        "/direct" => Ok(failing("/sold")?),
        path => failing(path).context("placing the order"),
    }
}

#[function]
async fn boxed(request: Request) -> Result<String, Box<dyn StdError + Send + Sync>> {
    match request.path() {
        "/foreign" => Err(Foreign)?,
        "/text" => Err("some text")?,
        path => Ok(failing(path)?),
    }
}

#[function]
fn local_box(request: Request) -> Result<String, Box<dyn StdError>> {
    Ok(failing(request.path())?)
}

#[function]
fn caused(request: Request) -> Result<String, Placing> {
    failing(request.path()).map_err(Placing)
}

#[function]
fn with_status() -> Result<String, (u16, &'static str)> {
    Err((404, "no such order"))
}

#[function]
fn with_made_text() -> Result<String, (u16, String)> {
    Err((422, format!("{} is too many", 7)))
}

#[function]
fn word() -> Result<String, &'static str> {
    Err("closed on Mondays")
}

#[function]
fn text() -> Result<String, String> {
    Err("connect to 10.0.0.7: refused".to_owned())
}

#[function]
fn closed() -> Result<(), Forbidden> {
    Err(Forbidden("ann".to_owned()))
}

fn get(module: &'static abi::Module, path: &str) -> Answer {
    let app = App::builder().module(module).start().expect("it starts");
    app.invoke(Invoke::http("GET", path))
}

/// Returns status, kind and message of an answer that is an error document.
fn told(answer: &Answer) -> (u32, String, String) {
    let json = answer.json();
    let text = |name: &str| json[name].as_str().expect("a text").to_owned();
    assert_eq!(text("requestId"), "test-request");
    (answer.code, text("errorType"), text("errorMessage"))
}

#[test]
fn an_error_of_ones_own_is_told_as_it_is_described_however_it_travels() {
    let sold = (409, "Order.SoldOut".to_owned(), "tea is sold out".to_owned());
    for module in
        [own::MODULE, converted::MODULE, with_anyhow::MODULE, boxed::MODULE, local_box::MODULE, caused::MODULE]
    {
        assert_eq!(told(&get(module, "/sold")), sold);
        let number = (400, "errors::OrderError::NoNumber".to_owned(), "expected a number".to_owned());
        assert_eq!(told(&get(module, "/number")), number);
    }
    assert_eq!(told(&get(with_anyhow::MODULE, "/direct")), sold);
    let forbidden = (403, "errors::Forbidden".to_owned(), "no entry for ann".to_owned());
    assert_eq!(told(&get(closed::MODULE, "/")), forbidden);
}

/// Returns the contract's status, the kind, the message and the detail of a failure.
fn failed(answer: Answer) -> (i32, String, String, String) {
    let failed = answer.failed.expect("it fails");
    (failed.status, failed.kind, failed.message, failed.detail)
}

#[test]
fn what_is_not_described_is_a_failure_whose_words_and_causes_are_for_the_log() {
    for (module, path, kind, message, detail) in [
        (own::MODULE, "/", "errors::OrderError::Database", "the database at 10.0.0.7 is down", ""),
        (with_anyhow::MODULE, "/bare", "anyhow::Error", "no way to 10.0.0.9", ""),
        (with_anyhow::MODULE, "/foreign", "anyhow::Error", "asking", "caused by: no way to 10.0.0.8"),
        (boxed::MODULE, "/foreign", "Error", "no way to 10.0.0.8", ""),
        (boxed::MODULE, "/text", "Error", "some text", ""),
        (text::MODULE, "/", "Error", "connect to 10.0.0.7: refused", ""),
    ] {
        let expected = (abi::E_INTERNAL, kind.to_owned(), message.to_owned(), detail.to_owned());
        assert_eq!(failed(get(module, path)), expected);
    }
}

#[test]
fn the_log_keeps_what_a_public_message_hides() {
    let app = App::builder().module(own::MODULE).start().expect("it starts");
    app.invoke(Invoke::http("GET", "/number"));
    let logs = app.close();
    assert!(logs.is_empty(), "the client is to blame, and reads the message: {logs:?}");
    let error = Error::from(failing("/number").expect_err("no number"));
    assert_eq!(error.detail(), "caused by: number x is no number; caused by: invalid digit found in string");
    let error = Error::of(failing("/sold").context("placing").expect_err("sold out"));
    assert_eq!(
        (error.message(), error.detail()),
        ("tea is sold out", "caused by: placing; caused by: tea is sold out")
    );
}

#[test]
fn a_status_with_a_text_is_told_and_a_text_alone_only_if_it_is_the_programs_own() {
    let answer = told(&get(with_status::MODULE, "/"));
    assert_eq!(answer, (404, "Error".to_owned(), "no such order".to_owned()));
    assert_eq!(told(&get(with_made_text::MODULE, "/")).2, "7 is too many");
    let (status, kind, message, _) = failed(get(word::MODULE, "/"));
    assert_eq!((status, &*kind, &*message), (abi::E_USER, "Error", "closed on Mondays"));
    let (status, ..) = failed(get(text::MODULE, "/"));
    assert_eq!(status, abi::E_INTERNAL);
}
