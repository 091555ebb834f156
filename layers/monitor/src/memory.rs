//! How much memory the process holds, at one system call a look.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Pages are 4 KiB wherever these binaries run: Linux on x86-64, and on arm64 in every cloud's default kernel.
const PAGE_KIB: u64 = 4;

/// `/proc/self/statm`, kept open.
#[derive(Debug)]
pub(crate) struct Resident(Option<File>);

impl Resident {
    /// Opens it; where there is no `/proc`, there is no figure.
    pub(crate) fn open() -> Resident {
        Resident(File::open("/proc/self/statm").ok())
    }

    /// Resident set in KiB.
    pub(crate) fn kib(&self) -> Option<u64> {
        let mut text = [0; 128];
        let read = self.0.as_ref()?.read_at(&mut text, 0).ok()?;
        let pages = std::str::from_utf8(&text[..read]).ok()?.split_ascii_whitespace().nth(1)?;
        Some(pages.parse::<u64>().ok()? * PAGE_KIB)
    }
}

#[cfg(test)]
mod tests {
    use super::Resident;

    #[test]
    fn the_process_holds_memory() {
        let before = Resident::open().kib().expect("/proc is mounted where tests run");
        let held = vec![1u8; 32 << 20];
        let after = Resident::open().kib().expect("as before");
        assert!(after >= before + (16 << 10), "{before} KiB, then {after} KiB with {} bytes more", held.len());
    }
}
