use handlers_sdk::FaasError;

#[derive(Debug, thiserror::Error, FaasError)]
enum OrderError {
    #[error("sold out")]
    #[faas(code = 409)]
    SoldOut,
}

fn main() {}
