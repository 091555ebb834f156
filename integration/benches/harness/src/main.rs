//! Measures the programs that `run` has built, and writes the page. `run` is the command to use; see there for its
//! options.

mod budgets;
mod counts;
mod events;
mod http;
mod lambda;
mod machine;
mod mock;
mod name;
mod report;
mod samples;
mod stacks;
mod subject;
mod suites;
mod sys;
mod table;
mod units;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: harness --built FOLDER --lock FILE --out FILE [--quick] [--only SUITE]\n       \
                     harness --read MANIFEST --times COUNT";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let (mut built, mut lock, mut out, mut quick, mut only) = (None, None, None, false, None);
    let (mut read, mut times) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let place = match &*argument {
            "--quick" => {
                quick = true;
                continue;
            }
            "--built" => &mut built,
            "--lock" => &mut lock,
            "--out" => &mut out,
            "--only" => &mut only,
            "--read" => &mut read,
            "--times" => &mut times,
            other => return Err(format!("no option {other:?}\n{USAGE}")),
        };
        *place = Some(arguments.next().ok_or_else(|| format!("{argument} has no value\n{USAGE}"))?);
    }
    if let Some(file) = read {
        let times = times.and_then(|times: String| times.parse().ok()).ok_or_else(|| USAGE.to_owned())?;
        return units::read(std::path::Path::new(&file), times);
    }
    let (Some(built), Some(lock), Some(out)) = (built, lock, out) else { return Err(USAGE.to_owned()) };
    let lock = std::fs::read_to_string(&lock).map_err(|error| format!("{lock}: {error}"))?;
    let built = subject::Built { root: PathBuf::from(built) };
    let scratch = built.root.join("scratch");
    std::fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    let load = machine::load();
    let results = suites::Bench { built, quick, only }.run();
    let page = report::page(&results, &lock, quick, &load);
    std::fs::write(&out, page).map_err(|error| format!("{out}: {error}"))?;
    eprintln!("written: {out}");
    if results.missing.is_empty() { Ok(()) } else { Err("not everything could be measured; see the page".to_owned()) }
}
