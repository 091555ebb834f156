//! A function in the shape of `lambda_runtime`'s.
#![cfg(feature = "json")]

use handlers_sdk::abi::META_INVOKED_AS;
use handlers_sdk::function;
use handlers_sdk::lambda::{Error, LambdaEvent};
use handlers_sdk::testing::Invoke;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Deserialize)]
struct Order {
    item: String,
}

#[derive(Debug, Serialize)]
struct Receipt {
    item: String,
    by: String,
    until: u64,
}

#[function(lambda)]
async fn order(event: LambdaEvent<Order>) -> Result<Receipt, Error> {
    let (Order { item }, context) = event.into_parts();
    if item.is_empty() {
        return Err("nothing is ordered".into());
    }
    "7".parse::<u8>()?;
    Ok(Receipt { item, by: context.invoked_function_arn, until: context.deadline })
}

#[test]
fn an_event_goes_in_and_its_json_comes_out_untouched() {
    let answer = Invoke::event(r#"{"item":"tea"}"#)
        .meta(META_INVOKED_AS, "arn:aws:lambda:x")
        .remaining(Duration::from_secs(1))
        .run(order::MODULE);
    // The kit's clock stands still at 2026-01-02T03:04:05Z.
    let expected = r#"{"item":"tea","by":"arn:aws:lambda:x","until":1767323046000}"#;
    assert_eq!((answer.code, answer.text().as_str()), (0, expected));
}

#[test]
fn an_error_of_any_type_is_a_failure_and_a_wrong_event_says_where() {
    let failed = Invoke::event(r#"{"item":""}"#).run(order::MODULE).failed.expect("it fails");
    assert_eq!((failed.kind.as_str(), failed.message.as_str()), ("Error", "nothing is ordered"));
    let failed = Invoke::event("{}").run(order::MODULE).failed.expect("it fails");
    assert_eq!(failed.kind, "Runtime.UnmarshalError");
}
