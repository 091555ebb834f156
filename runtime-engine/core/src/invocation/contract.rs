//! An invocation as `faas.h` shows it to modules: texts and numbers by key, lists, the reply, streams.
//!
//! What may be changed, and until when, is decided here; how it is kept is [`Invocation`]'s own.

use super::{Code, Invocation, Progress};
use crate::failure::Failure;
use crate::fields::{Fields, caseless_inline as caseless, exact};
use crate::http1::Message;
use crate::process::Deadline;
use crate::trigger::batch::Batch;
use crate::trigger::{Body, HttpView};
use faas_abi::host::{Chunk, Filter, Given, HeadHook, Memory};
use faas_abi::*;
use std::sync::Arc;

impl faas_abi::host::Invocation for Invocation {
    fn meta(&self, key: u32) -> &[u8] {
        let identity = &self.process.identity;
        let view = |text: fn(&HttpView) -> &[u8]| self.http().map_or(&[][..], text);
        if let Some(text) = self.record.as_ref().and_then(|record| record.meta(key)) {
            return text;
        }
        match key {
            META_REQUEST_ID => self.request_id(),
            META_FUNCTION if self.served.is_named => self.function.as_bytes(),
            META_FUNCTION if !self.metadata.function.is_empty() => self.fact(self.metadata.function),
            META_FUNCTION if identity.function.is_empty() => self.function.as_bytes(),
            META_FUNCTION => identity.function.as_bytes(),
            META_VERSION => self.fact_or(self.metadata.version, &identity.version),
            META_SERVICE => self.fact_or(self.metadata.service, &identity.service),
            META_STAGE => identity.stage.as_bytes(),
            META_PLATFORM => identity.platform.as_bytes(),
            META_REGION => self.fact_or(self.metadata.region, &identity.region),
            META_ACCOUNT => self.fact_or(self.metadata.account, &identity.account),
            META_HANDLER => identity.handler.as_bytes(),
            META_TRIGGER => match self.trigger {
                Some(set) => set.read(self.texts.as_slice()),
                None => self.decoded().kind.word().as_bytes(),
            },
            META_SOURCE => match self.source {
                Some(set) => set.read(self.texts.as_slice()),
                None => self.decoded().source.as_bytes(),
            },
            META_INVOKED_AS => self.fact(self.metadata.invoked_as),
            META_TENANT => self.fact(self.metadata.tenant),
            META_TRACEPARENT => self.traceparent(),
            META_TRACESTATE => match self.tracestate {
                Some(set) => set.read(self.texts.as_slice()),
                None => self.fact(self.metadata.tracestate),
            },
            META_TRACE => self.fact(self.metadata.trace),
            META_METHOD => view(HttpView::method),
            META_PATH => view(HttpView::path),
            META_RAW_PATH => view(HttpView::raw_path),
            META_RAW_QUERY => view(HttpView::raw_query),
            META_HOST => view(HttpView::host),
            META_SCHEME => view(HttpView::scheme),
            META_CLIENT_IP => view(HttpView::client_ip),
            META_PROTOCOL => view(HttpView::protocol),
            META_ROUTE => view(HttpView::route),
            META_CONTENT_TYPE => self.fact(self.metadata.content_type),
            META_CLIENT_CONTEXT => self.fact(self.metadata.client_context),
            META_IDENTITY => self.fact(self.metadata.identity),
            META_ERROR_KIND => self.words(|words| &words.kind),
            META_ERROR_MESSAGE => self.words(|words| &words.message),
            META_ERROR_DETAIL => self.words(|words| &words.detail),
            _ => &[],
        }
    }

