//! Looks up secrets before there is a module: in the environment, and in files of mounted folders.

use faas_core::secrets::{LookUp, variables};
use faas_core::settings::Env;
use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The largest file that is read: a larger one is no password, key or certificate.
const MOST_BYTES: u64 = 1 << 20;

/// Returns the folders that hold a file for each secret: those that `FAAS_SECRETS` names, parted by colons, else the
/// platform's.
pub(crate) fn folders(env: &Env<'_>, of_platform: &str) -> Vec<PathBuf> {
    let named = env.get("FAAS_SECRETS").unwrap_or_else(|| of_platform.to_owned());
    named.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from).collect()
}

/// Looks for a secret in the environment and then in these folders, in their order.
pub(crate) fn look_up(name: &str, folders: &[PathBuf]) -> LookUp {
    let mut places = Vec::new();
    for variable in variables(name) {
        match std::env::var(&variable) {
            Ok(value) if !value.is_empty() => return LookUp::Found(value),
            Err(std::env::VarError::NotUnicode(_)) => places.push(format!("the variable {variable} (it is no UTF-8)")),
            _ => places.push(format!("the variable {variable}")),
        }
    }
    for folder in folders {
        let path = folder.join(OsStr::from_bytes(name.as_bytes()));
        let why = match read(&path) {
            Ok(value) => return LookUp::Found(value),
            Err(why) if why.is_empty() => String::new(),
            Err(why) => format!(" ({why})"),
        };
        places.push(format!("the file {}{why}", path.display()));
    }
    LookUp::Absent(places)
}

/// Returns the text of a file, without the end of its last line, which editors add and no password has.
///
/// # Errors
/// The message says why it cannot be a secret; it is empty if there is no such file.
fn read(path: &std::path::Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => String::new(),
        _ => error.to_string(),
    })?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())?;
    if text.contains('\0') {
        return Err("it has a NUL".to_owned());
    }
    for end in ['\n', '\r'] {
        if text.ends_with(end) {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_secret_without_the_end_of_its_last_line() {
        let folder = std::env::temp_dir().join(format!("faas-secrets-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("db")).expect("it is made");
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("it is written");
        let folders = [folder.join("nothing"), folder.clone()];
        for (bytes, expected) in
            [(&b"a b\n"[..], "a b"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b"", ""), (b" a ", " a ")]
        {
            put("db/password", bytes);
            assert_eq!(look_up("db/password", &folders), LookUp::Found(expected.to_owned()));
        }
        put("odd", b"\xff");
        put("long", &vec![b'a'; 1 + (1 << 20)]);
        put("nul", b"a\0b");
        for (name, why) in [
            ("odd", "(it is no UTF-8)"),
            ("long", "(it has more than 1048576 bytes)"),
            ("nul", "(it has a NUL)"),
            ("db", "(Is a directory"),
        ] {
            let LookUp::Absent(places) = look_up(name, &folders) else { panic!("{name} is no secret") };
            assert_eq!(places.len(), 4, "{places:?}");
            assert!(places[3].contains(why) && !places[2].contains('('), "{places:?}");
        }
        std::fs::remove_dir_all(&folder).expect("it is there");
    }

    #[test]
    fn folders_are_those_of_the_setting_or_the_one_of_the_platform() {
        let of = |value: Option<&str>| {
            let value = value.map(str::to_owned);
            folders(&Env::new(&|_| value.clone()), "/run/secrets")
        };
        assert_eq!(of(None), [PathBuf::from("/run/secrets")]);
        assert_eq!(of(Some("/a:/b:")), [PathBuf::from("/a"), PathBuf::from("/b")]);
    }
}
