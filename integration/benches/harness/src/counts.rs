//! Instructions and system calls of one invocation, exactly: the difference of two runs that differ in nothing but the
//! number of invocations. callgrind counts the first, strace the second; neither depends on the machine's mood.

use crate::lambda::count;
use crate::subject::{Built, Subject};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The time that strace may take to write its table after the program's end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The cost of one invocation.
#[derive(Debug, Default)]
pub struct Counts {
    /// The number of instructions.
    pub instructions: f64,
    /// The functions that most of them are spent in, with their shares in instructions.
    pub functions: Vec<(String, f64)>,
    /// The system calls, by name.
    pub calls: BTreeMap<String, f64>,
}

/// A function that invokes a subject that many times.
pub type Watched<'a> = &'a dyn Fn(&Subject, usize) -> io::Result<()>;

/// Counts instructions and system calls. `times` is the smaller of both numbers of invocations.
///
/// # Errors
/// A tool is missing or the subject fails.
pub fn of(built: &Built, subject: &Subject, times: usize, run: Watched<'_>) -> io::Result<Counts> {
    let (instructions, functions) = instructions(built, subject, times, run)?;
    let each = |few: f64, many: f64| (many - few) / count(times);
    let few = trace(built, subject, times, run)?;
    let mut calls = trace(built, subject, times * 2, run)?;
    calls.iter_mut().for_each(|(name, more)| *more = each(few.get(name).copied().unwrap_or(0.0), *more));
    // A call that happens once is not exactly the same in every process.
    calls.retain(|_, each| *each > 0.02);
    Ok(Counts { instructions, functions, calls })
}

/// Counts instructions alone, all of them and those of the functions that most are spent in.
///
/// # Errors
/// It fails as [`of`] does.
pub fn instructions(
    built: &Built,
    subject: &Subject,
    times: usize,
    run: Watched<'_>,
) -> io::Result<(f64, Vec<(String, f64)>)> {
    let few = profile(built, subject, times, run)?;
    let many = profile(built, subject, times * 2, run)?;
    let (mut instructions, mut functions) = (0.0, Vec::new());
    for (name, more) in many {
        let cost = (more - few.get(&name).copied().unwrap_or(0.0)) / count(times);
        instructions += cost;
        functions.push((name, cost));
    }
    functions.sort_by(|one, other| other.1.total_cmp(&one.1));
    functions.truncate(12);
    Ok((instructions, functions))
}

/// Counts the instructions of a subject from its start to its end.
///
/// # Errors
/// It fails as [`of`] does.
pub fn of_life(built: &Built, subject: &Subject, run: Watched<'_>) -> io::Result<f64> {
    profile(built, subject, 1, run).map(|functions| functions.values().sum())
}

/// Returns the instructions by function.
fn profile(built: &Built, subject: &Subject, times: usize, run: Watched<'_>) -> io::Result<BTreeMap<String, f64>> {
    let file = built.root.join("scratch/callgrind");
    // A profile of an earlier subject must not be taken for this one's.
    let _ = std::fs::remove_file(&file);
    let option = format!("--callgrind-out-file={}", file.display());
    run(&subject.clone().under(&["valgrind", "-q", "--tool=callgrind", &option]), times)?;
    let output = Command::new("callgrind_annotate").args(["--threshold=100", "--auto=no"]).arg(&file).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut functions = BTreeMap::new();
    for line in text.lines() {
        // The line is ` 1,234 (12.3%)  file:function [object]`.
        let Some((number, rest)) = line.trim_start().split_once(" (") else { continue };
        let Some((_, name)) = rest.split_once(")  ") else { continue };
        if let Ok(number) = number.replace(',', "").parse::<f64>()
            && !name.starts_with("PROGRAM TOTALS")
        {
            *functions.entry(function(name)).or_insert(0.0) += number;
        }
    }
    if functions.is_empty() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("callgrind has left no profile: {why}")));
    }
    Ok(functions)
}

/// Returns the function's name in `file:function [object]`; code without a symbol is one entry for its object.
fn function(text: &str) -> String {
    let (name, object) = text.rsplit_once(" [").unwrap_or((text, ""));
    // The file's path ends at the first colon that no second one follows.
    let bytes = name.as_bytes();
    let alone = |at: &usize| bytes[*at] == b':' && bytes.get(at + 1) != Some(&b':') && bytes[at - 1] != b':';
    let name = (1..bytes.len()).find(alone).map_or(name, |at| &name[at + 1..]);
    if !name.starts_with("0x") {
        return name.trim_end().to_owned();
    }
    let object = Path::new(object.trim_end_matches(']')).file_name().unwrap_or_default();
    format!("(no symbols) {}", object.to_string_lossy())
}

/// Returns the system calls by name.
fn trace(built: &Built, subject: &Subject, times: usize, run: Watched<'_>) -> io::Result<BTreeMap<String, f64>> {
    let file = built.root.join("scratch/strace");
    let _ = std::fs::remove_file(&file);
    let path = file.to_string_lossy().into_owned();
    // With -D the program is our child and strace is not, so that ending it ends it and not strace.
    run(&subject.clone().under(&["strace", "-D", "-f", "-c", "-o", &path]), times)?;
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if text.lines().any(|line| line.ends_with(" total")) {
            return Ok(calls(&text));
        }
        if began.elapsed() > PATIENCE {
            return Err(io::Error::other("strace has written no table"));
        }
        std::thread::yield_now();
    }
}

fn calls(table: &str) -> BTreeMap<String, f64> {
    let rows = table.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        // The columns are share, seconds, microseconds a call, calls, sometimes errors, name.
        let [_, _, _, calls, .., name] = words[..] else { return None };
        let calls = calls.parse().ok()?;
        (name != "total").then(|| (name.to_owned(), calls))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::{calls, function};

    #[test]
    fn the_table_of_strace_reads_with_and_without_errors() {
        let table = "% time seconds usecs/call calls errors syscall\n------ --- --- --- --- ---\n\
                     50.00 0.000010 1 10 2 read\n50.00 0.000010 1 7 writev\n100.00 0.000020 1 17 2 total\n";
        let found = calls(table);
        assert_eq!(found.get("read"), Some(&10.0));
        assert_eq!(found.get("writev"), Some(&7.0));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn functions_lose_their_files_and_objects() {
        assert_eq!(function("/a/b.rs:core::ptr::drop [/bin/light-bootstrap]"), "core::ptr::drop");
        assert_eq!(function("???:memcpy []"), "memcpy");
        assert_eq!(function("???:0x0000000000013e20 [/a/libbench.so]"), "(no symbols) libbench.so");
    }
}