    fn num(&self, key: u32) -> u64 {
        match key {
            NUM_DEADLINE_EPOCH_MS => self.metadata.deadline.map_or(0, |deadline| deadline.epoch_ms),
            NUM_DEADLINE_NS => self.metadata.deadline.map_or(0, |deadline| deadline.ns),
            NUM_REMAINING_MS => {
                self.metadata.deadline.map_or(u64::MAX, |deadline| deadline.remaining_ms(&self.process))
            }
            NUM_COLD_START => u64::from(self.cold),
            NUM_ATTEMPT => u64::from(self.metadata.attempt),
            NUM_MEMORY_MB if self.metadata.memory_mb > 0 => u64::from(self.metadata.memory_mb),
            NUM_MEMORY_MB => self.process.identity.memory_mb,
            NUM_IS_HTTP => u64::from(self.http().is_some()),
            NUM_REPLY_STATUS => match self.progress {
                Progress::Open => 0,
                Progress::Set(Code::Http(status)) | Progress::Streaming(Code::Http(status)) => u64::from(status),
                Progress::Set(_) | Progress::Streaming(_) => 200,
            },
            NUM_REPLY_BYTES => self.reply.as_slice().len() as u64,
            NUM_STREAMED_IN => u64::from(self.is_streamed_in()),
            NUM_STREAMED => u64::from(matches!(self.progress, Progress::Streaming(_))),
            NUM_RECEIVED_NS => self.received_ns,
            NUM_REPLY_CODE => match self.progress {
                Progress::Open => u64::MAX,
                Progress::Set(code) | Progress::Streaming(code) => code.number(),
            },
            NUM_STARTED_NS => 1,
            NUM_RECORD_INDEX => self.record.as_ref().map_or(0, |record| record.index as u64),
            NUM_AFTER_REPLY => u64::from(self.has_later),
            NUM_TIMED => u64::from(self.is_timed()),
            NUM_TAKES_FILTERS => u64::from(self.takes_filters),
            NUM_IN_FLIGHT => u64::from(self.process.in_flight()),
            _ => 0,
        }
    }

    fn set_meta(&mut self, key: u32, value: &[u8]) -> Status {
        match key {
            META_TRIGGER => self.trigger = Some(self.texts.put(value)),
            META_SOURCE => {
                self.source = Some(self.texts.put(value));
                self.forget_batch();
            }
            // The context of whoever is called from here on: a span of the layer's own, of the same trace or another.
            META_TRACEPARENT if !crate::trace::is_traceparent(value) => return E_INVALID,
            META_TRACEPARENT => self.own_traceparent = Some(self.texts.put(value)),
            META_TRACESTATE => self.tracestate = Some(self.texts.put(value)),
            META_METHOD => return self.set_in_view(HttpView::set_method, value),
            META_PATH => return self.set_in_view(HttpView::set_path, value),
            META_RAW_PATH => return self.set_in_view(HttpView::set_raw_path, value),
            META_RAW_QUERY => return self.set_in_view(HttpView::set_raw_query, value),
            META_HOST => return self.set_in_view(HttpView::set_host, value),
            META_SCHEME => return self.set_in_view(HttpView::set_scheme, value),
            META_CLIENT_IP => return self.set_in_view(HttpView::set_client_ip, value),
            META_ROUTE => return self.set_in_view(HttpView::set_route, value),
            _ => return E_UNSUPPORTED,
        }
        OK
    }

    fn event(&self) -> &[u8] {
        if !self.metadata.event.is_empty() {
            return self.fact(self.metadata.event);
        }
        match &self.message {
            Some(message) => message.body(),
            None => self.record.as_ref().map_or(&[], |record| &record.bytes),
        }
    }

    fn body(&self) -> &[u8] {
        if let Some(body) = &self.body {
            return body.as_slice();
        }
        let decoded = self.decoded();
        let data = decoded.data.as_ref().map(|data| &data.body);
        match data.or(decoded.http.as_ref().map(|view| &view.body)) {
            None | Some(Body::Whole) => self.event(),
            Some(Body::Empty) => &[],
            Some(Body::Part(span)) => span.read(self.event()),
            Some(Body::Own(bytes)) => bytes,
        }
    }

    fn set_body(&mut self, body: Given) -> Status {
        if let Some(replaced) = self.body.replace(body) {
            self.kept.body(replaced);
        }
        // Its records lay in the former one.
        self.forget_batch();
        OK
    }

    fn count(&self, list: u32) -> usize {
        match list {
            LIST_PLATFORM if self.record.is_none() => self.platform_list().count(),
            LIST_RECORD => self.batch().map_or(0, Batch::len),
            _ => self.list(list).map_or(0, Fields::len),
        }
    }

