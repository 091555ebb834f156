//! The memory that the process holds, at one system call for each look.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// The file `/proc/self/statm`, kept open, and the size of the pages it counts.
#[derive(Debug)]
pub(crate) struct Resident(Option<(File, u64)>);

impl Resident {
    /// Opens the file. Where there is no `/proc`, there is no figure.
    pub(crate) fn open() -> Resident {
        let page_kib = std::fs::read("/proc/self/auxv").ok().and_then(|auxv| page_size(&auxv)).map(|size| size / 1024);
        Resident(File::open("/proc/self/statm").ok().zip(page_kib))
    }

    /// Returns the resident set in KiB; `None` if it is not known.
    pub(crate) fn kib(&self) -> Option<u64> {
        let (statm, page_kib) = self.0.as_ref()?;
        let mut text = [0; 128];
        let read = statm.read_at(&mut text, 0).ok()?;
        let pages = std::str::from_utf8(&text[..read]).ok()?.split_ascii_whitespace().nth(1)?;
        Some(pages.parse::<u64>().ok()? * page_kib)
    }
}

/// Returns the size of a page in bytes, from the vector that the kernel gives each program: pairs of a key and a value,
/// each a word. On arm64 it may be 4, 16 or 64 KiB.
fn page_size(auxv: &[u8]) -> Option<u64> {
    /// The key `AT_PAGESZ` of Linux' `auxvec.h`.
    const PAGE_SIZE: u64 = 6;
    let word = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_ne_bytes);
    auxv.chunks_exact(16).find_map(|pair| {
        let (key, value) = (word(&pair[..8])?, word(&pair[8..])?);
        (key == PAGE_SIZE).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::{Resident, page_size};

    #[test]
    fn the_process_holds_memory() {
        let before = Resident::open().kib().expect("/proc is mounted where tests run");
        let held = vec![1u8; 32 << 20];
        let after = Resident::open().kib().expect("as before");
        assert!(after >= before + (16 << 10), "{before} KiB, then {after} KiB with {} bytes more", held.len());
    }

    #[test]
    fn the_size_of_a_page_is_the_kernels_word() {
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        assert_eq!(page_size(&words(&[3, 99, 6, 65_536, 0, 0])), Some(65_536));
        assert_eq!(page_size(&words(&[3, 99, 0, 0])), None);
        assert_eq!(page_size(&words(&[6])), None, "cut");
    }
}
