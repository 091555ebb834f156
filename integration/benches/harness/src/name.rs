//! The names of the subjects, as the tables and budgets say them, and nothing else.

pub const C_STATIC: &str = "C, static";
pub const C_DYNAMIC: &str = "C, dynamic";
pub const C_MODULE: &str = "C, dynamic, `dlopen` of libecho.so";
pub const C_PLAIN: &str = "C, dynamic, `dlopen` of a plain std library";
pub const C_PIPELINED: &str = "C, static, pipelined";
pub const LIGHT: &str = "light-bootstrap";
pub const LIGHT_AWS: &str = "light-bootstrap, AWS Lambda and plain HTTP alone";
pub const LIGHT_LAYERS: &str = "light-bootstrap, two layers";
pub const ONE_FILE: &str = "one-file, static";
pub const FULL: &str = "bootstrap";
pub const FULL_LAYERS: &str = "bootstrap, two layers";
pub const FULL_BLOCKING: &str = "bootstrap, a function that may block";
pub const RAW: &str = "lambda_runtime, tuned, one thread, RawValue";
pub const README: &str = "lambda_runtime, tuned, README shape";
pub const README_STOCK: &str = "lambda_runtime, as users build it, README shape";
pub const HTTP_SINGLE: &str = "lambda_http, tuned, one thread";
pub const HTTP_MULTI: &str = "lambda_http, tuned";
pub const C_SERVER: &str = "C, epoll";
pub const HYPER_ONE: &str = "hyper, tuned, one thread";
pub const HYPER: &str = "hyper, tuned";
