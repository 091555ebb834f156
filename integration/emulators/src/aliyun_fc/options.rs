//! The choices of a test about a function and the platform, and the variables and headers that follow.

use super::wire::Headers;
use std::path::PathBuf;
use std::time::Duration;

/// The platform or tool that calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Function Compute 3.0.
    Fc3,
    /// Function Compute 2.0, which has services, and a hook before a freeze.
    Fc2,
    /// The vendor's first local tool: it initialises, tries again every half a second, and names no control path.
    OldLocal,
    /// The vendor's second local tool: it dials twenty times, sends `POST /invoke` and nothing else.
    NewLocal,
}

impl Dialect {
    pub(super) fn is_cloud(self) -> bool {
        matches!(self, Dialect::Fc2 | Dialect::Fc3)
    }
}

/// The properties of a function.
#[derive(Clone, Debug)]
pub struct Options {
    /// The platform or tool that calls.
    pub dialect: Dialect,
    /// The port that the function is configured with.
    pub port: u16,
    /// A custom container instead of a custom runtime: no code folder, and one port variable only.
    pub container: bool,
    /// The folder that the code is unpacked to.
    pub code: PathBuf,
    /// The function's name.
    pub function: String,
    /// The handler, of any text.
    pub handler: String,
    /// The memory in MB.
    pub memory_mb: u32,
    /// The limit of a call, in seconds.
    pub timeout: u32,
    /// The name of the region.
    pub region: String,
    /// The number of the account.
    pub account: String,
    /// The name of the service, in 2.0.
    pub service: String,
    /// The alias or version that callers name.
    pub qualifier: String,
    /// The version that it stands for.
    pub version_id: String,
    /// `true` if an initializer is configured.
    pub initializer: bool,
    /// `true` if a hook before the end is configured.
    pub pre_stop: bool,
    /// `true` if a hook before a freeze is configured, in 2.0 only.
    pub pre_freeze: bool,
    /// The limit of a hook, in seconds.
    pub hook_timeout: u32,
    /// The number of requests at once in one instance, 1 to 200.
    pub concurrency: usize,
    /// `true` if the function has a role, and so credentials.
    pub role: bool,
    /// The time that the server may take to accept a connection.
    pub start_limit: Duration,
    /// The limit of all other waits for things that should happen at once.
    pub patience: Duration,
    /// The variables of the user.
    pub env: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            dialect: Dialect::Fc3,
            port: 9000,
            container: false,
            code: PathBuf::from("/code"),
            function: "shop".to_owned(),
            handler: "index.handler".to_owned(),
            memory_mb: 512,
            timeout: 60,
            region: "cn-hangzhou".to_owned(),
            account: "1234567890123456".to_owned(),
            service: "market".to_owned(),
            qualifier: "LATEST".to_owned(),
            version_id: String::new(),
            initializer: false,
            pre_stop: false,
            pre_freeze: false,
            hook_timeout: 60,
            concurrency: 1,
            role: true,
            start_limit: Duration::from_secs(120),
            patience: Duration::from_secs(30),
            env: Vec::new(),
        }
    }
}

/// The credentials of the function's role, made up.
pub const CREDENTIALS: [(&str, &str); 3] =
    [("access-key-id", "STS.id"), ("access-key-secret", "role-secret"), ("security-token", "role-token")];

impl Options {
    /// Returns the variables of the process.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let mut list = vec![
            ("FC_CUSTOM_LISTEN_PORT", self.port.to_string()),
            ("FC_FUNCTION_NAME", self.function.clone()),
            ("FC_FUNCTION_HANDLER", self.handler.clone()),
            ("FC_FUNCTION_MEMORY_SIZE", self.memory_mb.to_string()),
            ("FC_TIMEOUT", self.timeout.to_string()),
            ("FC_REGION", self.region.clone()),
            ("FC_ACCOUNT_ID", self.account.clone()),
            ("FC_INSTANCE_ID", "c-6700aa01-1b2c3d4e".to_owned()),
        ];
        if self.container {
            list.push(("FC_RUNTIME", "custom-container".to_owned()));
        } else {
            list.push(("FC_RUNTIME", "custom.debian12".to_owned()));
            list.push(("FC_SERVER_PORT", self.port.to_string()));
            list.push(("FC_FUNC_CODE_PATH", format!("{}/", self.code.display())));
        }
        if self.initializer {
            list.push(("FC_INITIALIZER_HANDLER", "index.initialize".to_owned()));
            list.push(("FC_INITIALIZATION_TIMEOUT", self.hook_timeout.to_string()));
        }
        if self.dialect == Dialect::Fc2 {
            list.push(("FC_SERVICE_NAME", self.service.clone()));
            list.push(("FC_QUALIFIER", self.qualifier.clone()));
        }
        let mut list: Vec<_> = list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if self.role {
            let named = |name: &str| format!("ALIBABA_CLOUD_{}", name.to_ascii_uppercase().replace('-', "_"));
            list.extend(CREDENTIALS.map(|(name, value)| (named(name), value.to_owned())));
        }
        list.extend(self.env.iter().cloned());
        list
    }

    /// Returns the headers that every request of the platform's has. A property that the function lacks is there, too,
    /// and empty.
    pub(super) fn headers(&self, request_id: &str, control: &str) -> Headers {
        let only = |is: bool, value: &str| if is { value.to_owned() } else { String::new() };
        let fc2 = self.dialect == Dialect::Fc2;
        let mut list = vec![
            ("Request-Id", request_id.to_owned()),
            ("Function-Name", self.function.clone()),
            ("Function-Handler", self.handler.clone()),
            ("Function-Memory", self.memory_mb.to_string()),
            ("Function-Timeout", self.timeout.to_string()),
            ("Function-Initializer", only(self.initializer, "index.initialize")),
            ("Initialization-Timeout", only(self.initializer, &self.hook_timeout.to_string())),
            ("Region", self.region.clone()),
            ("Account-Id", self.account.clone()),
            ("Service-Name", only(fc2, &self.service)),
            ("Service-Logproject", String::new()),
            ("Service-Logstore", String::new()),
            ("Qualifier", self.qualifier.clone()),
            ("Version-Id", self.version_id.clone()),
            ("Tracing-Opentracing-Span-Context", String::new()),
            ("Tracing-Opentracing-Span-Baggages", String::new()),
            ("Tracing-Jaeger-Endpoint", String::new()),
            ("Instance-Lifecycle-Pre-Stop-Handler", only(self.pre_stop, "index.preStop")),
        ];
        if fc2 {
            list.push(("Instance-Lifecycle-Pre-Freeze-Handler", only(self.pre_freeze, "index.preFreeze")));
        }
        list.extend(CREDENTIALS.map(|(name, value)| (name, only(self.role, value))));
        if self.dialect.is_cloud() {
            list.push(("Control-Path", control.to_owned()));
        }
        list.into_iter().map(|(name, value)| (format!("X-Fc-{name}"), value)).collect()
    }

    /// Returns a request id as this version makes them.
    pub(super) fn request_id(&self, number: u64) -> String {
        match self.dialect {
            Dialect::Fc3 | Dialect::NewLocal => format!("1-6700aa01-1b2c3d4e-{number:012x}"),
            Dialect::Fc2 | Dialect::OldLocal => format!("5f3c5a1e-9b7d-4c2e-8a1f-{number:012x}"),
        }
    }
}
