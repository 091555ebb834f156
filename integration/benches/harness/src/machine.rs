//! The facts without which a table is worth nothing: machine, kernel, tools and versions.

use std::process::Command;

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    // wrk writes its version on standard error.
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("absent").trim().to_owned()
}

fn of_file(path: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Returns the load of the last minute, which ought to be near nothing.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// Returns a few lines about the machine.
pub fn describe() -> String {
    let or = |found: Option<String>| found.unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let flags = or(of_file("/proc/cpuinfo", "flags"));
    let virtual_machine = if flags.split(' ').any(|flag| flag == "hypervisor") { ", virtual" } else { "" };
    let memory = of_file("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let memory = memory.map_or_else(|| "unknown".to_owned(), |kib| format!("{} GiB", kib >> 20));
    format!(
        "- {cores} cores of {}{virtual_machine}, {memory}, Linux {}, {}\n- {}; {}; {}; {}; {}\n",
        or(of_file("/proc/cpuinfo", "model name")),
        first_line("uname", &["-r"]),
        first_line("ldd", &["--version"]),
        first_line("rustc", &["-V"]),
        first_line("gcc", &["--version"]),
        first_line("wrk", &["-v"]).split(" Copyright").next().unwrap_or_default(),
        first_line("valgrind", &["--version"]),
        first_line("strace", &["-V"]),
    )
}

/// Returns the versions of the peers, from their lock file.
pub fn versions(lock: &str, names: &[&str]) -> String {
    let found = names.iter().filter_map(|name| {
        let start = lock.find(&format!("name = \"{name}\"\n"))?;
        let version = lock[start..].split("version = \"").nth(1)?.split('"').next()?;
        Some(format!("{name} {version}"))
    });
    found.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::versions;

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"2.1.0\"\n";
        assert_eq!(versions(lock, &["b", "c", "a"]), "b 2.1.0, a 1.0.0");
    }
}
