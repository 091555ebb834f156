//! What the kernel says of a process, from `/proc`: memory, time, threads, descriptors.

use platform_emulators::process::Process;
use std::fs;
use std::net::SocketAddr;

/// The most memory that was ever resident, in bytes: `VmHWM` of `/proc/PID/status`.
///
/// # Panics
/// If the process has ended.
pub fn peak_memory(process: &Process) -> u64 {
    let path = format!("/proc/{}/status", process.pid());
    let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}:\n{}", process.output()));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a process has memory");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib << 10
}

/// Time on processors so far, of all threads, in ticks of which Linux counts 100 a second: `utime` and `stime` of
/// `/proc/PID/stat`.
///
/// # Panics
/// If the process has ended.
pub fn ticks(process: &Process) -> u64 {
    let path = format!("/proc/{}/stat", process.pid());
    let stat = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}:\n{}", process.output()));
    // The name, which may hold spaces, is in parentheses; the state is the first field behind it.
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let times = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("a number"));
    times.sum()
}

/// How many threads the process has; 0 if it has ended.
pub fn threads(process: &Process) -> usize {
    fs::read_dir(format!("/proc/{}/task", process.pid())).map_or(0, Iterator::count)
}

/// How many sockets the process has open, listening ones included; 0 if it has ended.
pub fn sockets(process: &Process) -> usize {
    let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", process.pid())) else { return 0 };
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// Is there a connection from that address to that one, as its server sees it? One that was reset, or that the server has
/// ended, is none.
///
/// # Panics
/// If the kernel does not tell.
pub fn is_connected(client: SocketAddr, server: SocketAddr) -> bool {
    const ESTABLISHED: &str = "01";
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel tells");
    let ports = [server, client].map(|address| format!(":{:04X}", address.port()));
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let mut next = || fields.next().unwrap_or_default();
        next().ends_with(&ports[0]) && next().ends_with(&ports[1]) && next() == ESTABLISHED
    })
}

/// Lets this process open that many files, where it may and does not yet: both ends of a test's connections need one.
///
/// # Panics
/// If the hard limit is lower.
pub fn allow_open_files(count: u64) {
    let limits = fs::read_to_string("/proc/self/limits").expect("the kernel tells");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line of it");
    let soft = line.split_whitespace().nth(3).expect("the soft limit");
    if soft.parse().is_ok_and(|soft: u64| soft < count) {
        let pid = std::process::id().to_string();
        let mut command = std::process::Command::new("prlimit");
        command.args(["--pid", &pid, &format!("--nofile={count}:")]);
        let output = command.output().expect("prlimit of util-linux is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
