//! The choices of a test: the function's configuration, the events, and the variables the platform would set for them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

/// The way in which an environment begins (`AWS_LAMBDA_INITIALIZATION_TYPE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitType {
    /// It is started by the first event.
    #[default]
    OnDemand,
    /// It is started ahead of events.
    ProvisionedConcurrency,
    /// Snapshot after init, restored later: the restore calls and the credentials endpoint exist.
    SnapStart,
    /// Managed instances: several invocations at once.
    ManagedInstances,
}

impl InitType {
    /// Returns the variable's value.
    pub fn name(self) -> &'static str {
        match self {
            InitType::OnDemand => "on-demand",
            InitType::ProvisionedConcurrency => "provisioned-concurrency",
            InitType::SnapStart => "snap-start",
            InitType::ManagedInstances => "lambda-managed-instances",
        }
    }
}

/// The replies of polls that are sent chunked instead of with a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkNext {
    /// No reply is chunked: each has `Content-Length`.
    Never,
    /// Chunked when the event is larger than this many bytes. AWS' own emulator does so above 2048.
    Above(usize),
    /// Every reply is sent chunked.
    Always,
}

/// The function and the platform around it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The value of `AWS_LAMBDA_FUNCTION_NAME`.
    pub function_name: String,
    /// The value of `AWS_LAMBDA_FUNCTION_VERSION`.
    pub function_version: String,
    /// The value of `_HANDLER`; `None` leaves the variable out.
    pub handler: Option<String>,
    /// The value of `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, in MB.
    pub memory_mb: u32,
    /// The time an invocation may take, from its delivery. An event may choose another.
    pub timeout: Duration,
    /// `true` if a passed deadline ends the invocation and (one at a time) the process. Otherwise the runtime is left
    /// alone.
    pub enforce_deadline: bool,
    /// The time for which a waiting caller stays patient, from submission, before the answer is `Unanswered`: no test
    /// hangs.
    pub patience: Duration,
    /// The way in which the environment starts.
    pub init_type: InitType,
    /// The value of `AWS_LAMBDA_MAX_CONCURRENCY`. If it is set, polls may be parked side by side and the rules of
    /// [`InitType::ManagedInstances`] apply.
    pub max_concurrency: Option<usize>,
    /// The value of `AWS_REGION`.
    pub region: String,
    /// The account number, in ARNs and in the reply to an extension that asks for it.
    pub account_id: String,
    /// The value of `AWS_LAMBDA_LOG_FORMAT`, `Text` or `JSON`; `None` leaves the variable out.
    pub log_format: Option<String>,
    /// The value of `AWS_LAMBDA_LOG_LEVEL`; `None` leaves the variable out.
    pub log_level: Option<String>,
    /// The value of `LAMBDA_TASK_ROOT`, and the working directory. `None` stands for `/var/task` and the caller's
    /// directory.
    pub task_root: Option<PathBuf>,
    /// `true` if the process inherits a descriptor for framed logs (`_LAMBDA_TELEMETRY_LOG_FD`).
    pub telemetry_log_fd: bool,
    /// The names of extensions taken for external ones, which may ask for SHUTDOWN. Any other is internal.
    pub external_extensions: Vec<String>,
    /// The framing of a poll's reply.
    pub chunk_next: ChunkNext,
    /// `true` for header names in lower case instead of the platform's `Lambda-Runtime-…`.
    pub lower_case_headers: bool,
    /// The further variables, which are set last.
    pub env: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            function_name: "test_function".to_owned(),
            function_version: "$LATEST".to_owned(),
            handler: None,
            memory_mb: 128,
            timeout: Duration::from_secs(3),
            enforce_deadline: true,
            patience: Duration::from_secs(60),
            init_type: InitType::OnDemand,
            max_concurrency: None,
            region: "eu-west-1".to_owned(),
            account_id: "111122223333".to_owned(),
            log_format: None,
            log_level: None,
            task_root: None,
            telemetry_log_fd: false,
            external_extensions: Vec::new(),
            chunk_next: ChunkNext::Above(2048),
            lower_case_headers: false,
            env: Vec::new(),
        }
    }
}

/// The number of the framed log descriptor in the child.
pub(crate) const LOG_FD: u32 = 3;

/// The token of the credentials endpoint.
pub(crate) const CREDENTIALS_TOKEN: &str = "local-authorization-token";

