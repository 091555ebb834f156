//! One invocation from a request to its response, on the thread that read the request.

use super::answer::{self, Manner};
use super::connection::{Connection, send};
use super::post::Ending;
use super::worker::Worker;
use super::{Request, Server, time_out};
use faas_abi::CANCEL_DEADLINE;
use faas_abi::host::Given;
use faas_core::http1::{Framing, status_has_body};
use faas_core::invocation::Progress;
use faas_core::parking::block_on;
use faas_core::platform::BodyFrom;

/// A body up to this size is copied behind its head: cheaper than telling the system of two places.
const COPY: usize = 4 << 10;

impl Worker {
    /// Serves a request whose connection is engaged. True: the connection is still this worker's.
    pub(super) fn serve(&mut self, request: Request) -> bool {
        let server = self.server.clone();
        let Request { connection, message, facts, manner } = request;
        let (unit, watchdog) = (server.runtime.process(), server.stopper.watchdog());
        let cold = unit.enter();
        let invocation = self.place.get_mut();
        invocation.renew(message, facts, cold);
        invocation.set_peer(&connection.peer);
        if invocation.request_id().is_empty() {
            invocation.set_request_id(&server.ids.next());
        }
        self.post.begin(&connection, manner, facts);
        // A function that says it is short is run right here, with nobody watching.
        let mut aside = (!server.is_inline).then(|| self.step_aside());
        // Before the watchdog may give the invocation up: who has begun is told of once, and ends once.
        server.protocol.before(self.place.get());
        watchdog.begin(&self.slot, &self.place);
        block_on(server.runtime.invoke(&mut self.place));
        if !watchdog.claim(&self.slot) {
            self.come_back_late(&server);
            return false;
        }
        self.post.end();
        // Unless a stream has to be ended or the function has work after the response, what follows does not block, and
        // this thread counts as watching from here on.
        let is_streaming = matches!(self.place.get().progress(), Progress::Streaming(_));
        if let Some(began) = aside.take_if(|_| !is_streaming && !server.has_replied_work) {
            self.step_back(began);
        }
        if self.place.cancelled() == CANCEL_DEADLINE && self.place.get().failure().is_some() {
            self.place.get_mut().set_failure(time_out());
        }
        let ended = self.place.get();
        server.protocol.after(unit, ended.facts(), ended.request_id(), ended.failure().is_some());
        // Before the response is out: whoever has read it may send the next request, which waits for this thread then.
        server.admission.answered();
        self.respond(&server, &connection, manner);
        if server.has_replied_work {
            // The client has its response and may go on; this thread cannot yet.
            connection.let_go();
            let _ = server.epoll.again(&connection.socket, connection.token);
            block_on(server.runtime.replied(&mut self.place));
        }
        unit.leave();
        if let Some(message) = self.place.get_mut().clear() {
            self.reader.recycle(message);
        }
        server.admission.freed();
        if let Some(began) = aside {
            self.step_back(began);
        }
        if server.is_draining() {
            server.end_if_quiet();
        }
        !server.has_replied_work
    }

    /// The watchdog has answered, and counts on this thread no more.
    fn come_back_late(&mut self, server: &Server) {
        self.lost = true;
        server.runtime.process().leave();
        // In this order: a thread that still works must not be taken for a lost one.
        server.crew.found();
        server.admission.freed();
        if server.is_draining() {
            server.end_if_quiet();
        }
    }

    /// Sends the response, as far as the socket takes it; the connection keeps the rest.
    fn respond(&mut self, server: &Server, connection: &Connection, manner: Manner) {
        if let Progress::Streaming(_) = self.place.get().progress() {
            return self.end_stream(server, connection);
        }
        let manner = server.settled(manner);
        let invocation = self.place.get();
        self.head.clear();
        self.scratch.clear();
        let from = server.protocol.respond(invocation, &mut self.response, &mut self.scratch);
        let body = match from {
            BodyFrom::Reply => invocation.reply().as_slice(),
            BodyFrom::Scratch => &self.scratch,
        };
        let framing = Framing::Length(body.len() as u64);
        answer::head(&mut self.head, &self.response, manner, framing, &invocation.unit().log);
        let mut body = if manner.to_head || !status_has_body(self.response.status) { &[] } else { body };
        if body.len() <= COPY {
            self.head.extend_from_slice(body);
            body = &[];
        }
        let inner = &mut *connection.lock();
        inner.disengage();
        inner.closing = !manner.keep;
        let Ok(sent) = send(&connection.socket, &self.head, body) else {
            return server.close(connection, inner);
        };
        if sent == self.head.len() + body.len() {
            return;
        }
        let of_head = sent.min(self.head.len());
        inner.unsent.keep(&self.head[of_head..]);
        let at = sent - of_head;
        if body.is_empty() {
            return;
        }
        // What is not the invocation's memory may outlive it.
        if from == BodyFrom::Scratch {
            inner.unsent.keep_body(Given::from(std::mem::take(&mut self.scratch)), at);
        } else if invocation.reply().is_borrowed() || server.has_replied_work {
            inner.unsent.keep(&body[at..]);
        } else {
            inner.unsent.keep_body(self.place.get_mut().take_reply(), at);
        }
    }

    fn end_stream(&mut self, server: &Server, connection: &Connection) {
        let whole = self.place.get().failure().is_none();
        let ending = self.post.end_stream(whole, server.config.write_timeout);
        let inner = &mut *connection.lock();
        inner.disengage();
        match ending {
            Ending::Keep => {}
            Ending::Close => inner.closing = true,
            Ending::Abort => server.abort(connection, inner),
        }
    }
}
