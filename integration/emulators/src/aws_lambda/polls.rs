//! The polls of a runtime: for its next event and for its restore. A part of [`Control`], under the same lock.

use tokio::sync::oneshot;

use super::control::{Control, Delivery, Machine};
use super::payloads::Refusal;
use super::state::{Poll, State};

pub(super) struct Parked {
    token: u64,
    pub(super) sender: oneshot::Sender<Delivery>,
}

/// The meaning of a poll.
pub(crate) enum Polled {
    Now(Delivery),
    Parked { token: u64, receiver: oneshot::Receiver<Delivery> },
}

impl Control {
    /// Takes a GET `/invocation/next`.
    pub(crate) fn poll(&mut self) -> Result<Polled, Refusal> {
        self.next_calls += 1;
        self.check_open(State::Ready.name())?;
        let waiting = self.parked.len();
        match &mut self.machine {
            Machine::Classic(machine) => {
                if machine.poll()? == Poll::Redeliver {
                    let id = machine.current().unwrap_or_default().to_owned();
                    return Ok(Polled::Now(self.deliver(&id)));
                }
                if waiting > 0 {
                    self.violations.push("a second poll is parked although one invocation runs at a time".to_owned());
                }
            }
            Machine::Managed(machine) => {
                machine.poll(waiting)?;
                let allowed = self.options.max_concurrency.unwrap_or(1);
                if waiting >= allowed {
                    self.violations.push(format!("{} polls are parked, {allowed} allowed", waiting + 1));
                }
            }
        }
        let token = self.token();
        let (sender, receiver) = oneshot::channel();
        self.parked.push(Parked { token, sender });
        self.max_parked = self.max_parked.max(self.parked.len());
        self.dispatch();
        Ok(Polled::Parked { token, receiver })
    }

    /// Notes that a parked poll has lost its connection (or has its event, when there is nothing left to forget).
    pub(crate) fn abandon(&mut self, token: u64) {
        self.parked.retain(|poll| poll.token != token);
        self.restore_parked.take_if(|(parked, _)| *parked == token);
        self.extensions.abandon(token);
    }

    /// Takes a GET `/restore/next`.
    pub(crate) fn restore_poll(&mut self) -> Result<(u64, oneshot::Receiver<()>), Refusal> {
        self.check_open(State::RestoreReady.name())?;
        if let Machine::Classic(machine) = &mut self.machine {
            machine.restore_poll()?;
        }
        let token = self.token();
        let (sender, receiver) = oneshot::channel();
        self.restore_parked = Some((token, sender));
        Ok((token, receiver))
    }

    /// Restores the environment, and the restore poll returns. Returns `false` if no poll is parked.
    pub(crate) fn restore(&mut self) -> bool {
        let Machine::Classic(machine) = &mut self.machine else { return false };
        let Some((_, sender)) = self.restore_parked.take() else { return false };
        machine.restored() && sender.send(()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::{Event, Options};
    use super::*;

    #[test]
    fn an_event_waits_for_a_poll_and_a_poll_for_an_event() {
        let mut control = Control::new(Options::default());
        let first = control.submit(Event::from("1"));
        let Ok(Polled::Parked { mut receiver, .. }) = control.poll() else { panic!("a first poll parks") };
        assert_eq!(receiver.try_recv().map(|delivery| delivery.id).ok(), Some(first));
        assert_eq!(control.snapshot().state, "Running");
        assert_eq!(control.snapshot().in_flight.len(), 1);
    }

    #[test]
    fn an_abandoned_poll_takes_no_event() {
        let mut control = Control::new(Options::default());
        let Ok(Polled::Parked { token, receiver }) = control.poll() else { panic!("a first poll parks") };
        control.abandon(token);
        drop(receiver);
        let id = control.submit(Event::from("1"));
        assert_eq!(control.snapshot().request(&id).map(|request| request.delivered), Some(false));
    }
}
