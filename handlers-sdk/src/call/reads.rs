//! What contexts of functions, and invocations and phases of layers, tell alike. The type needs a
//! `reader(&self) -> Reader<'_>`.

/// What is known without a request: of the process and the function.
macro_rules! process_reads {
    () => {
        fn text(&self, key: u32) -> &str {
            self.reader().text(key)
        }

        /// The function's name, as the platform or the configuration has it.
        pub fn function(&self) -> &str {
            self.text(::faas_abi::META_FUNCTION)
        }

        /// The function's version; empty where the platform has none.
        pub fn version(&self) -> &str {
            self.text(::faas_abi::META_VERSION)
        }

        /// The service the function belongs to.
        pub fn service_name(&self) -> &str {
            self.text(::faas_abi::META_SERVICE)
        }

        /// The stage: `dev`, `prod`.
        pub fn stage(&self) -> &str {
            self.text(::faas_abi::META_STAGE)
        }

        /// `aws-lambda`, `http`, …
        pub fn platform(&self) -> &str {
            self.text(::faas_abi::META_PLATFORM)
        }

        /// The platform's region.
        pub fn region(&self) -> &str {
            self.text(::faas_abi::META_REGION)
        }

        /// The platform's account or tenant of the function's owner.
        pub fn account(&self) -> &str {
            self.text(::faas_abi::META_ACCOUNT)
        }

        /// The time left until the deadline; `None` without one.
        pub fn remaining(&self) -> Option<::core::time::Duration> {
            Some(self.reader().num(::faas_abi::NUM_REMAINING_MS))
                .filter(|ms| *ms != u64::MAX)
                .map(::core::time::Duration::from_millis)
        }

        /// The memory of this instance in MiB; 0 if the platform does not say.
        pub fn memory_mb(&self) -> u64 {
            self.reader().num(::faas_abi::NUM_MEMORY_MB)
        }

        /// Where requests to others are sent from: the layer that offers the service `faas.http`. They end at this call's
        /// deadline. `None` if no layer offers it.
        pub fn http_client(&self) -> Option<$crate::service::http::Client> {
            let reader = self.reader();
            $crate::glue::service::http::find(reader.entry(), reader.num(::faas_abi::NUM_DEADLINE_NS))
        }

        /// Where parameters and secrets are asked for: the layer that offers the service `faas.params`. `None` if no layer
        /// offers it.
        pub fn params(&self) -> Option<$crate::service::params::Params> {
            $crate::glue::service::params::find(self.reader().entry())
        }

        /// Where values by key are kept: the layer that offers the service `faas.kv`. `None` if no layer offers it.
        pub fn kv(&self) -> Option<$crate::service::kv::Kv> {
            $crate::glue::service::kv::find(self.reader().entry())
        }

        /// A typed value that a hook of the same library has left here.
        pub fn value<T: ::core::any::Any + Send + Sync>(&self) -> Option<&T> {
            $crate::glue::values::get(self.reader())
        }
    };
}