    fn at(&self, list: u32, index: usize) -> Option<(&[u8], &[u8])> {
        match list {
            LIST_PLATFORM if self.record.is_none() => self.platform_list().nth(index),
            LIST_RECORD => {
                let batch = self.batch().filter(|batch| index < batch.len())?;
                Some((batch.id(index), batch.bytes(index, self.body())))
            }
            _ => self.list(list)?.at(index),
        }
    }

    fn get(&self, list: u32, name: &[u8]) -> Option<&[u8]> {
        match list {
            LIST_PLATFORM if self.record.is_none() => {
                let value = self.message.as_ref()?.header(name)?;
                self.is_told(name, value).then_some(value)
            }
            LIST_RECORD => {
                let batch = self.batch()?;
                let index = (0..batch.len()).find(|index| batch.id(*index) == name)?;
                Some(batch.bytes(index, self.body()))
            }
            _ => self.list(list)?.get(name, comparison(list)),
        }
    }

    fn set(&mut self, list: u32, name: &[u8], value: &[u8]) -> Status {
        if let Err(status) = self.may_write(list, name, value) {
            return status;
        }
        let Some(fields) = self.list_mut(list) else { return E_UNSUPPORTED };
        fields.set(name, value, comparison(list));
        OK
    }

    fn add(&mut self, list: u32, name: &[u8], value: &[u8]) -> Status {
        if let Err(status) = self.may_write(list, name, value) {
            return status;
        }
        let Some(fields) = self.list_mut(list) else { return E_UNSUPPORTED };
        fields.add(name, value);
        OK
    }

    fn remove(&mut self, list: u32, name: &[u8]) -> Status {
        if self.is_head_out() && matches!(list, LIST_REPLY_HEADER | LIST_REPLY_COOKIE) {
            return E_INVALID;
        }
        let Some(fields) = self.list_mut(list) else { return E_UNSUPPORTED };
        if fields.remove(name, comparison(list)) { OK } else { E_NOT_FOUND }
    }

    fn memory(&self) -> &Memory {
        &self.memory
    }

    fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    fn reply(&mut self, code: u32, body: Given) -> Status {
        if self.is_head_out() {
            return E_INVALID;
        }
        let Some(code) = Code::of(code) else { return E_INVALID };
        self.progress = Progress::Set(code);
        self.set_reply(body);
        OK
    }

    fn reply_body(&self) -> &[u8] {
        self.reply.as_slice()
    }

    fn fail(&mut self, kind: &[u8], message: &[u8], detail: &[u8]) -> Status {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.fail_with(Failure { detail: text(detail), ..Failure::new(text(kind), text(message)) });
        OK
    }

    fn set_num(&mut self, key: u32, value: u64) -> Status {
        match key {
            NUM_REPLY_CODE => {
                let (Progress::Set(_), false) = (self.progress, self.is_out) else { return E_INVALID };
                let Some(code) = u32::try_from(value).ok().and_then(Code::of) else { return E_INVALID };
                self.progress = Progress::Set(code);
                OK
            }
            // A layer may bring the deadline forward, never put it off: the platform keeps its own.
            NUM_DEADLINE_NS | NUM_AFTER_REPLY | NUM_TIMED if self.record.is_some() => E_UNSUPPORTED,
            NUM_DEADLINE_NS => {
                let now = self.process.now_ns();
                if value == 0 || self.metadata.deadline.is_some_and(|deadline| value > deadline.ns) {
                    return E_INVALID;
                }
                let left_ms = value.saturating_sub(now) / 1_000_000;
                let epoch_ms = self.process.epoch_ms().saturating_add(left_ms);
                self.metadata.deadline = Some(Deadline { epoch_ms, ns: value });
                if let Some(flight) = &self.flight {
                    flight.tighten(value);
                }
                OK
            }
            NUM_AFTER_REPLY | NUM_TIMED if value > 1 => E_INVALID,
            NUM_AFTER_REPLY => {
                self.has_later = value == 1;
                OK
            }
            NUM_TIMED => {
                let now_ns = self.process.now_ns();
                self.calls.set_timed(value == 1, now_ns);
                OK
            }
            _ => E_UNSUPPORTED,
        }
    }

