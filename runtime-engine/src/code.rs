//! Code that a platform sends with its signal to start: a zip archive gives its entry `exec`, as OpenWhisk's own binary
//! actions are packed, or the only library in it.

use faas_core::failure::Failure;
use std::borrow::Cow;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// The bytes that archives begin with. Libraries begin otherwise.
const ARCHIVE: &[u8] = b"PK";
/// The largest library that is taken. No function is larger; an archive that says so would only fill the memory.
const LIBRARY_BYTES: u64 = 256 << 20;

/// Returns the library in the code.
///
/// # Errors
/// The code holds no library that can be taken. The message goes to the platform.
pub(crate) fn library(code: &[u8]) -> Result<Cow<'_, [u8]>, Failure> {
    if !code.starts_with(ARCHIVE) {
        return Ok(Cow::Borrowed(code));
    }
    let bad =
        |why: String| Failure::new("Runtime.BadCode", format!("the code is an archive that cannot be used: {why}"));
    extract(code, LIBRARY_BYTES).map(Cow::Owned).map_err(bad)
}

/// Returns the library in an archive, if it has no more than `limit` bytes.
fn extract(code: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut archive = ZipArchive::new(Cursor::new(code)).map_err(|error| error.to_string())?;
    // A name that is not text is not the name of a library.
    let names: Vec<_> = archive.file_names().filter_map(Result::ok).map(Cow::into_owned).collect();
    let name = match names.iter().find(|name| *name == "exec") {
        Some(exec) => exec,
        None => {
            let mut libraries = names.iter().filter(|name| name.ends_with(".so"));
            match (libraries.next(), libraries.next()) {
                (Some(only), None) => only,
                (None, _) => return Err("expected an entry exec or one .so, found none".to_owned()),
                (Some(first), Some(second)) => {
                    return Err(format!("expected an entry exec or one .so, found {first} and {second}"));
                }
            }
        }
    };
    let entry = archive.by_name(name).map_err(|error| format!("{name}: {error}"))?;
    let mut library = Vec::new();
    // The size that the archive states may be wrong; the bytes that come out are counted.
    entry.take(limit + 1).read_to_end(&mut library).map_err(|error| format!("{name}: {error}"))?;
    if library.len() as u64 > limit {
        return Err(format!("{name} is larger than {limit} bytes"));
    }
    Ok(library)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            let method = if content.len() > 64 { CompressionMethod::Deflated } else { CompressionMethod::Stored };
            writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn an_archive_gives_exec_or_its_only_library() {
        let library = b"\x7fELF".repeat(1000);
        let found = |entries: &[(&str, &[u8])]| extract(&archive(entries), 1 << 20);
        assert_eq!(found(&[("readme", b"x"), ("lib/libf.so", &library)]).unwrap(), library);
        assert_eq!(found(&[("a.so", b"a"), ("exec", &library), ("b.so", b"b")]).unwrap(), library);
        assert_eq!(found(&[("exec", b"stored")]).unwrap(), b"stored");
        for (entries, expected) in [
            (&[("readme", &b"x"[..])][..], "expected an entry exec or one .so, found none"),
            (&[("a.so", b"a"), ("b.so", b"b")], "expected an entry exec or one .so, found a.so and b.so"),
        ] {
            assert_eq!(found(entries).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_broken_archive_is_a_failure_in_words() {
        let mut cut = archive(&[("exec", &[7; 4096])]);
        cut.truncate(cut.len() / 2);
        let failure = library(&cut).unwrap_err();
        assert_eq!(failure.kind, "Runtime.BadCode");
        assert!(failure.message.starts_with("the code is an archive that cannot be used: "), "{failure}");
    }

    #[test]
    fn an_archive_that_fills_the_memory_is_refused() {
        let bomb = archive(&[("exec", &[0; 1 << 20])]);
        assert!(bomb.len() < 1 << 16);
        assert_eq!(extract(&bomb, 1 << 20).map(|library| library.len()), Ok(1 << 20));
        assert_eq!(extract(&bomb, (1 << 20) - 1).unwrap_err(), "exec is larger than 1048575 bytes");
    }
}
