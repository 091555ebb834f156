use handlers_sdk::FaasError;

#[derive(Debug, thiserror::Error, FaasError)]
enum OrderError {
    #[error("sold out")]
    #[faas(status = 200)]
    SoldOut,
}

fn main() {}
