//! What comes between start and the first poll: being told of the end, and a snapshot.

use super::Shared;
use super::connection::{Connection, Lost};
use crate::start::FAILED;
use faas_core::failure::Failure;
use faas_core::http1::Message;
use faas_core::log::Level;
use faas_core::platform::{Enlist, Polling};
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Exit code when the work before a snapshot failed.
const BEFORE_SNAPSHOT: i32 = 64;
/// Exit code when the work after a restore failed.
const AFTER_RESTORE: i32 = 65;
/// Being told of the end is worth this much of a start, not more.
const ENLIST: Duration = Duration::from_secs(1);

/// Does it all.
///
/// # Errors
/// The failure, which the platform knows already, and the exit code.
pub(super) async fn open(shared: &Shared) -> Result<(), (Failure, i32)> {
    if shared.runtime.has_close_work() {
        let enlisted = tokio::time::timeout(ENLIST, enlist(&*shared.protocol)).await;
        if let Err(why) = enlisted.unwrap_or(Err(Trouble::Late)) {
            let message = format!("no stop signal will come, so Close will not run: {why}");
            shared.runtime.process().log.say(Level::Warn, &message);
        }
    }
    if shared.protocol.is_snapshotted() { snapshot(shared).await } else { Ok(()) }
}

/// Why something on a connection of its own did not work.
enum Trouble {
    Connect(io::Error),
    Exchange(Lost),
    Refused(u16),
    Late,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Connect(error) => write!(f, "no connection: {error}"),
            Trouble::Exchange(lost) => lost.fmt(f),
            Trouble::Refused(status) => write!(f, "the platform answered {status}"),
            Trouble::Late => write!(f, "no answer within {ENLIST:?}"),
        }
    }
}

/// Open for the life of the process; its answer never comes.
static ENLISTED: Mutex<Option<Connection>> = Mutex::new(None);

async fn enlist(protocol: &dyn Polling) -> Result<(), Trouble> {
    let mut connection: Option<Connection> = None;
    let mut answer: Option<Message> = None;
    let mut request = Vec::new();
    loop {
        request.clear();
        let step = protocol.enlist(answer.as_ref(), &mut request);
        match step {
            Enlist::Done => return Ok(()),
            Enlist::Refused => return Err(Trouble::Refused(answer.map_or(0, |answer| answer.status()))),
            Enlist::Exchange | Enlist::Park => {}
        }
        let open = match connection.take() {
            Some(open) if open.is_usable() => open,
            _ => Connection::open(protocol.endpoint()).await.map_err(Trouble::Connect)?,
        };
        let open = connection.insert(open);
        open.send(&request, b"").await.map_err(Trouble::Exchange)?;
        if step == Enlist::Park {
            *ENLISTED.lock().unwrap_or_else(PoisonError::into_inner) = connection;
            return Ok(());
        }
        answer = Some(open.receive().await.map_err(Trouble::Exchange)?);
    }
}

/// Suspend, the snapshot, Resume.
async fn snapshot(shared: &Shared) -> Result<(), (Failure, i32)> {
    let (runtime, protocol) = (&shared.runtime, &*shared.protocol);
    if let Err(failure) = runtime.suspend().await {
        let failure = Failure { kind: "Runtime.BeforeSnapshotError".to_owned(), ..failure };
        shared.report(|request| protocol.init_error(&failure, request));
        return Err((failure, BEFORE_SNAPSHOT));
    }
    match restored(protocol).await {
        Ok(()) => {}
        Err(trouble) => {
            let message = format!("waiting for the restore failed: {trouble}");
            return Err((Failure::new("Runtime.RestoreLost", message), FAILED));
        }
    }
    if let Err(failure) = runtime.resume().await {
        let failure = Failure { kind: "Runtime.AfterRestoreError".to_owned(), ..failure };
        shared.report(|request| {
            protocol.restore_error(&failure, request);
            true
        });
        return Err((failure, AFTER_RESTORE));
    }
    Ok(())
}

/// The process is snapshotted in here, and restored in here, any number of times.
async fn restored(protocol: &dyn Polling) -> Result<(), Trouble> {
    let mut request = Vec::new();
    protocol.restore(&mut request);
    let mut connection = Connection::open(protocol.endpoint()).await.map_err(Trouble::Connect)?;
    connection.send(&request, b"").await.map_err(Trouble::Exchange)?;
    let answer = connection.receive().await.map_err(Trouble::Exchange)?;
    if answer.status() == 200 { Ok(()) } else { Err(Trouble::Refused(answer.status())) }
}
