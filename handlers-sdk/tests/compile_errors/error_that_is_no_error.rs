use handlers_sdk::FaasError;

#[derive(Debug, FaasError)]
enum OrderError {
    #[faas(status = 409)]
    SoldOut,
}

fn main() {}
