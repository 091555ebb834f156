//! A service that one entry offers and another uses. A table of functions is the one thing here that needs `unsafe`.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::abi::tables::Table;
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Config, Error, FaasContext, Layer, Service, function, layer};

#[repr(C)]
struct Doubler {
    size: usize,
    double: Option<extern "C" fn(u64) -> u64>,
    /// A member of a later minor version, which this provider does not have.
    treble: Option<extern "C" fn(u64) -> u64>,
}

// SAFETY: `repr(C)`, begins with `size`, and null is a valid function pointer in an `Option`.
unsafe impl Table for Doubler {
    const FIRST_SIZE: usize = 16;
}

// SAFETY: only this file offers the name, and with this table.
unsafe impl Service for Doubler {
    const NAME: &'static str = "test.doubler";
    const MAJOR: u32 = 1;
}

extern "C" fn double(number: u64) -> u64 {
    number * 2
}

static DOUBLER: Doubler = Doubler { size: Doubler::FIRST_SIZE, double: Some(double), treble: None };

struct Offers;

#[layer]
impl Layer for Offers {
    fn create(config: &Config) -> Result<Self, Error> {
        config.offer(&DOUBLER)?;
        config.emit(b"{\"offered\":1}\nnever");
        assert!(config.service::<Doubler>().is_some_and(|found| found.treble.is_none()));
        Ok(Offers)
    }
}

#[function]
fn uses(ctx: FaasContext) -> String {
    let doubled = ctx.service::<Doubler>().and_then(|service| service.double).map(|double| double(21));
    format!("{doubled:?}")
}

#[test]
fn a_service_is_found_by_its_name_and_absent_without_a_provider() {
    let app = App::builder().module(Offers::MODULE).module(uses::MODULE).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("")).text(), "Some(42)");
    assert_eq!(app.emitted(), ["{\"offered\":1}"]);
    assert_eq!(Invoke::event("").run(uses::MODULE).text(), "None");
}

#[test]
fn a_second_provider_is_refused() {
    let why = App::builder().module(Offers::MODULE).module(Offers::MODULE).start().expect_err("two of one name");
    assert!(why.contains("test.doubler"), "{why}");
}
