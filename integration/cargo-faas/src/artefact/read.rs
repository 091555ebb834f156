//! Makes the description of a compiled file from its bytes. Every offset in the file is checked by the crate `object`:
//! a damaged file is an error, and never a panic.

use super::{Artefact, Kind, Machine, Wanted};
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym};
use object::{Endianness, FileKind};
use std::collections::BTreeMap;
use std::fmt;

/// The reason why a file is no compiled file that can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotElf {
    /// The file has another format, in words.
    Other(&'static str),
    /// The file is an ELF file of 32 bits, for which no platform has a place.
    Bits32(Machine),
    /// The file begins like an ELF file, and is not whole.
    Damaged(String),
}

impl fmt::Display for NotElf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotElf::Other(what) => write!(f, "expected a compiled file for Linux (ELF), found {what}"),
            NotElf::Bits32(machine) => write!(f, "expected a file of 64 bits, found one of 32 bits for {machine}"),
            NotElf::Damaged(why) => write!(f, "the file is damaged or cut short: {why}"),
        }
    }
}

impl std::error::Error for NotElf {}

impl From<object::read::Error> for NotElf {
    fn from(error: object::read::Error) -> NotElf {
        NotElf::Damaged(error.to_string())
    }
}

/// Reads the bytes of a file.
pub(crate) fn read(bytes: &[u8]) -> Result<Artefact, NotElf> {
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf64) => read_64(bytes),
        Ok(FileKind::Elf32) => {
            let header = FileHeader32::<Endianness>::parse(bytes);
            let machine = header.and_then(|header| Ok(machine(header.e_machine(header.endian()?))));
            Err(machine.map_or_else(|error| NotElf::Damaged(error.to_string()), NotElf::Bits32))
        }
        _ => Err(match bytes {
            [] => NotElf::Other("an empty file"),
            bytes if bytes.starts_with(b"\x7fELF") => NotElf::Damaged("its header is not whole".to_owned()),
            bytes if bytes.starts_with(b"#!") => NotElf::Other("a script"),
            bytes if bytes.starts_with(b"MZ") => NotElf::Other("a program for Windows"),
            [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => NotElf::Other("a file for macOS"),
            bytes if bytes.starts_with(b"PK\x03\x04") => NotElf::Other("a zip"),
            bytes if bytes.starts_with(b"!<arch>") => NotElf::Other("a static library"),
            bytes if std::str::from_utf8(&bytes[..bytes.len().min(512)]).is_ok() => NotElf::Other("a text"),
            _ => NotElf::Other("something else"),
        }),
    }
}

fn read_64(bytes: &[u8]) -> Result<Artefact, NotElf> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let mut loader = None;
    // A file that does not say how its stack should be gets an executable one.
    let mut executable_stack = true;
    for segment in header.program_headers(endian, bytes)? {
        if segment.p_type(endian) == elf::PT_GNU_STACK {
            executable_stack = segment.p_flags(endian).contains(elf::PF_X);
        }
        if let Some(path) = segment.interpreter(endian, bytes)? {
            loader = Some(text(path));
        }
        // A part that is cut off is noticed here, and not when the file runs.
        let whole = segment.data(endian, bytes);
        whole.map_err(|()| NotElf::Damaged("a part that is to be loaded lies beyond its end".to_owned()))?;
    }
    let sections = header.sections(endian, bytes)?;
    if sections.is_empty() {
        return Err(NotElf::Damaged("it has no section headers, by which its symbols are found".to_owned()));
    }
    let Dynamics { needed, search_paths, is_pie } = dynamics(&sections, endian, bytes)?;
    let is_library = header.e_type(endian) == elf::ET_DYN && loader.is_none() && !is_pie;
    let (wanted, exports) = symbols(&sections, endian, bytes)?;
    Ok(Artefact {
        arch: machine(header.e_machine(endian)),
        kind: if is_library { Kind::Library } else { Kind::Program },
        loader,
        needed,
        wanted,
        exports,
        min_minor: min_minor(&sections, endian, bytes)?,
        search_paths,
        executable_stack,
        stripped: sections.symbols(endian, bytes, elf::SHT_SYMTAB)?.is_empty(),
        bytes: bytes.len(),
    })
}

