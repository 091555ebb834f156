//! Names of functions and arguments that collide with nothing that a macro writes.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::Invoke;
use handlers_sdk::{FaasContext, function};

mod orders {
    #[handlers_sdk::function(table = OrdersTable)]
    pub(crate) fn orders() -> &'static str {
        "ordered"
    }
}
use orders::{OrdersTable, orders};

#[function]
fn ctx(owned: FaasContext, ctx: String) -> String {
    format!("{ctx} on {}", owned.platform())
}

#[function]
async fn owned(error: FaasContext, argument_0: String, answer: String) -> String {
    format!("{argument_0} {answer} on {}", error.platform())
}

#[function]
fn argument_0(argument_1: String, argument_0: String) -> String {
    argument_1 + &argument_0
}

#[test]
fn functions_and_arguments_may_have_any_name() {
    let run = |module| Invoke::event("a").run(module).text();
    assert_eq!([run(ctx::MODULE), run(owned::MODULE), run(argument_0::MODULE)], ["a on test", "a a on test", "aa"]);
    assert_eq!((orders(), run(OrdersTable::MODULE)), ("ordered", "ordered".to_owned()));
}
