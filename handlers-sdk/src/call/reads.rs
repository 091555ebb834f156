//! The methods that the contexts of functions, and the invocations and phases of layers, have in common. The type needs
//! a `reader(&self) -> Reader<'_>`.

/// Writes the methods that need no request: those about the process and the function.
macro_rules! process_reads {
    () => {
        fn text(&self, key: u32) -> &str {
            self.reader().text(key)
        }

        /// Returns the function's name, as the platform or the configuration has it.
        pub fn function(&self) -> &str {
            self.text(::faas_abi::META_FUNCTION)
        }

        /// Returns the function's version. It is empty where the platform has no versions.
        pub fn version(&self) -> &str {
            self.text(::faas_abi::META_VERSION)
        }

        /// Returns the service the function belongs to.
        pub fn service_name(&self) -> &str {
            self.text(::faas_abi::META_SERVICE)
        }

        /// Returns the stage, such as `dev` or `prod`.
        pub fn stage(&self) -> &str {
            self.text(::faas_abi::META_STAGE)
        }

        /// Returns the platform's name, such as `aws-lambda` or `http`.
        pub fn platform(&self) -> &str {
            self.text(::faas_abi::META_PLATFORM)
        }

        /// Returns the platform's region.
        pub fn region(&self) -> &str {
            self.text(::faas_abi::META_REGION)
        }

        /// Returns the platform's account or tenant of the function's owner.
        pub fn account(&self) -> &str {
            self.text(::faas_abi::META_ACCOUNT)
        }

        /// Returns the time left until the deadline; `None` without a deadline.
        pub fn remaining(&self) -> Option<::core::time::Duration> {
            Some(self.reader().num(::faas_abi::NUM_REMAINING_MS))
                .filter(|ms| *ms != u64::MAX)
                .map(::core::time::Duration::from_millis)
        }

        /// Returns the memory of this instance in MiB; 0 if the platform does not say.
        pub fn memory_mb(&self) -> u64 {
            self.reader().num(::faas_abi::NUM_MEMORY_MB)
        }

        /// Returns the client for requests to others, of the layer that offers the service `faas.http`. The requests
        /// end at this call's deadline. It is `None` if no layer offers it.
        pub fn http_client(&self) -> Option<$crate::service::http::Client> {
            let reader = self.reader();
            $crate::service::table::http::find(reader.entry(), reader.num(::faas_abi::NUM_DEADLINE_NS))
        }

        /// Returns the client for parameters and secrets, of the layer that offers the service `faas.params`. It is
        /// `None` if no layer offers it.
        pub fn params(&self) -> Option<$crate::service::params::Params> {
            $crate::service::table::params::find(self.reader().entry())
        }

        /// Returns the store of values by key, of the layer that offers the service `faas.kv`. It is `None` if no layer
        /// offers it.
        pub fn kv(&self) -> Option<$crate::service::kv::Kv> {
            $crate::service::table::kv::find(self.reader().entry())
        }

        /// Returns the typed value that a hook of the same library has left here; `None` if there is none of this type.
        pub fn value<T: ::core::any::Any + Send + Sync>(&self) -> Option<&T> {
            $crate::host::values::get(self.reader())
        }
    };
}

