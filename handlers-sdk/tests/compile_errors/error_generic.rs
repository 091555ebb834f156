use handlers_sdk::FaasError;

#[derive(Debug, thiserror::Error, FaasError)]
#[error("bad")]
struct Bad<T>(T);

fn main() {}