/// The parts of the dynamic section that are needed.
#[derive(Default)]
struct Dynamics {
    needed: Vec<String>,
    search_paths: Vec<String>,
    /// `true` for a program that may be loaded anywhere, a static one among them.
    is_pie: bool,
}

type Sections<'data> = SectionTable<'data, FileHeader64<Endianness>>;

fn dynamics(sections: &Sections<'_>, endian: Endianness, bytes: &[u8]) -> Result<Dynamics, NotElf> {
    let mut found = Dynamics::default();
    let table = sections.dynamic_table(endian, bytes)?;
    for entry in table.dynamics() {
        let string = || entry.string(endian, *table.strings()).map(text);
        match entry.tag(endian) {
            elf::DT_NEEDED => found.needed.push(string()?),
            elf::DT_RPATH | elf::DT_RUNPATH => {
                found.search_paths.extend(string()?.split(':').filter(|path| !path.is_empty()).map(str::to_owned));
            }
            elf::DT_FLAGS_1 => found.is_pie = entry.val(endian) & elf::DF_1_PIE.0 != 0,
            _ => {}
        }
    }
    Ok(found)
}

/// Returns the versions that are wanted of other libraries, and the symbols that are offered.
fn symbols(sections: &Sections<'_>, endian: Endianness, bytes: &[u8]) -> Result<(Vec<Wanted>, Vec<String>), NotElf> {
    let mut wanted: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    if let Some((mut libraries, link)) = sections.gnu_verneed(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((library, mut versions)) = libraries.next()? {
            while let Some(version) = versions.next()? {
                // The loader goes on without a weak version.
                if !version.vna_flags.get(endian).contains(elf::VER_FLG_WEAK) {
                    let library = text(library.file(endian, strings)?);
                    wanted.entry((library, text(version.name(endian, strings)?))).or_default();
                }
            }
        }
    }
    let table = sections.symbols(endian, bytes, elf::SHT_DYNSYM)?;
    let versions = sections.versions(endian, bytes)?.unwrap_or_default();
    let mut exports = Vec::new();
    for (index, symbol) in table.enumerate() {
        let name = text(symbol.name(endian, table.strings())?);
        if !symbol.is_undefined(endian) {
            let hidden = matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL);
            if !symbol.is_local() && !hidden && !name.is_empty() {
                exports.push(name);
            }
            continue;
        }
        let version = versions.version(versions.version_index(endian, index).index())?;
        if let Some((version, library)) = version.and_then(|version| Some((version, version.file()?)))
            && let Some(symbols) = wanted.get_mut(&(text(library), text(version.name())))
        {
            symbols.push(name);
        }
    }
    exports.sort_unstable();
    let one = |((library, version), mut symbols): (_, Vec<String>)| {
        symbols.sort_unstable();
        Wanted { library, version, symbols }
    };
    Ok((wanted.into_iter().map(one).collect(), exports))
}

/// Returns the oldest minor version of the contract that a module's table asks for, and the newest of those where there
/// are several tables; `None` without a table. Tables are static, so they lie in the data of the file: the magic word,
/// the size before it, and the versions behind it (`faas_module` in faas.h).
fn min_minor(sections: &Sections<'_>, endian: Endianness, bytes: &[u8]) -> Result<Option<u32>, NotElf> {
    /// The sizes that a table may have: at least these members, and no more than any table will ever need.
    const SIZES: std::ops::RangeInclusive<u64> = 24..=4096;
    let mut newest = None;
    for section in sections.iter() {
        let flags = section.sh_flags(endian);
        let is_data = section.sh_type(endian) == elf::SHT_PROGBITS && flags.contains(elf::SHF_ALLOC);
        if !is_data || flags.contains(elf::SHF_EXECINSTR) {
            continue;
        }
        let (words, _) = section.data(endian, bytes)?.as_chunks::<8>();
        for three in words.windows(3) {
            let [size, magic, versions] = [three[0], three[1], three[2]].map(|word| match endian {
                Endianness::Little => u64::from_le_bytes(word),
                Endianness::Big => u64::from_be_bytes(word),
            });
            // Both versions are words of 32 bits, and the major one is first.
            let major_and_minor = match endian {
                Endianness::Little => [versions as u32, (versions >> 32) as u32],
                Endianness::Big => [(versions >> 32) as u32, versions as u32],
            };
            if magic == faas_abi::MAGIC && SIZES.contains(&size) && major_and_minor[0] == faas_abi::MAJOR {
                newest = newest.max(Some(major_and_minor[1]));
            }
        }
    }
    Ok(newest)
}

