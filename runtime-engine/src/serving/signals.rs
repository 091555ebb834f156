//! What a platform asks for besides invocations: how the process is, and the phases of its life.
//!
//! Work that modules do here goes to the pool, and goes on when whoever asked for it leaves.

use super::stage::{Ground, Seen, Started};
use super::{Client, Server};
use crate::code;
use crate::start::{FAILED, say_failed, too_long};
use crate::traces;
use faas_core::failure::Failure;
use faas_core::lifecycle::Runtime;
use faas_core::log::Level;
use faas_core::parking::block_on;
use faas_core::platform::{Answer, HandlerName, Initial, Signal, State};
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Who waits for the end of invocations looks this often for such as do not end.
const LOOK: Duration = Duration::from_millis(50);

/// Nothing is started any more.
pub(super) fn stopping() -> Failure {
    Failure::new("Runtime.Closing", "this instance has been told to stop")
}

/// A call of modules broke the thread it was on, which has been logged.
fn broken() -> Failure {
    Failure::new("Runtime.Internal", "a thread of the pool ended in the middle of a phase")
}

impl Server {
    /// How far the process is.
    pub(super) fn state(&self) -> State {
        match self.stage.look() {
            _ if self.closed.load(SeqCst) => State::Closed,
            Seen::Started(_) if self.is_stopping() => State::Stopping,
            Seen::Started(_) => State::Ready,
            Seen::Waiting => State::Waiting,
            // One that has failed is about to leave, and will be nothing else any more.
            Seen::Begun | Seen::Function | Seen::Failed(_) => State::Starting,
            Seen::Closed => State::Closed,
        }
    }

    /// The answer to a question after readiness.
    pub(super) fn health(&self) -> Answer {
        let layers = self.stage.started().map_or(Ok(()), |started| started.runtime.chain().health());
        let file = || match self.protocol.ready_file() {
            Some(path) if !Path::new(path).exists() => Err(format!("{path} is gone")),
            _ => Ok(()),
        };
        match layers.and_then(|()| file()) {
            Ok(()) => Answer::text(200, "OK"),
            Err(why) => Answer::text(503, why),
        }
    }

    /// Makes the file that says the process takes requests, where the platform wants one.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn say_ready(&self) -> Result<(), Failure> {
        self.protocol.ready_file().map_or(Ok(()), make_ready)
    }

    /// What has been started, for an invocation; begins to start it if everything waits for a signal. Else why not, and
    /// whether the process has been told to stop.
    pub(super) async fn started_for(&self, client: &Arc<Client>) -> Result<&Started, (Failure, bool)> {
        loop {
            match self.stage.settled().await {
                Seen::Started(started) => return Ok(started),
                Seen::Waiting if self.is_stopping() => return Err((stopping(), true)),
                Seen::Waiting => {
                    begin(client, Initial::default());
                }
                Seen::Failed(failure) => return Err((failure, false)),
                Seen::Closed => return Err((stopping(), true)),
                // `settled` waits for their end.
                Seen::Begun | Seen::Function => {}
            }
        }
    }
}

/// Makes the file at `path`, for its group too, as platforms' own programs make theirs, whatever the umask says.
fn make_ready(path: &str) -> Result<(), Failure> {
    let made = File::create(path).and_then(|file| {
        traces::add(Path::new(path));
        file.set_permissions(Permissions::from_mode(0o660))
    });
    made.map_err(|error| {
        let message = format!("the file that says the process is ready cannot be made at {path}: {error}");
        Failure::new("Runtime.NoReadyFile", message)
    })
}

/// Does what a signal asks for; the answer to it. `None`: what it asks for has been done for somebody else meanwhile, so
/// that its request means something else now. The protocol hears of the end of each signal once, also when nobody waits
/// for it any more.
pub(super) async fn heed(client: &Arc<Client>, signal: Signal) -> Option<Answer> {
    let client = client.clone();
    let heeded = tokio::spawn(async move {
        let mut signal = signal;
        let done = obey(&client, &mut signal).await;
        let result = done.as_ref().map_or(Ok(()), |result| result.as_ref().copied());
        let answer = client.server.protocol.signalled(&signal, result);
        done.is_some().then_some(answer)
    });
    heeded.await.unwrap_or_else(|_| Some(Answer::text(500, broken().to_string())))
}

