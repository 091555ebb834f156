//! The runtime's state on the control plane's side, one invocation at a time. Sans-IO: it is told of each message and
//! decides which are allowed; it holds no socket, clock or waiter.

use super::payloads::Refusal;

/// The state that the runtime is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The process was started and has not polled yet.
    Started,
    /// Init failed and was reported; terminal.
    InitError,
    /// It polls, and has no event.
    Ready,
    /// It has an event to serve.
    Running,
    /// SnapStart: parked on the restore poll, the snapshot may be taken.
    RestoreReady,
    /// SnapStart: restored, its after-restore hooks run.
    Restoring,
    /// A response is being read from its post.
    InvocationResponse,
    /// An error is being read from its post.
    InvocationErrorResponse,
    /// The answer is in; the next poll is awaited.
    ResponseSent,
    /// SnapStart: the restore failed and was reported; terminal.
    RestoreError,
}

impl State {
    /// Returns the name used in the messages of 403 replies.
    pub fn name(self) -> &'static str {
        match self {
            State::Started => "Started",
            State::InitError => "InitError",
            State::Ready => "Ready",
            State::Running => "Running",
            State::RestoreReady => "RestoreReady",
            State::Restoring => "Restoring",
            State::InvocationResponse => "InvocationResponse",
            State::InvocationErrorResponse => "InvocationErrorResponse",
            State::ResponseSent => "RuntimeResponseSentState",
            State::RestoreError => "RuntimeRestoreErrorState",
        }
    }
}

/// The two ways to answer an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// POST `/{id}/response`.
    Response,
    /// POST `/{id}/error`.
    Error,
}

/// The meaning of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poll {
    /// The poll waits for an event.
    Park,
    /// The poll gets the current event again, at once.
    Redeliver,
}

/// The meaning of a reported init error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InitFailure {
    /// Init itself failed.
    Init,
    /// The error was reported while restoring, so the restore failed.
    Restore,
}

/// The machine of one environment with concurrency 1.
#[derive(Clone, Debug)]
pub(crate) struct Classic {
    state: State,
    current: Option<String>,
}

impl Default for Classic {
    fn default() -> Classic {
        Classic { state: State::Started, current: None }
    }
}

impl Classic {
    /// Returns the state that the runtime is in.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Returns the invocation that `/response` and `/error` must name; it is kept from delivery until the next poll.
    pub(crate) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Takes a GET `/invocation/next`.
    ///
    /// # Errors
    /// It is a 403 while an answer is still being read, while a call is parked on the restore poll, and after a
    /// reported failure.
    pub(crate) fn poll(&mut self) -> Result<Poll, Refusal> {
        match self.state {
            State::Running => Ok(Poll::Redeliver),
            State::Started | State::Ready | State::Restoring | State::ResponseSent => {
                self.state = State::Ready;
                self.current = None;
                Ok(Poll::Park)
            }
            _ => Err(self.refuse(State::Ready)),
        }
    }

    /// Returns `true` if an event may be given to a parked poll now.
    pub(crate) fn can_deliver(&self) -> bool {
        self.state == State::Ready
    }

    /// Notes that the parked poll was given this event. It is called only after [`Classic::can_deliver`].
    pub(crate) fn deliver(&mut self, id: &str) {
        self.state = State::Running;
        self.current = Some(id.to_owned());
    }

    /// Notes that an answer for `id` begins: its head is here, its body is not read yet.
    ///
    /// # Errors
    /// First 400 when the id is not the current one, then 403 when the state does not allow an answer.
    pub(crate) fn begin(&mut self, id: &str, post: Post) -> Result<(), Refusal> {
        if self.current() != Some(id) {
            return Err(Refusal::InvalidRequestId { id: id.to_owned() });
        }
        let to = match post {
            Post::Response => State::InvocationResponse,
            Post::Error => State::InvocationErrorResponse,
        };
        if self.state != State::Running {
            return Err(self.refuse(to));
        }
        self.state = to;
        Ok(())
    }

    /// Notes that the body that [`Classic::begin`] announced is read, whether whole, cut short or too large: the
    /// runtime may poll.
    pub(crate) fn finish(&mut self) {
        if matches!(self.state, State::InvocationResponse | State::InvocationErrorResponse) {
            self.state = State::ResponseSent;
        }
    }

    /// Takes a POST `/init/error`.
    ///
    /// # Errors
    /// It is a 403 once init is over.
    pub(crate) fn init_error(&mut self) -> Result<InitFailure, Refusal> {
        match self.state {
            State::Started => {
                self.state = State::InitError;
                Ok(InitFailure::Init)
            }
            State::Restoring => {
                self.state = State::RestoreError;
                Ok(InitFailure::Restore)
            }
            _ => Err(self.refuse(State::InitError)),
        }
    }

    /// Takes a GET `/restore/next`, and parks it until [`Classic::restored`].
    ///
    /// # Errors
    /// It is a 403 anywhere but at the end of init.
    pub(crate) fn restore_poll(&mut self) -> Result<(), Refusal> {
        match self.state {
            // It is parked already: a poll whose connection was lost comes again.
            State::Started | State::RestoreReady => {
                self.state = State::RestoreReady;
                Ok(())
            }
            _ => Err(self.refuse(State::RestoreReady)),
        }
    }

