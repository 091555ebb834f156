//! The resources of a process at a moment between invocations.

use integration::wait;
use platform_emulators::process::Process;
use std::fmt;

/// The most KiB that the memory may grow: less than seven bytes for each of the 160,000 replies of a long soak.
const MEMORY: u64 = 1024;
/// The additional KiB for each thread: the C library keeps a heap for each, which is full of holes only after a while.
const MEMORY_OF_THREAD: usize = 128;

/// The memory, descriptors and threads of a process.
pub(crate) struct Health {
    /// The memory that no file backs, in KiB: unlike the proportional share, it does not depend on other processes.
    anonymous: u64,
    /// The proportional share of all memory, in KiB.
    share: u64,
    descriptors: usize,
    threads: usize,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Health { anonymous, share, descriptors, threads } = self;
        write!(f, "{anonymous} KiB anonymous, {share} KiB Pss, {descriptors} descriptors, {threads} threads")
    }
}

fn count(process: &Process, of: &str) -> usize {
    let path = format!("/proc/{}/{of}", process.pid());
    std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}")).count()
}

impl Health {
    /// Reads the present state of a process.
    pub(crate) fn of(process: &Process) -> Health {
        let path = format!("/proc/{}/smaps_rollup", process.pid());
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let size = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
            number.unwrap_or_else(|| panic!("no {name} in {path}: {text}"))
        };
        let (descriptors, threads) = (count(process, "fd"), count(process, "task"));
        Health { anonymous: size("Anonymous"), share: size("Pss"), descriptors, threads }
    }

    /// Asserts that a process holds no more than before. Descriptors of connections that have just been closed go a
    /// moment later. Threads may be up to `most`, however few there were: those that serve requests come and go as
    /// others are held up.
    pub(crate) fn assert_no_more_than(&self, before: &Health, most: usize, process: &Process) {
        let grown = self.anonymous.saturating_sub(before.anonymous);
        let threads = before.threads.max(most);
        let allowed = MEMORY + (MEMORY_OF_THREAD * threads) as u64;
        assert!(grown <= allowed, "memory grew by {grown} KiB, allowed are {allowed}: {before} before, {self} after");
        let flat = wait::until("no more descriptors than before, and no more threads than may be", process, || {
            let now = (count(process, "fd"), count(process, "task"));
            (now.0 <= before.descriptors && now.1 <= threads).then_some(())
        });
        if let Err(why) = flat {
            panic!("{before} before, {self} after, at most {threads} threads; {why:.300}");
        }
    }
}