/// What is known of an invocation, with its request.
macro_rules! reads {
    () => {
        $crate::call::reads::process_reads!();

        fn some_text(&self, key: u32) -> Option<&str> {
            Some(self.text(key)).filter(|text| !text.is_empty())
        }

        /// The platform's id of this invocation.
        pub fn request_id(&self) -> &str {
            self.text(::faas_abi::META_REQUEST_ID)
        }

        /// What kind of event it is: `http`, `timer`, `queue`, …; `raw` if nothing is known of it.
        pub fn trigger(&self) -> &str {
            self.text(::faas_abi::META_TRIGGER)
        }

        /// The trigger's own kind: `aws:sqs`, `aws:apigateway:v2`.
        pub fn source(&self) -> &str {
            self.text(::faas_abi::META_SOURCE)
        }

        /// The name this call used: an ARN with an alias, a qualifier.
        pub fn invoked_as(&self) -> &str {
            self.text(::faas_abi::META_INVOKED_AS)
        }

        /// The configured handler text.
        pub fn handler(&self) -> &str {
            self.text(::faas_abi::META_HANDLER)
        }

        /// On whose behalf, where the platform isolates tenants.
        pub fn tenant(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_TENANT)
        }

        /// What the calling client says of itself; JSON.
        pub fn client_context(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_CLIENT_CONTEXT)
        }

        /// Who the calling client is; JSON.
        pub fn identity(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_IDENTITY)
        }

        /// W3C `traceparent`, made from the platform's ids where it has none of its own.
        pub fn traceparent(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_TRACEPARENT)
        }

        /// W3C `tracestate`.
        pub fn tracestate(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_TRACESTATE)
        }

        /// The platform's own trace text: `Root=…;Parent=…;Sampled=1`. It is given here and never in the environment, which
        /// belongs to every invocation at once.
        pub fn trace(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_TRACE)
        }

        /// The id of the trace, as its platform's tools look for it: X-Ray's root (`1-5759e988-…`) on AWS, otherwise the 32
        /// digits of [`traceparent`](Self::traceparent), and so on AWS once a layer has chosen another trace.
        pub fn trace_id(&self) -> Option<&str> {
            let of_w3c = self.traceparent().and_then(|text| text.split('-').nth(1)).filter(|id| id.len() == 32);
            let of_xray = self.trace().and_then(|trace| trace.split(';').find_map(|part| part.strip_prefix("Root=")));
            let is_same = |root: &&str| {
                // Version, seconds and the rest: the digits behind the version are those of the trace.
                let digits = root.get(2..).unwrap_or_default().bytes().filter(|byte| *byte != b'-');
                of_w3c.is_none_or(|id| id.bytes().eq(digits))
            };
            of_xray.filter(is_same).or(of_w3c)
        }

        /// When the platform gives up waiting.
        pub fn deadline(&self) -> Option<::std::time::SystemTime> {
            self.deadline_epoch_ms()
                .map(|ms| ::std::time::SystemTime::UNIX_EPOCH + ::core::time::Duration::from_millis(ms))
        }

        /// The same in milliseconds since 1970.
        pub fn deadline_epoch_ms(&self) -> Option<u64> {
            Some(self.reader().num(::faas_abi::NUM_DEADLINE_EPOCH_MS)).filter(|ms| *ms != 0)
        }

        /// Is this the first invocation of this process?
        pub fn is_cold_start(&self) -> bool {
            self.reader().num(::faas_abi::NUM_COLD_START) != 0
        }

        /// How often the platform has tried before; of a record, how often its source has delivered it before.
        pub fn attempt(&self) -> u64 {
            self.reader().num(::faas_abi::NUM_ATTEMPT)
        }

        /// What a layer left for this invocation under that name.
        pub fn extension(&self, name: &str) -> Option<&str> {
            self.reader().get(::faas_abi::LIST_EXTENSION, name).and_then(|value| core::str::from_utf8(value).ok())
        }

        /// All that layers left.
        pub fn extensions(&self) -> $crate::call::pairs::Pairs<'_> {
            $crate::call::pairs::Pairs::new(self.reader(), ::faas_abi::LIST_EXTENSION)
        }

        /// The platform's own metadata as it came, such as its headers.
        pub fn platform_metadata(&self) -> $crate::call::pairs::Pairs<'_> {
            $crate::call::pairs::Pairs::new(self.reader(), ::faas_abi::LIST_PLATFORM)
        }

        /// The event as it came.
        pub fn event(&self) -> &[u8] {
            self.reader().event()
        }

        /// The HTTP body with its base64 undone; of a CloudEvent its data, on Azure Functions the trigger's value; of one
        /// record of a batch its payload; of any other trigger, the event.
        pub fn body(&self) -> &[u8] {
            self.reader().body()
        }

        /// What the source of a batch says of the record at hand. `None`: this is no record of a batch.
        pub fn record(&self) -> Option<$crate::call::record::RecordInfo<'_>> {
            $crate::call::record::RecordInfo::of(self.reader())
        }

        /// The content type of the event.
        pub fn content_type(&self) -> Option<&str> {
            self.some_text(::faas_abi::META_CONTENT_TYPE)
        }

        /// The HTTP request, if an HTTP trigger brought it.
        pub fn http(&self) -> Option<$crate::call::http_view::HttpView<'_>> {
            $crate::call::http_view::HttpView::of(self.reader())
        }
    };
}

pub(crate) use process_reads;
pub(crate) use reads;