/// What a signal came to. `None`: it asked for a start that somebody else had begun, and that start has gone well.
async fn obey(client: &Arc<Client>, signal: &mut Signal) -> Option<Result<(), Failure>> {
    let server = &client.server;
    let result = match (server.stage.settled().await, &mut *signal) {
        (Seen::Started(_), Signal::Initialize(_)) => return None,
        (Seen::Started(started), signal) => drive(client, started, signal).await,
        (Seen::Waiting, Signal::Initialize(_)) if server.is_stopping() => Err(stopping()),
        (Seen::Waiting, Signal::Initialize(initial)) => {
            let first = begin(client, std::mem::take(initial));
            match server.stage.settled().await {
                Seen::Started(_) if !first => return None,
                Seen::Started(_) => Ok(()),
                Seen::Failed(failure) => Err(failure),
                Seen::Begun | Seen::Function | Seen::Waiting | Seen::Closed => Err(stopping()),
            }
        }
        // There is no function to be told of it, and its layers have only just begun.
        (Seen::Waiting | Seen::Closed, Signal::Suspend) => Ok(()),
        (Seen::Waiting, Signal::Stop) => close_layers(client).await,
        (Seen::Failed(failure), _) => Err(failure),
        (Seen::Closed, Signal::Stop) => Ok(()),
        (Seen::Begun | Seen::Function | Seen::Closed, _) => Err(stopping()),
    };
    Some(result)
}

/// Runs a phase of a process that has started.
async fn drive(client: &Arc<Client>, started: &Started, signal: &Signal) -> Result<(), Failure> {
    let server = &client.server;
    if *signal == Signal::Stop {
        server.closed.store(true, SeqCst);
        server.no_longer_ready();
    }
    let (client, runtime, signal) = (client.clone(), started.runtime.clone(), signal.clone());
    let phase = move || {
        let quiet = if signal == Signal::Stop { quiet(&client.server) } else { Ok(()) };
        let result = quiet.and_then(|()| block_on(runtime.signal(&signal)));
        // Before the client, whose end the process waits for.
        drop(runtime);
        drop(client);
        result
    };
    server.pool.spawn_blocking(phase).await.unwrap_or_else(|_| Err(broken()))
}

/// Blocks until no invocation is in progress, but no longer than the grace, and not for functions that do not end.
fn quiet(server: &Server) -> Result<(), Failure> {
    let begin = Instant::now();
    loop {
        let left = server.grace.saturating_sub(begin.elapsed());
        if server.unit.wait_quiet(left.min(LOOK)) {
            return Ok(());
        }
        let hung = server.seats.still_hung();
        let message = if hung > 0 && server.unit.in_flight() as usize <= hung {
            "functions are running that do not end: Close is left to the end".to_owned()
        } else if left <= LOOK {
            format!("invocations are still in progress after {:?}: Close is left to the end", server.grace)
        } else {
            continue;
        };
        return Err(Failure::new("Runtime.Closing", message));
    }
}

/// Runs Close over layers that wait for a function.
async fn close_layers(client: &Arc<Client>) -> Result<(), Failure> {
    let server = &client.server;
    server.closed.store(true, SeqCst);
    server.no_longer_ready();
    // Nobody else's, or on its way: there is nothing to wait for.
    let Some(ground) = server.stage.give_up() else { return Ok(()) };
    let client = client.clone();
    let close = move || {
        block_on(ground.booted.close());
        drop(client);
    };
    server.pool.spawn_blocking(close).await.map_err(|_| broken())
}

/// Starts the function. False: somebody else has begun to.
fn begin(client: &Arc<Client>, initial: Initial) -> bool {
    let Some(ground) = client.server.stage.begin_function() else { return false };
    let client = client.clone();
    tokio::spawn(async move {
        let server = &client.server;
        let limit = ground.life.settings.init_timeout;
        let starting = server.pool.spawn_blocking(move || function(*ground, initial));
        let result = match limit {
            Some(limit) => timeout(limit, starting).await.unwrap_or_else(|_| Ok(Err(too_long(limit)))),
            None => starting.await,
        };
        match result.unwrap_or_else(|_| Err(broken())) {
            Ok(runtime) => {
                server.unit.log.say(Level::Info, &format!("started function {}", runtime.function_name()));
                server.stage.start(Started::new(runtime, server.pool.clone()));
            }
            Err(failure) => {
                say_failed(&server.unit, &failure);
                server.stage.fail(failure);
                // Whoever has asked is answered, and then the process leaves.
                server.stop.give_up(FAILED);
            }
        }
    });
    true
}

fn function(ground: Ground, initial: Initial) -> Result<Runtime, Failure> {
    let Ground { life, booted, features } = ground;
    let Initial { environment, code, handler } = initial;
    life.unit.give_environment(environment);
    let code = match code.map(|bytes| code::unpack(&bytes)).transpose() {
        Ok(code) => code,
        Err(failure) => {
            block_on(booted.close());
            return Err(failure);
        }
    };
    let handler = handler.map(|text| HandlerName { text, required: true });
    life.function(booted, features, handler.as_ref().or(life.handler.as_ref()), code.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_file_has_its_rights_and_goes_with_the_process() {
        let path = std::env::temp_dir().join(format!("engine-ready-{}", std::process::id()));
        make_ready(path.to_str().unwrap()).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
        traces::remove(&path);
        assert!(!path.exists());
        let failure = make_ready("/no-such-folder/ready").unwrap_err();
        let begins = "the file that says the process is ready cannot be made at /no-such-folder/ready: ";
        assert!(failure.kind == "Runtime.NoReadyFile" && failure.message.starts_with(begins), "{failure}");
    }
}