    /// Notes that the environment was restored: the restore poll is answered. Returns `false` if no restore is awaited.
    pub(crate) fn restored(&mut self) -> bool {
        let parked = self.state == State::RestoreReady;
        if parked {
            self.state = State::Restoring;
        }
        parked
    }

    /// Takes a POST `/restore/error`.
    ///
    /// # Errors
    /// It is a 403 unless the after-restore hooks run.
    pub(crate) fn restore_error(&mut self) -> Result<(), Refusal> {
        if self.state != State::Restoring {
            return Err(self.refuse(State::RestoreError));
        }
        self.state = State::RestoreError;
        Ok(())
    }

    fn refuse(&self, to: State) -> Refusal {
        Refusal::InvalidStateTransition { from: self.state.name(), to: to.name() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(id: &str) -> Classic {
        let mut machine = Classic::default();
        assert_eq!(machine.poll(), Ok(Poll::Park));
        assert!(machine.can_deliver());
        machine.deliver(id);
        machine
    }

    fn refused(from: &'static str, to: &'static str) -> Refusal {
        Refusal::InvalidStateTransition { from, to }
    }

    #[test]
    fn an_invocation_goes_from_poll_to_poll() {
        let mut machine = running("a");
        assert_eq!(machine.begin("a", Post::Response), Ok(()));
        assert_eq!(machine.state(), State::InvocationResponse);
        machine.finish();
        assert_eq!(machine.state(), State::ResponseSent);
        assert_eq!(machine.poll(), Ok(Poll::Park));
        assert_eq!((machine.state(), machine.current()), (State::Ready, None));
    }

    #[test]
    fn a_poll_while_running_gets_the_same_event() {
        let mut machine = running("a");
        assert_eq!(machine.poll(), Ok(Poll::Redeliver));
        assert_eq!((machine.state(), machine.current()), (State::Running, Some("a")));
    }

    #[test]
    fn a_poll_while_an_answer_is_read_is_refused() {
        let mut machine = running("a");
        machine.begin("a", Post::Response).expect("it is the current one");
        assert_eq!(machine.poll(), Err(refused("InvocationResponse", "Ready")));
    }

    #[test]
    fn the_id_is_checked_before_the_state() {
        let mut machine = running("a");
        let wrong = Err(Refusal::InvalidRequestId { id: "b".to_owned() });
        assert_eq!(machine.begin("b", Post::Response), wrong);
        assert_eq!(machine.state(), State::Running);
        machine.begin("a", Post::Error).expect("it is the current one");
        machine.finish();
        assert_eq!(machine.begin("b", Post::Response), wrong);
        assert_eq!(machine.begin("a", Post::Response), Err(refused("RuntimeResponseSentState", "InvocationResponse")));
        machine.poll().expect("after an answer");
        assert_eq!(machine.begin("a", Post::Response), Err(Refusal::InvalidRequestId { id: "a".to_owned() }));
    }

    #[test]
    fn an_init_error_is_terminal() {
        let mut machine = Classic::default();
        assert_eq!(machine.init_error(), Ok(InitFailure::Init));
        assert_eq!(machine.poll(), Err(refused("InitError", "Ready")));
        assert_eq!(machine.init_error(), Err(refused("InitError", "InitError")));
    }

    #[test]
    fn an_init_error_after_the_first_poll_is_refused() {
        let mut machine = Classic::default();
        machine.poll().expect("first poll");
        assert_eq!(machine.init_error(), Err(refused("Ready", "InitError")));
    }

    #[test]
    fn a_snapshot_is_taken_while_the_restore_poll_is_parked() {
        let mut machine = Classic::default();
        assert!(!machine.restored());
        assert_eq!(machine.restore_poll(), Ok(()));
        assert_eq!(machine.poll(), Err(refused("RestoreReady", "Ready")));
        assert!(machine.restored());
        assert_eq!(machine.state(), State::Restoring);
        assert_eq!(machine.restore_poll(), Err(refused("Restoring", "RestoreReady")));
        assert_eq!(machine.poll(), Ok(Poll::Park));
        assert_eq!(machine.restore_error(), Err(refused("Ready", "RuntimeRestoreErrorState")));
    }

    #[test]
    fn a_failure_while_restoring_is_a_restore_error_whichever_call_reports_it() {
        for through_init_error in [false, true] {
            let mut machine = Classic::default();
            machine.restore_poll().expect("at the end of init");
            machine.restored();
            if through_init_error {
                assert_eq!(machine.init_error(), Ok(InitFailure::Restore));
            } else {
                assert_eq!(machine.restore_error(), Ok(()));
            }
            assert_eq!(machine.poll(), Err(refused("RuntimeRestoreErrorState", "Ready")));
        }
    }

    #[test]
    fn polling_at_once_means_there_are_no_restore_hooks() {
        let mut machine = Classic::default();
        assert_eq!(machine.poll(), Ok(Poll::Park));
        assert_eq!(machine.restore_poll(), Err(refused("Ready", "RestoreReady")));
    }
}
