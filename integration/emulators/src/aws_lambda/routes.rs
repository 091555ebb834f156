//! The calls by their methods and paths. Only the table of the protocol is known here, and not the work of the calls.

use hyper::Method;

use super::faults::Endpoint;
use super::state::Post;

/// A call of the control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Next,
    Answer { id: String, post: Post },
    InitError,
    RestoreNext,
    RestoreError,
    Ping,
    Credentials,
    Register,
    ExtensionNext,
    ExtensionInitError,
    ExtensionExitError,
    Telemetry,
    Logs,
}

/// The reason why there is no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoCall {
    /// The path is unknown: 404.
    Path,
    /// The method is wrong: 405, with the method that is allowed.
    Method(&'static str),
}

/// Finds the call. The restore calls and the credentials exist only with `snap_start`.
pub(crate) fn route(method: &Method, path: &str, snap_start: bool) -> Result<Call, NoCall> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (allowed, call) = match segments[..] {
        ["2018-06-01", "runtime", "invocation", "next"] => ("GET", Call::Next),
        ["2018-06-01", "runtime", "invocation", id, last] if !id.is_empty() => {
            let post = match last {
                "response" => Post::Response,
                "error" => Post::Error,
                _ => return Err(NoCall::Path),
            };
            ("POST", Call::Answer { id: id.to_owned(), post })
        }
        ["2018-06-01", "runtime", "init", "error"] => ("POST", Call::InitError),
        ["2018-06-01", "runtime", "restore", "next"] if snap_start => ("GET", Call::RestoreNext),
        ["2018-06-01", "runtime", "restore", "error"] if snap_start => ("POST", Call::RestoreError),
        ["2018-06-01", "ping"] => ("GET", Call::Ping),
        ["2021-04-23", "credentials"] if snap_start => ("GET", Call::Credentials),
        ["2020-01-01", "extension", "register"] => ("POST", Call::Register),
        ["2020-01-01", "extension", "event", "next"] => ("GET", Call::ExtensionNext),
        ["2020-01-01", "extension", "init", "error"] => ("POST", Call::ExtensionInitError),
        ["2020-01-01", "extension", "exit", "error"] => ("POST", Call::ExtensionExitError),
        ["2022-07-01", "telemetry"] => ("PUT", Call::Telemetry),
        ["2020-08-15", "logs"] => ("PUT", Call::Logs),
        _ => return Err(NoCall::Path),
    };
    if method.as_str() == allowed { Ok(call) } else { Err(NoCall::Method(allowed)) }
}

impl Call {
    /// Returns the endpoint at which a fault for this call is queued.
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Call::Next => Endpoint::Next,
            Call::Answer { post: Post::Response, .. } => Endpoint::Response,
            Call::Answer { post: Post::Error, .. } => Endpoint::Error,
            Call::InitError => Endpoint::InitError,
            Call::RestoreNext => Endpoint::RestoreNext,
            Call::RestoreError => Endpoint::RestoreError,
            Call::Register => Endpoint::Register,
            Call::ExtensionNext => Endpoint::ExtensionNext,
            _ => Endpoint::Other,
        }
    }

    /// Returns `true` if the call waits for an event.
    pub(crate) fn polls(&self) -> bool {
        matches!(self, Call::Next | Call::RestoreNext | Call::ExtensionNext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_to_the_letter() {
        let get = |path| route(&Method::GET, path, false);
        assert_eq!(get("/2018-06-01/runtime/invocation/next"), Ok(Call::Next));
        for path in ["/2018-06-01/runtime/invocation/next/", "/runtime/invocation/next", "/", "*", "/2018-06-01//next"]
        {
            assert_eq!(get(path), Err(NoCall::Path), "{path}");
        }
        assert_eq!(get("/2018-06-01/runtime/invocation//response"), Err(NoCall::Path));
        assert_eq!(get("/2018-06-01/runtime/invocation/a/response"), Err(NoCall::Method("POST")));
    }

    #[test]
    fn restore_calls_exist_only_with_snap_start() {
        let path = "/2018-06-01/runtime/restore/next";
        assert_eq!(route(&Method::GET, path, true), Ok(Call::RestoreNext));
        assert_eq!(route(&Method::GET, path, false), Err(NoCall::Path));
        assert_eq!(route(&Method::POST, path, true), Err(NoCall::Method("GET")));
    }

    #[test]
    fn the_id_is_taken_as_it_is() {
        let call = route(&Method::POST, "/2018-06-01/runtime/invocation/a%20b/error", false);
        assert_eq!(call, Ok(Call::Answer { id: "a%20b".to_owned(), post: Post::Error }));
    }
}