/// Writes the methods that tell of an invocation and its request.
macro_rules! reads {
    () => {
        $crate::call::reads::process_reads!();

        fn some_text(&self, key: u32) -> Option<&str> {
            Some(self.text(key)).filter(|text| !text.is_empty())
        }

        /// Returns the platform's id of this invocation.
        pub fn request_id(&self) -> &str {
            self.text(::faas_abi::META_REQUEST_ID)
        }

        /// Returns the kind of the event: `http`, `timer`, `queue`, …; `raw` if nothing is known of it.
        pub fn trigger(&self) -> &str {
            self.text(::faas_abi::META_TRIGGER)
        }

        /// Returns the source of the event, such as `aws:sqs` or `aws:apigateway:v2`.
        pub fn source(&self) -> &str {
            self.text(::faas_abi::META_SOURCE)
        }

        /// Returns the name that this call used, such as an ARN with an alias, or a qualifier.
        pub fn invoked_as(&self) -> &str {
            self.text(::faas_abi::META_INVOKED_AS)
        }

        /// Returns the text of the configured handler.
        pub fn handler(&self) -> &str {
            self.text(::faas_abi::META_HANDLER)
        }

        /// Returns the tenant of the invocation; `None` where the platform does not isolate tenants.
        pub fn tenant(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_TENANT)
        }

        /// Returns the client's own description of itself, as JSON; `None` if it sent no such description.
        pub fn client_context(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_CLIENT_CONTEXT)
        }

        /// Returns the identity of the calling client, as JSON; `None` if the platform tells of no identity.
        pub fn identity(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_IDENTITY)
        }

        /// Returns the W3C `traceparent`, made from the platform's ids where it has none of its own; `None` without a
        /// trace.
        pub fn traceparent(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_TRACEPARENT)
        }

        /// Returns the W3C `tracestate`; `None` without one.
        pub fn tracestate(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_TRACESTATE)
        }

        /// Returns the platform's own trace text: such as `Root=…;Parent=…;Sampled=1`; `None` without one. It is given
        /// here and never in the environment, which belongs to every invocation at once.
        pub fn trace(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_TRACE)
        }

        /// Returns the id of the trace, as its platform's tools look for it: X-Ray's root (`1-5759e988-…`) on AWS,
        /// otherwise the 32 digits of [`traceparent`](Self::traceparent). Once a layer has chosen another trace, it is
        /// these digits on AWS, too. It is `None` without a trace.
        pub fn trace_id(&self) -> Option<&str> {
            let of_w3c = self.traceparent().and_then(|text| text.split('-').nth(1)).filter(|id| id.len() == 32);
            let of_xray = self.trace().and_then(|trace| trace.split(';').find_map(|part| part.strip_prefix("Root=")));
            let is_same = |root: &&str| {
                // The text is the version, the seconds and the rest: the digits behind the version are those of the
                // trace.
                let digits = root.get(2..).unwrap_or_default().bytes().filter(|byte| *byte != b'-');
                of_w3c.is_none_or(|id| id.bytes().eq(digits))
            };
            of_xray.filter(is_same).or(of_w3c)
        }

        /// Returns the moment at which the platform gives up waiting; `None` without a deadline.
        pub fn deadline(&self) -> Option<::std::time::SystemTime> {
            self.deadline_epoch_ms()
                .map(|ms| ::std::time::SystemTime::UNIX_EPOCH + ::core::time::Duration::from_millis(ms))
        }

        /// Returns the [`deadline`](Self::deadline) in milliseconds since 1970; `None` without a deadline.
        pub fn deadline_epoch_ms(&self) -> Option<u64> {
            Some(self.reader().num(::faas_abi::NUM_DEADLINE_EPOCH_MS)).filter(|ms| *ms != 0)
        }

        /// Returns `true` if this is the first invocation of this process.
        pub fn is_cold_start(&self) -> bool {
            self.reader().num(::faas_abi::NUM_COLD_START) != 0
        }

        /// Returns how often the platform has tried before; of a record, how often its source has delivered it before.
        pub fn attempt(&self) -> u64 {
            self.reader().num(::faas_abi::NUM_ATTEMPT)
        }

        /// Returns the extension that a layer left for this invocation under that name; `None` without one.
        pub fn extension(&self, name: &str) -> Option<&str> {
            self.reader().get(::faas_abi::LIST_EXTENSION, name).and_then(|value| core::str::from_utf8(value).ok())
        }

        /// Returns all extensions that layers left for this invocation.
        pub fn extensions(&self) -> $crate::call::pairs::Pairs<'_> {
            $crate::call::pairs::Pairs::new(self.reader(), ::faas_abi::LIST_EXTENSION)
        }

        /// Returns the platform's own metadata as it came, such as its headers.
        pub fn platform_metadata(&self) -> $crate::call::pairs::Pairs<'_> {
            $crate::call::pairs::Pairs::new(self.reader(), ::faas_abi::LIST_PLATFORM)
        }

        /// Returns the event as it came, without a copy.
        pub fn event(&self) -> &[u8] {
            self.reader().event()
        }

        /// Returns the HTTP body with its base64 undone. Of a CloudEvent it is the data, on Azure Functions the
        /// trigger's value, and of one record of a batch the payload. Of any other trigger it is the event.
        pub fn body(&self) -> &[u8] {
            self.reader().body()
        }

        /// Returns the details that the source of a batch gives of the record at hand; `None` if the call is not for
        /// one record of a batch.
        pub fn record(&self) -> Option<$crate::call::record::RecordInfo<'_>> {
            $crate::call::record::RecordInfo::of(self.reader())
        }

        /// Returns the content type of the event; `None` if it has no content type.
        pub fn content_type(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_CONTENT_TYPE)
        }

        /// Returns the HTTP request; `None` if no HTTP trigger brought the event.
        pub fn http(&self) -> Option<$crate::call::http_view::HttpView<'_>> {
            $crate::call::http_view::HttpView::of(self.reader())
        }
    };
}

pub(crate) use process_reads;
pub(crate) use reads;
