//! Looks at the first bytes of a library before the linker maps it, so that the usual mistakes get a sentence, and a
//! truncated file an error instead of a bus error.

/// How much of a file [`check`] wants to see: the file header and the program headers of any library compilers make.
pub const HEAD: usize = 4096;

const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const SHARED: u16 = 3;
const LOAD: u32 = 1;

#[cfg(target_arch = "x86_64")]
const MACHINE: (u16, &str) = (62, "x86-64");
#[cfg(target_arch = "aarch64")]
const MACHINE: (u16, &str) = (183, "aarch64");

/// Is it a library for this machine, and whole? `head` is the file's first [`HEAD`] bytes, or all of it; `length` its
/// size.
///
/// # Errors
/// What was expected and what was found.
pub fn check(head: &[u8], length: u64) -> Result<(), String> {
    if head.len() < 64 {
        return Err(format!("expected an ELF library, found a file of {length} bytes"));
    }
    if !head.starts_with(b"\x7fELF") {
        let start = head[..8].escape_ascii();
        return Err(format!("expected an ELF library, found a file that begins with \"{start}\""));
    }
    let machine = u16_at(head, 18);
    if head[4] != CLASS_64 || head[5] != LITTLE_ENDIAN || machine != MACHINE.0 {
        let bits = if head[4] == 1 { "32-bit" } else { "64-bit" };
        let found = match machine {
            3 => "x86".to_owned(),
            40 => "arm".to_owned(),
            62 => "x86-64".to_owned(),
            183 => "aarch64".to_owned(),
            243 => "riscv".to_owned(),
            other => format!("machine {other}"),
        };
        return Err(format!(
            "expected a 64-bit {} library, found a {bits} {found} one; build it for this machine",
            MACHINE.1
        ));
    }
    if u16_at(head, 16) != SHARED {
        return Err("expected a shared library, found a program or object file; build it as a cdylib".to_owned());
    }
    let table = usize::try_from(u64_at(head, 32)).unwrap_or(usize::MAX);
    let (size, count) = (usize::from(u16_at(head, 54)), usize::from(u16_at(head, 56)));
    for index in 0..count {
        let at = table.saturating_add(index * size);
        let Some(entry) = head.get(at..at.saturating_add(40)) else { break };
        let end = u64_at(entry, 8).saturating_add(u64_at(entry, 32));
        if u32_at(entry, 0) == LOAD && end > length {
            return Err(format!("the file is cut short: expected at least {end} bytes, found {length}"));
        }
    }
    Ok(())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with one loadable segment of `filesz` bytes from the file's start.
    fn library(filesz: u64) -> Vec<u8> {
        let mut head = vec![0; 120];
        head[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
        head[16] = 3;
        head[18..20].copy_from_slice(&MACHINE.0.to_le_bytes());
        head[32] = 64;
        head[54] = 56;
        head[56] = 1;
        head[64] = 1;
        head[96..104].copy_from_slice(&filesz.to_le_bytes());
        head
    }

    #[test]
    fn a_whole_library_passes_and_a_cut_one_does_not() {
        assert_eq!(check(&library(120), 120), Ok(()));
        let cut = check(&library(5000), 120).unwrap_err();
        assert_eq!(cut, "the file is cut short: expected at least 5000 bytes, found 120");
    }

    #[test]
    fn the_usual_mistakes_are_named() {
        let with = |at: usize, byte: u8| {
            let mut head = library(120);
            head[at] = byte;
            check(&head, 120).unwrap_err()
        };
        assert!(with(1, b'e').starts_with("expected an ELF library, found a file that begins with \"\\x7feLF"));
        assert!(with(4, 1).contains("found a 32-bit"));
        assert!(with(18, 243).contains("found a 64-bit riscv one"));
        assert!(with(16, 2).contains("expected a shared library"));
        assert!(check(b"\x7fELF", 4).unwrap_err().contains("found a file of 4 bytes"));
    }

    #[test]
    fn junk_behind_the_header_is_no_panic() {
        let mut head = library(120);
        head[32..40].fill(0xff);
        head[54..58].fill(0xff);
        assert_eq!(check(&head, 120), Ok(()));
    }
}
