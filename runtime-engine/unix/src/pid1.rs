//! Process 1 of a container: its duties to the kernel are done by a process that does nothing else.
//!
//! A process whose parent has ended becomes a child of process 1, which has to collect it when it ends, and process 1
//! gets no signal that it has no handler for. A runtime in that place could not tell a stranger's end from that of a
//! child whose exit status some function is about to ask for. So it makes a child of itself, which lives on as the
//! runtime and has no children but its own; what stays behind passes signals on, collects whoever ends, and leaves with
//! the runtime's exit code.

use crate::sys::{self, HeldSignals};

/// Returns in the process that is to be the runtime: this one, unless it is process 1. It is called before any thread
/// exists.
pub(crate) fn step_aside() {
    if std::process::id() != 1 {
        return;
    }
    let signals = sys::hold_signals();
    match sys::fork() {
        Some(0) => {
            // A terminal's Ctrl-C goes to a whole group; from process 1 alone it arrives once.
            sys::lead_a_group();
            signals.release();
        }
        Some(runtime) => sys::leave(stay_behind(&signals, runtime)),
        // Without a fork, signals arrive as they would without this file.
        None => signals.release(),
    }
}

/// Waits for the runtime's end and passes signals on; returns the exit code for this process.
fn stay_behind(signals: &HeldSignals, runtime: i32) -> i32 {
    loop {
        let signal = signals.next();
        if signal != sys::SIGCHLD {
            sys::send(runtime, signal);
            continue;
        }
        while let Some((ended, code)) = sys::collect() {
            if ended == runtime {
                // The kernel ends all others with process 1.
                return code;
            }
        }
    }
}
