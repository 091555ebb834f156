use handlers_sdk::{Inject, function};
use std::rc::Rc;

#[function]
fn index(_: Inject<Rc<u32>>) {}

fn main() {}