    fn stream_stage(&mut self, code: u32) -> Result<Arc<[HeadHook]>, Status> {
        // A stream that is collected is whole for every layer.
        if !self.metadata.is_whole && (self.no_streams || self.outgoing().stream.is_none()) {
            return Err(E_UNSUPPORTED);
        }
        if self.is_head_out() {
            return Err(E_INVALID);
        }
        let code = Code::of(code).ok_or(E_INVALID)?;
        self.progress = Progress::Set(code);
        self.set_reply(Given::EMPTY);
        Ok(self.heads_to_run())
    }

    fn stream_filter(&mut self, filter: Filter) {
        self.add_filter(filter);
    }

    fn stream_open(&mut self) -> Status {
        self.open_stream()
    }

    fn stream_write(&self, chunk: Given, room: *mut Tok) -> Status {
        self.write_stream(chunk, room)
    }

    fn stream_read(&self, ready: *mut Tok) -> Result<Chunk<'_>, Status> {
        self.read_stream(ready)
    }
}

impl Invocation {
    /// Returns the headers of the message, without those of the platform's own that are empty.
    fn platform_list(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let headers = self.message.iter().flat_map(Message::headers);
        headers.filter(|(name, value)| self.is_told(name, value))
    }

    fn is_told(&self, name: &[u8], value: &[u8]) -> bool {
        let own = self.metadata.own_headers;
        !value.is_empty() || own.is_empty() || !name.get(..own.len()).is_some_and(|start| caseless(start, own))
    }

    fn list(&self, list: u32) -> Option<&Fields> {
        match list {
            LIST_HEADER => self.http().map(|view| &view.headers),
            LIST_QUERY => self.http().map(|view| &view.query),
            LIST_COOKIE => self.http().map(|view| &view.cookies),
            LIST_PATH_PARAM => self.http().map(|view| &view.params),
            LIST_EXTENSION => Some(&self.extensions),
            LIST_CALL => Some(self.calls.list()),
            LIST_REPLY_HEADER => Some(&self.reply_headers),
            LIST_REPLY_COOKIE => Some(&self.reply_cookies),
            LIST_PLATFORM => self.record.as_ref().map(|record| &record.attributes),
            LIST_FAILED_RECORD => self.batch().map(|batch| &batch.failed),
            LIST_ATTRIBUTE => self.decoded().data.as_ref().map(|data| &data.attributes),
            _ => None,
        }
    }

    /// Returns a text of the failure. It is empty if the invocation has not failed.
    fn words(&self, text: fn(&Failure) -> &str) -> &[u8] {
        self.failure.as_ref().map_or(&[], |failure| text(self.kept.words(failure)).as_bytes())
    }

    /// Sets a text of the request; an event without one has no place for it.
    fn set_in_view(&mut self, set: fn(&mut HttpView, &[u8]), value: &[u8]) -> Status {
        let Some(view) = self.http_mut() else { return E_UNSUPPORTED };
        set(view, value);
        OK
    }

    /// Returns a list that may be changed. It is `None` if nobody may change it, or if the event has no request or
    /// batch that it could belong to.
    fn list_mut(&mut self, list: u32) -> Option<&mut Fields> {
        match list {
            LIST_HEADER => self.http_mut().map(|view| &mut view.headers),
            LIST_QUERY => self.http_mut().map(|view| &mut view.query),
            LIST_COOKIE => self.http_mut().map(|view| &mut view.cookies),
            LIST_PATH_PARAM => self.http_mut().map(|view| &mut view.params),
            LIST_EXTENSION => Some(&mut self.extensions),
            LIST_REPLY_HEADER => Some(&mut self.reply_headers),
            LIST_REPLY_COOKIE => Some(&mut self.reply_cookies),
            LIST_FAILED_RECORD => self.batch_mut().map(|batch| &mut batch.failed),
            _ => None,
        }
    }

    /// Checks that an item may be written to a list. A reply's head may change until it is out, and no text may break
    /// out of its header line. Failed records may be named until the batch is settled.
    fn may_write(&self, list: u32, name: &[u8], value: &[u8]) -> Result<(), Status> {
        if list == LIST_FAILED_RECORD && self.batch().is_some_and(|batch| batch.is_settled) {
            return Err(E_INVALID);
        }
        if !matches!(list, LIST_REPLY_HEADER | LIST_REPLY_COOKIE) {
            return Ok(());
        }
        if self.is_head_out() {
            return Err(E_INVALID);
        }
        let legal = (list == LIST_REPLY_COOKIE || crate::http1::write::is_header_name(name))
            && crate::http1::write::is_header_value(value);
        if legal { Ok(()) } else { Err(E_INVALID) }
    }
}