fn machine(machine: elf::Machine) -> Machine {
    match machine {
        elf::EM_X86_64 => Machine::X86_64,
        elf::EM_AARCH64 => Machine::Arm64,
        elf::EM_386 => Machine::Other("i386".to_owned()),
        elf::EM_ARM => Machine::Other("arm".to_owned()),
        elf::EM_RISCV => Machine::Other("riscv".to_owned()),
        elf::EM_PPC64 => Machine::Other("powerpc64".to_owned()),
        elf::EM_S390 => Machine::Other("s390x".to_owned()),
        other => Machine::Other(format!("machine {}", other.0)),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Glibc;
    use super::*;

    /// Returns this test's own program, which the host's toolchain has made.
    fn own() -> Vec<u8> {
        std::fs::read(std::env::current_exe().expect("it has a path")).expect("it can be read")
    }

    #[test]
    fn a_program_of_this_machine_is_read() {
        let own = read(&own()).expect("it is whole");
        assert_eq!((own.arch.clone(), own.kind), (Machine::host(), Kind::Program));
        assert!(own.loader.as_deref().is_some_and(|loader| loader.contains("ld-linux")), "{:?}", own.loader);
        assert!(own.needed.iter().any(|library| library == "libc.so.6"), "{:?}", own.needed);
        assert!(own.glibc() >= Some(Glibc::new(2, 3)), "{:?}", own.glibc());
        assert!(!own.executable_stack && !own.stripped && !own.is_static());
        let newest = own.glibc().expect("it wants a glibc");
        assert!(own.newer_than(newest).is_empty());
        let too_new = own.newer_than(Glibc::new(2, 0));
        assert!(too_new.iter().any(|one| one.symbol == "__libc_start_main"), "{too_new:?}");
    }

    #[test]
    fn a_file_for_another_machine_is_read_as_well() {
        let mut bytes = own();
        // The field e_machine is at byte 18 of every ELF header.
        bytes[18..20].copy_from_slice(&183_u16.to_le_bytes());
        assert_eq!(read(&bytes).expect("it is whole").arch, Machine::Arm64);
    }

    #[test]
    fn what_is_no_elf_file_is_said_in_words() {
        for (bytes, what) in [
            (&b""[..], "an empty file"),
            (b"#!/bin/sh\n", "a script"),
            (b"hello", "a text"),
            (b"MZ\x90\0", "a program for Windows"),
            (b"PK\x03\x04\x14\0", "a zip"),
            (b"!<arch>\n", "a static library"),
            (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "a file for macOS"),
            (b"\0\xff\xfe\x80", "something else"),
        ] {
            assert_eq!(read(bytes).expect_err("it is none"), NotElf::Other(what));
        }
        let of_32_bits = [&b"\x7fELF\x01\x01\x01"[..], &[0; 9], &[3, 0, 40, 0], &[0; 64]].concat();
        assert_eq!(read(&of_32_bits).expect_err("it is none"), NotElf::Bits32(Machine::Other("arm".to_owned())));
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_an_error_and_never_a_panic() {
        let whole = own();
        let head = [4, 16, 63, 64, 100, 512, 4096].into_iter();
        let parts = (1..64).map(|part| whole.len() / 64 * part);
        for length in head.chain(parts) {
            let error = read(&whole[..length]).expect_err("it is not whole");
            assert!(matches!(error, NotElf::Damaged(_)), "{length}: {error}");
        }
    }
}
