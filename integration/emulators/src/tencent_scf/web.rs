//! The headers that the platform adds to the requests of a web function, and of an event function of an image.

/// The additions to one request.
#[derive(Clone, Debug)]
pub struct Web {
    /// The id of the request.
    pub request_id: String,
    /// The limit in milliseconds.
    pub timeout_ms: u64,
    /// `true` if a role is bound, whose keys are sent.
    pub role: bool,
}

impl Web {
    /// Makes the additions with a limit of a minute and no role.
    pub fn new(request_id: &str) -> Web {
        Web { request_id: request_id.to_owned(), timeout_ms: 60_000, role: false }
    }

    /// Returns the header lines, each ended by CRLF.
    pub fn headers(&self) -> String {
        let mut lines = format!(
            "X-Scf-Request-Id: {}\r\nX-Scf-Memory: 256\r\nX-Scf-Timeout: {}\r\nX-Scf-Version: $LATEST\r\n\
             X-Scf-Name: scf-function\r\nX-Scf-Namespace: default\r\nX-Scf-Region: ap-test\r\n\
             X-Scf-Appid: 1250000000\r\nX-Scf-Uin: 100000000001\r\n",
            self.request_id, self.timeout_ms
        );
        if self.role {
            lines.push_str(
                "X-Scf-Session-Token: temporary-token\r\nX-Scf-Secret-Id: temporary-id\r\n\
                 X-Scf-Secret-Key: temporary-key\r\n",
            );
        }
        lines
    }
}