impl Options {
    /// Returns the function's ARN without qualifier.
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account_id, self.function_name)
    }

    pub(crate) fn managed(&self) -> bool {
        self.max_concurrency.is_some()
    }

    /// Returns every variable the platform sets for this configuration, in the order of the protocol's table.
    pub(crate) fn variables(&self, address: SocketAddr) -> Vec<(String, String)> {
        let mut list: Vec<(String, String)> = Vec::new();
        let mut set = |name: &str, value: &str| list.push((name.to_owned(), value.to_owned()));
        set("AWS_LAMBDA_RUNTIME_API", &address.to_string());
        if let Some(handler) = &self.handler {
            set("_HANDLER", handler);
        }
        let root = self.task_root.as_ref().map(|path| path.to_string_lossy());
        set("LAMBDA_TASK_ROOT", root.as_deref().unwrap_or("/var/task"));
        set("LAMBDA_RUNTIME_DIR", "/var/runtime");
        set("AWS_LAMBDA_FUNCTION_NAME", &self.function_name);
        set("AWS_LAMBDA_FUNCTION_VERSION", &self.function_version);
        set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &self.memory_mb.to_string());
        set("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", self.function_name));
        set("AWS_LAMBDA_LOG_STREAM_NAME", &format!("2026/01/01/[{}]local", self.function_version));
        let init_type = if self.managed() { InitType::ManagedInstances } else { self.init_type };
        set("AWS_LAMBDA_INITIALIZATION_TYPE", init_type.name());
        if let Some(format) = &self.log_format {
            set("AWS_LAMBDA_LOG_FORMAT", format);
        }
        if let Some(level) = &self.log_level {
            set("AWS_LAMBDA_LOG_LEVEL", level);
        }
        if let Some(limit) = self.max_concurrency {
            set("AWS_LAMBDA_MAX_CONCURRENCY", &limit.to_string());
        }
        set("AWS_REGION", &self.region);
        set("AWS_DEFAULT_REGION", &self.region);
        if self.init_type == InitType::SnapStart {
            set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://{address}/2021-04-23/credentials"));
            set("AWS_CONTAINER_AUTHORIZATION_TOKEN", CREDENTIALS_TOKEN);
        } else {
            set("AWS_ACCESS_KEY_ID", "local-key-id");
            set("AWS_SECRET_ACCESS_KEY", "local-secret-key");
            set("AWS_SESSION_TOKEN", "local-session-token");
        }
        set("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR");
        set("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000");
        set("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1");
        set("_AWS_XRAY_DAEMON_PORT", "2000");
        if self.telemetry_log_fd {
            set("_LAMBDA_TELEMETRY_LOG_FD", &LOG_FD.to_string());
        }
        set("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin");
        set(
            "LD_LIBRARY_PATH",
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        );
        set("LANG", "en_US.UTF-8");
        set("TZ", ":UTC");
        list.extend(self.env.iter().cloned());
        list
    }
}

/// The caller's Cognito identity; sent only when one of the two is not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cognito {
    /// The member `cognitoIdentityId`.
    pub identity_id: String,
    /// The member `cognitoIdentityPoolId`.
    pub identity_pool_id: String,
}

/// One event and its headers. An absent member is a header left out.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The bytes of the event, unchanged.
    pub body: Bytes,
    /// A request id of the caller's choosing; `None` makes a new UUID.
    pub request_id: Option<String>,
    /// The header `Lambda-Runtime-Trace-Id`.
    pub trace_id: Option<String>,
    /// The header `Lambda-Runtime-Client-Context`, raw JSON (any text, to try a malformed one).
    pub client_context: Option<String>,
    /// The header `Lambda-Runtime-Cognito-Identity`.
    pub cognito: Option<Cognito>,
    /// The header `Lambda-Runtime-Aws-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// The header `Lambda-Runtime-Invoked-Function-Arn`. `None` takes the function's own, and an empty text leaves the
    /// header out.
    pub invoked_arn: Option<String>,
    /// The header `Content-Type`; `None` is `application/json`.
    pub content_type: Option<String>,
    /// The time this invocation may take, from its delivery; `None` takes the function's.
    pub deadline_in: Option<Duration>,
    /// The headers that are sent as they are, after the platform's own and in place of one of the same name. They are
    /// for malformed values.
    pub headers: Vec<(String, String)>,
}

impl Event {
    /// Returns an event of these bytes and nothing else.
    pub fn new(body: impl Into<Bytes>) -> Event {
        Event { body: body.into(), ..Event::default() }
    }
}

impl From<&str> for Event {
    fn from(body: &str) -> Event {
        Event::new(body.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for Event {
    fn from(body: Vec<u8>) -> Event {
        Event::new(body)
    }
}
