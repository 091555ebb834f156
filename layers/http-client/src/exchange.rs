//! One request and its reply, over a connection that is idle or new.

use crate::connection::Connection;
use crate::fault::Fault;
use crate::head;
use crate::pool::Pool;
use crate::reply::{Incoming, Whole};
use crate::settings::Settings;
use crate::stop::Stop;
use crate::url::Url;
use faas_tls::Tls;
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::http::{ClientReply, ClientRequest};
use std::io::Write;

/// The state that all requests share.
#[derive(Debug)]
pub(crate) struct Exchange {
    settings: Settings,
    pub(crate) pool: Pool,
    tls: Tls,
}

/// The point that a failed request had reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// No byte of the request has left.
    Nothing,
    /// Some of the request has left, and not a byte of a reply has come.
    Sent,
    /// A reply has begun.
    ClientReply,
}

impl Exchange {
    pub(crate) fn new(settings: &Settings) -> Exchange {
        let pool = Pool::new(settings.max_idle, settings.idle_timeout);
        let tls = Tls::new(settings.ca.clone(), settings.ca_file.clone(), settings.identity.clone());
        Exchange { settings: settings.clone(), pool, tls }
    }

    /// Sends a request and reads the reply. It is sent a second time, over a new connection, only if its first one was
    /// idle before and had ended. Then either nothing of the request had left, or the request is safe to repeat and the
    /// configuration wants that.
    pub(crate) fn run(&self, request: &ClientRequest, stop: &Stop) -> Result<ClientReply, Fault> {
        let url = Url::read(request.url()).map_err(|why| Fault::new(ServiceErrorKind::Invalid, why))?;
        let proxy = self.settings.proxies.of(&url.origin);
        // Over TLS a proxy only sees a tunnel.
        let before = proxy.filter(|_| !url.origin.is_tls).map(|proxy| &proxy.user);
        let head = head::write(request, &url, before)?;
        let most = request.most().unwrap_or(self.settings.max_bytes);
        if let Some(mut connection) = self.pool.take(&url.origin) {
            stop.works_on(connection.socket())?;
            match round(&mut connection, &head, request, most) {
                Ok(whole) => return self.keep(&url, connection, whole, stop),
                Err((reached, fault)) => {
                    stop.check()?;
                    let may_repeat = self.settings.retry_safe && head::is_idempotent(request.method());
                    if !(reached == Reached::Nothing || reached == Reached::Sent && may_repeat) {
                        return Err(fault);
                    }
                }
            }
        }
        let limit = self.settings.connect_timeout;
        let mut connection = Connection::open(&url.origin, proxy, &self.tls, limit, stop)?;
        match round(&mut connection, &head, request, most) {
            Ok(whole) => self.keep(&url, connection, whole, stop),
            Err((_, fault)) => Err(stop.check().err().unwrap_or(fault)),
        }
    }

    fn keep(&self, url: &Url, connection: Connection, whole: Whole, stop: &Stop) -> Result<ClientReply, Fault> {
        // A request that was stopped meanwhile has ended its socket.
        stop.leaves()?;
        if whole.is_reusable {
            self.pool.put(&url.origin, connection);
        }
        Ok(whole.reply)
    }
}

/// Writes a request and reads its reply.
fn round(
    connection: &mut Connection,
    head: &[u8],
    request: &ClientRequest,
    most: u64,
) -> Result<Whole, (Reached, Fault)> {
    let before = connection.written();
    // Head and body go in one packet where they fit, which is one system call, and one record of TLS.
    let mut whole = head.to_vec();
    whole.extend_from_slice(request.content());
    let written = connection.write_all(&whole).and_then(|()| connection.flush());
    if written.is_err() && connection.written() == before {
        return Err((Reached::Nothing, Fault::failed("the connection had ended")));
    }
    // A server may refuse a body before it is there whole, and say so.
    let mut incoming = Incoming::new(connection);
    incoming.read(request.method(), most).map_err(|fault| {
        let reached = if incoming.has_begun { Reached::ClientReply } else { Reached::Sent };
        (reached, fault)
    })
}
