//! Judges a library's file before the dynamic linker sees it.
//!
//! glibc's own checks are not enough to be given any file: a truncated library ends the process with SIGBUS, a named
//! pipe blocks it for ever, and one for another machine is reported as a file that does not exist. Nothing is loaded
//! here.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The bytes of a file that are read: enough for the header and sixty program headers. Linkers put them first and make
/// about a dozen.
const HEAD: usize = 4096;
const HEADER: usize = 64;

/// The `e_machine` of the machine this host was built for, and its name (ELF gABI, "Machine Information").
const MACHINE: Option<(u16, &str)> = if cfg!(target_arch = "x86_64") {
    Some((62, "x86-64"))
} else if cfg!(target_arch = "aarch64") {
    Some((183, "AArch64"))
} else {
    None
};

/// Checks that the dynamic linker may be given this file.
///
/// # Errors
/// The text says what was expected and what was found, without the path.
pub fn check_library_file(path: &Path) -> Result<(), String> {
    // The kind of file is asked before it is opened: opening a named pipe waits for a writer.
    let about = std::fs::metadata(path).map_err(|error| format!("expected a shared library, found none: {error}"))?;
    if !about.is_file() {
        let what = if about.is_dir() { "a directory" } else { "something that is no regular file" };
        return Err(format!("expected a shared library, found {what}"));
    }
    let unreadable = |error| format!("expected a readable file: {error}");
    let mut head = Vec::with_capacity(HEAD);
    File::open(path).map_err(unreadable)?.take(HEAD as u64).read_to_end(&mut head).map_err(unreadable)?;
    check_head(&head, about.len())
}

/// Checks the first bytes of a file of `size` bytes.
fn check_head(head: &[u8], size: u64) -> Result<(), String> {
    if !head.starts_with(b"\x7fELF") {
        return Err(match head {
            [] => "expected an ELF shared library, found an empty file".to_owned(),
            _ => format!(
                "expected an ELF shared library, found \"{}\" at its start",
                head[..head.len().min(16)].escape_ascii()
            ),
        });
    }
    let truncated = |needed: u64| format!("the file is truncated: expected at least {needed} bytes, found {size}");
    let Some(header) = head.get(..HEADER) else { return Err(truncated(HEADER as u64)) };
    let (class, order) = (header[4], header[5]);
    if class != 2 {
        return Err(format!("expected a 64-bit library (ELF class 2), found {} (class {class})", class_name(class)));
    }
    if order != 1 {
        return Err(format!("expected a little-endian library (ELF data 1), found data {order}"));
    }
    let machine = number(header, 18, 2);
    if let Some((expected, name)) = MACHINE
        && machine != u64::from(expected)
    {
        return Err(format!(
            "expected a library for {name} (ELF machine {expected}), found one for {} (machine {machine})",
            machine_name(machine)
        ));
    }
    let kind = number(header, 16, 2);
    if kind != 3 {
        return Err(format!("expected a shared library (ELF type 3), found {} (type {kind})", kind_name(kind)));
    }
    let (start, width, count) = (number(header, 32, 8), number(header, 54, 2), number(header, 56, 2));
    let end = start.saturating_add(width * count);
    if end > size {
        return Err(truncated(end));
    }
    let table =
        usize::try_from(start).ok().zip(usize::try_from(end).ok()).and_then(|(start, end)| head.get(start..end));
    let Some(table) = table.filter(|_| width == 56 && count > 0) else {
        return Err(format!(
            "expected program headers of 56 bytes in its first {HEAD} bytes, found {count} of {width} at {start}"
        ));
    };
    let ends = table.chunks_exact(56).map(|entry| number(entry, 8, 8).saturating_add(number(entry, 32, 8)));
    match ends.max() {
        Some(needed) if needed > size => Err(truncated(needed)),
        _ => Ok(()),
    }
}

/// Returns a little-endian number of `width` bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes[at..at + width].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn class_name(class: u8) -> &'static str {
    if class == 1 { "a 32-bit one" } else { "neither 32 nor 64 bits" }
}

fn kind_name(kind: u64) -> &'static str {
    match kind {
        1 => "an object file",
        2 => "an executable",
        4 => "a core dump",
        _ => "something else",
    }
}

fn machine_name(machine: u64) -> &'static str {
    match machine {
        3 => "x86",
        21 => "PowerPC 64",
        22 => "s390",
        40 => "Arm",
        62 => "x86-64",
        183 => "AArch64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => "another machine",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a header and one program header whose segment ends at `end`.
    fn elf(end: u64) -> Vec<u8> {
        let mut file = vec![0; HEADER + 56];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[16] = 3;
        file[18] = MACHINE.map_or(0, |(machine, _)| machine.to_le_bytes()[0]);
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        file[HEADER + 32..HEADER + 40].copy_from_slice(&end.to_le_bytes());
        file
    }

    fn spoilt(at: usize, byte: u8) -> String {
        let mut file = elf(0);
        file[at] = byte;
        check_head(&file, file.len() as u64).expect_err("refused")
    }

    #[test]
    fn this_very_program_names_itself_or_is_a_library_to_the_header() {
        let own = std::env::current_exe().expect("the test's path");
        // Position-independent executables look like libraries here; the linker tells them apart with a clear text.
        let checked = check_library_file(&own);
        assert!(checked.is_ok() || checked.as_ref().is_err_and(|error| error.contains("an executable")), "{checked:?}");
    }

    #[test]
    fn what_is_no_library_is_said_with_expected_and_found() {
        assert_eq!(check_head(&elf(120), 120), Ok(()));
        assert_eq!(check_head(b"", 0).unwrap_err(), "expected an ELF shared library, found an empty file");
        let script = check_head(b"#!/bin/sh\n", 10).unwrap_err();
        assert_eq!(script, "expected an ELF shared library, found \"#!/bin/sh\\n\" at its start");
        assert_eq!(spoilt(4, 1), "expected a 64-bit library (ELF class 2), found a 32-bit one (class 1)");
        assert_eq!(spoilt(5, 2), "expected a little-endian library (ELF data 1), found data 2");
        assert!(spoilt(18, 40).ends_with("found one for Arm (machine 40)"));
        assert_eq!(spoilt(16, 2), "expected a shared library (ELF type 3), found an executable (type 2)");
        assert!(spoilt(54, 32).contains("found 1 of 32 at 64"));
    }

    #[test]
    fn every_cut_before_the_end_of_the_last_segment_is_found() {
        let file = elf(120);
        for size in 4..120 {
            let error = check_head(&file[..size], size as u64).unwrap_err();
            assert!(error.starts_with("the file is truncated"), "{size}: {error}");
        }
        let error = check_head(&elf(u64::MAX), 120).unwrap_err();
        assert!(error.starts_with("the file is truncated"), "{error}");
    }

    #[test]
    fn a_directory_and_a_missing_file_are_named() {
        let folder = std::env::temp_dir();
        assert_eq!(check_library_file(&folder).unwrap_err(), "expected a shared library, found a directory");
        let missing = check_library_file(&folder.join("no-such-library.so")).unwrap_err();
        assert!(missing.starts_with("expected a shared library, found none: "), "{missing}");
        let device = check_library_file(Path::new("/dev/null")).unwrap_err();
        assert_eq!(device, "expected a shared library, found something that is no regular file");
    }
}
