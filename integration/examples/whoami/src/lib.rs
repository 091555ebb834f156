//! Tells callers who they are, by the claims that the layer `auth` has checked.
#![forbid(unsafe_code)]

use handlers_sdk::{Claims, FaasContext, function};
use serde::Deserialize;

/// The claims of a caller that the function reads.
#[derive(Debug, Deserialize)]
pub struct Customer {
    sub: String,
    #[serde(default)]
    shop: u32,
}

/// Says `ann of 7, by jwt`, or `nobody` where callers may be unknown.
#[function]
pub fn whoami(ctx: FaasContext, customer: Option<Claims<Customer>>) -> String {
    match customer {
        Some(Claims(Customer { sub, shop })) => {
            format!("{sub} of {shop}, by {}", ctx.extension("auth").unwrap_or_default())
        }
        None => "nobody".to_owned(),
    }
}
