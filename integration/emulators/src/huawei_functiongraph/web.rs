//! The headers that the platform adds to the requests of an HTTP function, and of an event function of an image.

/// The additions to one request.
#[derive(Clone, Debug)]
pub struct Web {
    /// The id of the request.
    pub request_id: String,
    /// `true` if the function has an agency whose keys are sent.
    pub agency: bool,
}

impl Web {
    /// Makes the additions without an agency.
    pub fn new(request_id: &str) -> Web {
        Web { request_id: request_id.to_owned(), agency: false }
    }

    /// Returns the header lines, each ended by CRLF. Project and region are those that a partner has been seen to send.
    pub fn headers(&self) -> String {
        let mut lines = format!(
            "X-CFF-Request-Id: {}\r\nX-CFF-Memory: 128\r\nX-CFF-Timeout: 60\r\nX-CFF-Func-Name: graph-function\r\n\
             X-CFF-Func-Version: latest\r\nX-CFF-Package: default\r\nX-CFF-Project-Id: sn\r\nX-CFF-Region: cn\r\n",
            self.request_id
        );
        if self.agency {
            lines.push_str(
                "X-CFF-Auth-Token: temporary-auth-token\r\nX-CFF-Security-Access-Key: temporary-access-key\r\n\
                 X-CFF-Security-Secret-Key: temporary-secret-key\r\nX-CFF-Security-Token: temporary-security-token\r\n",
            );
        }
        lines
    }
}