fn comparison(list: u32) -> fn(&[u8], &[u8]) -> bool {
    if matches!(list, LIST_HEADER | LIST_REPLY_HEADER) { caseless } else { exact }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Assembly;
    use crate::invocation::InvocationMetadata;
    use crate::testing::process;
    use faas_abi::host::Invocation as Contract;

    fn of_event(event: &str) -> Invocation {
        let mut assembly = Assembly::request(Vec::new(), b"POST", b"/", b"");
        assembly.body().extend_from_slice(event.as_bytes());
        let mut invocation = Invocation::new(process().0, Arc::from("f"));
        invocation.renew(assembly.finish(), &InvocationMetadata::default(), false);
        invocation
    }

    const LISTS: [u32; 4] = [LIST_HEADER, LIST_QUERY, LIST_COOKIE, LIST_PATH_PARAM];
    const TEXTS: [u32; 8] =
        [META_METHOD, META_PATH, META_RAW_PATH, META_RAW_QUERY, META_HOST, META_SCHEME, META_CLIENT_IP, META_ROUTE];

    #[test]
    fn an_event_without_a_request_gets_none_by_what_a_layer_sets() {
        for event in ["plain", r#"{"Records":[{"eventSource":"aws:sqs"}]}"#] {
            let mut invocation = of_event(event);
            for list in LISTS {
                assert_eq!(Contract::set(&mut invocation, list, b"a", b"1"), E_UNSUPPORTED);
                assert_eq!(Contract::add(&mut invocation, list, b"a", b"1"), E_UNSUPPORTED);
                assert_eq!(Contract::remove(&mut invocation, list, b"a"), E_UNSUPPORTED);
            }
            for text in TEXTS {
                assert_eq!(invocation.set_meta(text, b"x"), E_UNSUPPORTED, "{text}");
                assert_eq!(invocation.meta(text), b"", "{text}");
            }
            assert_eq!((invocation.num(NUM_IS_HTTP), invocation.body()), (0, event.as_bytes()));
        }
    }

    #[test]
    fn who_is_trusted_does_not_depend_on_the_events_before() {
        let identity = crate::process::Identity { trusted_hops: 1, ..crate::process::Identity::default() };
        let process = Arc::new(crate::process::Process::new(identity, process().0.log.clone()));
        let mut invocation = Invocation::new(process, Arc::from("f"));
        let request = r#"{"requestContext":{"elb":{}},"headers":{"x-forwarded-for":"192.0.2.7"}}"#;
        for event in [request, "raw", request, r#"{"awslogs":{}}"#, request, request] {
            let mut assembly = Assembly::request(Vec::new(), b"POST", b"/", b"");
            assembly.body().extend_from_slice(event.as_bytes());
            invocation.renew(assembly.finish(), &InvocationMetadata::default(), false);
            let expected: &[u8] = if event == request { b"192.0.2.7" } else { b"" };
            assert_eq!(invocation.meta(META_CLIENT_IP), expected, "{event}");
        }
    }

    #[test]
    fn a_request_that_is_there_may_be_changed() {
        let mut invocation = of_event(r#"{"requestContext":{"elb":{}},"body":"inner","headers":{"a":"0"}}"#);
        assert_eq!(Contract::set(&mut invocation, LIST_HEADER, b"A", b"1"), OK);
        assert_eq!(invocation.set_meta(META_CLIENT_IP, b"[2001:db8::7]:443"), OK);
        assert_eq!(invocation.get(LIST_HEADER, b"a"), Some(&b"1"[..]));
        assert_eq!((invocation.meta(META_CLIENT_IP), invocation.body()), (&b"2001:db8::7"[..], &b"inner"[..]));
    }

    #[test]
    fn a_layer_sets_the_trace_context_and_only_a_well_formed_one() {
        let mut invocation = of_event("plain");
        let context = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(invocation.set_meta(META_TRACEPARENT, b"00-0-0-01"), E_INVALID);
        assert_eq!(invocation.meta(META_TRACEPARENT), b"");
        assert_eq!(invocation.set_meta(META_TRACEPARENT, context), OK);
        assert_eq!(invocation.set_meta(META_TRACESTATE, b"vendor=1"), OK);
        assert_eq!(
            (invocation.meta(META_TRACEPARENT), invocation.meta(META_TRACESTATE)),
            (&context[..], &b"vendor=1"[..])
        );
        invocation.clear();
        assert_eq!((invocation.meta(META_TRACEPARENT), invocation.meta(META_TRACESTATE)), (&b""[..], &b""[..]));
    }

    #[test]
    fn a_recogniser_makes_a_request_that_starts_with_the_whole_body() {
        let mut invocation = of_event("plain");
        invocation.begin_recognising();
        assert_eq!(Contract::add(&mut invocation, LIST_HEADER, b"a", b"1"), OK);
        assert_eq!(invocation.set_meta(META_METHOD, b"PUT"), OK);
        invocation.end_recognising(true);
        assert_eq!((invocation.num(NUM_IS_HTTP), invocation.body()), (1, &b"plain"[..]));
        assert_eq!((invocation.meta(META_METHOD), invocation.meta(META_PATH)), (&b"PUT"[..], &b"/"[..]));
        assert_eq!(Contract::add(&mut invocation, LIST_HEADER, b"a", b"2"), OK, "there is a request now");
    }

    #[test]
    fn a_recogniser_that_does_not_know_the_event_leaves_nothing() {
        let mut invocation = of_event("plain");
        invocation.begin_recognising();
        assert_eq!(invocation.set_meta(META_TRIGGER, b"mine"), OK);
        assert_eq!(Contract::add(&mut invocation, LIST_HEADER, b"a", b"1"), OK);
        assert_eq!(invocation.set_body(Given::from(b"other".to_vec())), OK);
        invocation.end_recognising(false);
        assert_eq!((invocation.num(NUM_IS_HTTP), invocation.body()), (0, &b"plain"[..]));
        assert_eq!((invocation.meta(META_TRIGGER), invocation.count(LIST_HEADER)), (&b"raw"[..], 0));
    }

    /// Returns the place of a text: its first address and the one behind its last.
    fn place(text: &[u8]) -> (usize, usize) {
        let start = text.as_ptr().addr();
        (start, start + text.len())
    }

    #[test]
    fn what_was_shown_stays_where_it_was_while_everything_is_changed() {
        const TEXTS: [u32; 4] = [META_METHOD, META_PATH, META_TRIGGER, META_SOURCE];
        const LISTS: [u32; 3] = [LIST_HEADER, LIST_EXTENSION, LIST_REPLY_HEADER];
        fn change(invocation: &mut Invocation, text: &str) {
            let given = || Given::from(text.as_bytes().to_vec());
            for key in TEXTS {
                assert_eq!(invocation.set_meta(key, text.as_bytes()), OK);
            }
            for list in LISTS {
                assert_eq!(Contract::set(invocation, list, b"name", text.as_bytes()), OK);
            }
            assert_eq!(invocation.set_body(given()), OK);
            assert_eq!(Contract::reply(invocation, 200, given()), OK);
        }
        fn show(invocation: &Invocation, shown: &mut Vec<(usize, usize)>) {
            shown.extend(TEXTS.map(|key| place(invocation.meta(key))));
            shown.extend(LISTS.map(|list| place(invocation.get(list, b"name").expect("it is set"))));
            shown.extend([invocation.body(), invocation.reply_body()].map(place));
        }
        let mut invocation =
            of_event(r#"{"requestContext":{"elb":{}},"path":"/p","httpMethod":"PUT","headers":{"a":"0"}}"#);
        let mut shown = Vec::new();
        for number in 0..200_u32 {
            let text = number.to_string().repeat(20);
            change(&mut invocation, &text);
            show(&invocation, &mut shown);
            assert_eq!(invocation.fail(b"Kind", text.as_bytes(), b""), OK);
            shown.push(place(invocation.meta(META_ERROR_MESSAGE)));
        }
        // Memory that was freed would have been taken by what came after.
        shown.sort_unstable();
        assert!(shown.windows(2).all(|pair| pair[0].1 <= pair[1].0), "one text lies where another lay");
        invocation.clear();
    }
}
