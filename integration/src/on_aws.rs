//! A runtime under the strict emulator of AWS Lambda.

use crate::artifacts::Runtime;
use crate::deployment::Deployment;
use crate::inspected::Inspected;
use crate::wait;
use platform_emulators::aws_lambda::{Answer, Aws, Event, Kind, Options};
use platform_emulators::process::Process;

/// A runtime that was started with a function.
pub struct OnAws {
    /// The control plane that it runs under.
    pub aws: Aws,
    /// The process of the runtime.
    pub process: Process,
    /// The task root of the function.
    pub deployment: Deployment,
}

impl OnAws {
    /// Starts the runtime and does not wait for anything.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> OnAws {
        let options = Options {
            handler: Some(handler.to_owned()),
            task_root: Some(deployment.root().to_owned()),
            patience: wait::limit(),
            ..options
        };
        let aws = Aws::start(options).expect("there is a free port");
        let process = aws.spawn(deployment.command(runtime)).expect("the runtime starts");
        OnAws { aws, process, deployment }
    }

    /// Starts the runtime with a function that is named as its library, and waits for its first poll.
    ///
    /// # Panics
    /// It does not come to poll.
    pub fn start(runtime: &Runtime, function: &str, options: Options) -> OnAws {
        OnAws::launch(runtime, Deployment::of(function), function, options).polling()
    }

    /// Waits until a poll is parked.
    ///
    /// # Panics
    /// No poll comes. The message has the output.
    pub fn polling(self) -> OnAws {
        let parked = self.aws.wait_for(|now| now.parked > 0 || now.ended, wait::limit());
        let polls = parked.as_ref().is_ok_and(|now| now.parked > 0);
        assert!(polls, "it does not poll: {parked:?}; its output:\n{}", self.process.output());
        self
    }

    /// Sends an event that must succeed, and returns the reply.
    ///
    /// # Panics
    /// It ends in anything but a response. The message has the output.
    pub fn call(&self, event: impl Into<Event>) -> Answer {
        let answer = self.aws.invoke(event);
        let output = self.process.output();
        assert_eq!(answer.kind, Kind::Response, "{}; its output:\n{output}", answer.text());
        answer
    }

    /// Sends an event to `inspect`.
    ///
    /// # Panics
    /// The reply is not one of `inspect`.
    pub fn inspect(&self, event: impl Into<Event>) -> Inspected {
        Inspected::read(&self.call(event).body)
    }

    /// Asserts that no rule of the protocol was broken.
    ///
    /// # Panics
    /// A rule was broken. The message has every breach.
    pub fn assert_clean(&self) {
        assert_eq!(self.aws.violations(), Vec::<String>::new(), "output:\n{}", self.process.output());
    }
}
