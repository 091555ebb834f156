use handlers_sdk::function;

fn connect() -> Result<(), std::io::Error> {
    Ok(())
}

#[function(start = connect)]
fn order() -> String {
    String::new()
}

fn main() {}
