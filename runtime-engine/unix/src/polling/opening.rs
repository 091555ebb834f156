//! The steps between start and the first poll: the snapshot, and the registration for a signal at the end.

use super::Connection;
use crate::exit_code::FAILED;
use faas_core::failure::Failure;
use faas_core::lifecycle::Runtime;
use faas_core::log::Level;
use faas_core::parking::block_on;
use faas_core::platform::{Polling, Registration};
use std::sync::{Mutex, PoisonError};

/// The exit code if a hook before the snapshot failed.
const BEFORE_SNAPSHOT: i32 = 64;
/// The exit code if a hook after the restore failed.
const AFTER_RESTORE: i32 = 65;

/// Takes the steps that the platform wants before the first poll.
///
/// # Errors
/// A failure that has been reported, and the exit code.
pub(super) fn open(runtime: &Runtime, protocol: &dyn Polling) -> Result<(), (Failure, i32)> {
    if runtime.has_close_work() {
        enlist(runtime, protocol);
    }
    if protocol.is_snapshotted() { snapshot(runtime, protocol) } else { Ok(()) }
}

/// The connection of the registration. It stays open for the life of the process; its answer never comes.
static ENLISTED: Mutex<Option<Connection>> = Mutex::new(None);

/// Asks the platform to send a stop signal at the end, which may take a second of a start and no more. If it refuses or
/// cannot, that is no failure: the process is then simply killed one day.
fn enlist(runtime: &Runtime, protocol: &dyn Polling) {
    let mut request = Vec::new();
    if protocol.enlist(None, &mut request) == Registration::Done {
        return;
    }
    let open = Connection::open_impatient(protocol.endpoint());
    let result = open.map_err(|error| error.to_string()).and_then(|mut connection| {
        loop {
            connection.send(&request, b"").map_err(|lost| lost.to_string())?;
            let answer = connection.receive().map_err(|lost| lost.to_string())?;
            request.clear();
            match protocol.enlist(Some(&answer), &mut request) {
                Registration::Exchange => {}
                Registration::Done => return Ok(()),
                Registration::Refused => return Err(format!("the platform answered {}", answer.status())),
                Registration::Park => {
                    connection.send(&request, b"").map_err(|lost| lost.to_string())?;
                    *ENLISTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
                    return Ok(());
                }
            }
        }
    });
    if let Err(why) = result {
        let message = format!("no stop signal will come, so Close will not run: {why}");
        runtime.process().log.say(Level::Warn, &message);
    }
}

/// Runs Suspend, lets the platform take its snapshot, and runs Resume.
fn snapshot(runtime: &Runtime, protocol: &dyn Polling) -> Result<(), (Failure, i32)> {
    let mut request = Vec::new();
    if let Err(failure) = block_on(runtime.suspend()) {
        let failure = Failure { kind: "Runtime.BeforeSnapshotError".to_owned(), ..failure };
        protocol.init_error(&failure, &mut request);
        let _ = Connection::post_alone(protocol.endpoint(), &request);
        return Err((failure, BEFORE_SNAPSHOT));
    }
    protocol.restore(&mut request);
    let answer = Connection::open(protocol.endpoint()).map_err(|error| error.to_string()).and_then(|mut connection| {
        connection.send(&request, b"").map_err(|lost| lost.to_string())?;
        // The process is snapshotted here, and restored here, any number of times.
        connection.receive().map_err(|lost| lost.to_string())
    });
    match answer {
        Ok(answer) if answer.status() == 200 => {}
        Ok(answer) => {
            return Err((lost(format!("the Runtime API answered {} to it", answer.status())), FAILED));
        }
        Err(why) => return Err((lost(why), FAILED)),
    }
    if let Err(failure) = block_on(runtime.resume()) {
        let failure = Failure { kind: "Runtime.AfterRestoreError".to_owned(), ..failure };
        request.clear();
        protocol.restore_error(&failure, &mut request);
        let _ = Connection::post_alone(protocol.endpoint(), &request);
        return Err((failure, AFTER_RESTORE));
    }
    Ok(())
}

fn lost(why: String) -> Failure {
    Failure::new("Runtime.RestoreLost", format!("waiting for the restore failed: {why}"))
}
