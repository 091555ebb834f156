use handlers_sdk::provider;

struct Pool {
    _open: std::rc::Rc<u32>,
}

#[provider]
fn pool() -> Pool {
    Pool { _open: std::rc::Rc::default() }
}

fn main() {}
