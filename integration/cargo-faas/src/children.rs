//! Ends processes that this one has started and that nobody waits for any more, such as a compiler under a build.

use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

/// Kills every descendant of this process but those listed and their own descendants.
pub(crate) fn end(spared: &[u32]) {
    // A parent that is killed first cannot start another child.
    for pid in below(std::process::id(), spared) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        // A process that cannot be signalled has ended.
        let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
    }
}

/// Kills every descendant of this process until none is left, for that time at most. One that another thread starts
/// meanwhile is killed, too. Returns `true` if none is left.
pub(crate) fn end_all(limit: Duration) -> bool {
    let began = Instant::now();
    loop {
        end(&[]);
        // The threads that wait for them take their ends, so this one looks.
        let is_done = children(std::process::id()).is_empty();
        if is_done || began.elapsed() > limit {
            return is_done;
        }
        std::thread::yield_now();
    }
}

/// Returns the descendants of a process, parents before their children.
fn below(parent: u32, spared: &[u32]) -> Vec<u32> {
    let mut all = Vec::new();
    for pid in children(parent).into_iter().filter(|pid| !spared.contains(pid)) {
        all.push(pid);
        all.extend(below(pid, spared));
    }
    all
}

/// Returns the children of all threads of a process.
fn children(parent: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{parent}/task"));
    let lists = threads
        .into_iter()
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn children_and_theirs_are_found_and_spared_ones_are_not() {
        let mut child = Command::new("/bin/sh").args(["-c", "sleep 300 & wait"]).spawn().unwrap();
        let pid = child.id();
        while children(pid).is_empty() {
            std::thread::yield_now();
        }
        let found = below(std::process::id(), &[]);
        let at = found.iter().position(|other| *other == pid).unwrap();
        assert!(found[at + 1..].contains(&children(pid)[0]));
        assert!(!below(std::process::id(), &[pid]).contains(&pid));
        for pid in below(pid, &[]).into_iter().chain([pid]) {
            let _ = kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL);
        }
        child.wait().unwrap();
    }
}
