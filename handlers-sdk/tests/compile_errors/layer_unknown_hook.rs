use handlers_sdk::{Invocation, Layer, layer};

#[derive(Default)]
struct Guard;

#[layer]
impl Layer for Guard {
    fn before_call(&self, _invocation: &mut Invocation<'_>) {}
}

fn main() {}
