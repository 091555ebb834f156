//! The news as they happen: rows, the state and lines of output, as server-sent events for the console's script, and
//! lines of output for `cargo faas logs`.

use super::super::app::App;
use super::super::store::{Change, Entry};
use super::super::tee::{BodyError, Out, boxed};
use super::Instead;
use super::form::Form;
use super::{html, list};
use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame};
use hyper::header::HeaderValue;
use serde_json::json;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

/// The time after which something is sent, so that a listener that has gone is noticed.
const BEAT: Duration = Duration::from_secs(15);

/// The number of pieces that wait for a listener that does not keep up.
const WAITING: usize = 64;

/// A body whose pieces come from a task.
struct Pieces(mpsc::Receiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

fn stream<F>(kind: &'static str, tell: impl FnOnce(mpsc::Sender<Bytes>) -> F) -> Response<Out>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, pieces) = mpsc::channel(WAITING);
    tokio::spawn(tell(sender));
    let mut response = Response::new(boxed(Pieces(pieces)));
    response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    response
}

/// Answers with changes in the form of the console's script.
pub(super) fn changes(app: &Arc<App>) -> Response<Out> {
    let app = Arc::clone(app);
    stream("text/event-stream", |sender| async move {
        let mut changes = app.listen();
        if sender.send(Bytes::from(state(&app))).await.is_err() {
            return;
        }
        loop {
            let text = tokio::select! {
                change = changes.recv() => match change {
                    Ok(Change::Invocation(number)) => match app.store.get(number) {
                        Some(record) => {
                            let status = record.status.map_or_else(String::new, |status| format!(", status {status}"));
                            let said = format!("#{number} {}{status}", record.input.title());
                            let is_over = record.took.is_some();
                            event("row", &json!({"number": number, "html": list::row(&record), "said": said, "over": is_over}))
                        }
                        None => continue,
                    },
                    Ok(Change::Line(entry)) => event("line", &entry.to_json()),
                    Ok(Change::State) => state(&app),
                    // The page has the missed changes when it is loaded anew.
                    Err(RecvError::Lagged(_)) => "event: reload\ndata: {}\n\n".to_owned(),
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(BEAT) => ": still here\n\n".to_owned(),
            };
            if sender.send(Bytes::from(text)).await.is_err() {
                return;
            }
        }
    })
}

fn state(app: &App) -> String {
    event("state", &json!({"html": html::banner(app)}))
}

fn event(name: &str, data: &serde_json::Value) -> String {
    // The JSON has no line break of its own.
    format!("event: {name}\ndata: {data}\n\n")
}

/// Answers with lines of output, one JSON object a line: those that are kept, and with `follow` those to come. A function
/// that the deployment does not have is refused, unless lines of it are kept.
pub(super) fn logs(app: &Arc<App>, query: &Form) -> Result<Response<Out>, Instead> {
    let (function, request) = (query.get("function").to_owned(), query.get("request").to_owned());
    if let Some(now) = app.now().filter(|_| !function.is_empty()) {
        let has_written = || app.store.entries(0).iter().any(|entry| entry.function.as_deref() == Some(&*function));
        if now.deployment.functions().iter().all(|(_, name)| *name != function) && !has_written() {
            return Err(Instead::no_function(&function, &now.deployment));
        }
    }
    let follows = query.has("follow");
    let app = Arc::clone(app);
    Ok(stream("application/x-ndjson", move |sender| async move {
        let wanted = |entry: &Entry| {
            let is = |wanted: &str, value: &Option<String>| wanted.is_empty() || value.as_deref() == Some(wanted);
            is(&function, &entry.function) && is(&request, &entry.request_id)
        };
        // The listener begins before the look at the kept lines, so that no line is lost in between.
        let mut changes = app.listen();
        let mut last = 0;
        loop {
            for entry in app.store.entries(last) {
                last = entry.number;
                if wanted(&entry) && sender.send(Bytes::from(format!("{}\n", entry.to_json()))).await.is_err() {
                    return;
                }
            }
            if !follows {
                return;
            }
            loop {
                tokio::select! {
                    change = changes.recv() => match change {
                        Ok(Change::Line(_)) | Err(RecvError::Lagged(_)) => break,
                        Ok(_) => {}
                        Err(RecvError::Closed) => return,
                    },
                    () = sender.closed() => return,
                }
            }
        }
    }))
}
