//! Versions of glibc, as the versions of symbols name them.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A version of glibc, such as 2.34.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub(crate) struct Glibc {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Glibc {
    /// Returns the version of that major and minor number.
    pub(crate) const fn new(major: u32, minor: u32) -> Glibc {
        Glibc { major, minor, patch: 0 }
    }

    /// Returns the glibc that brought a symbol version; `None` if it is not one of glibc's own. `GLIBC_PRIVATE` counts
    /// as newer than any: a file with it works with the very glibc that it was built on, if at all.
    pub(crate) fn of_symbol_version(version: &str) -> Option<Glibc> {
        match version.strip_prefix("GLIBC_")? {
            // This names an ability of the dynamic loader, by the release that first had it.
            "ABI_DT_RELR" => Some(Glibc::new(2, 36)),
            "ABI_GNU_TLS" | "ABI_GNU2_TLS" | "ABI_DT_X86_64_PLT" => Some(Glibc::new(2, 42)),
            "PRIVATE" => Some(Glibc::new(u32::MAX, 0)),
            numbers => numbers.parse().ok(),
        }
    }
}

impl FromStr for Glibc {
    type Err = String;

    fn from_str(text: &str) -> Result<Glibc, String> {
        let wrong = || format!("expected a version of glibc such as 2.17, found {text:?}");
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        match numbers.map_err(|_| wrong())?[..] {
            [major, minor] => Ok(Glibc { major, minor, patch: 0 }),
            [major, minor, patch] => Ok(Glibc { major, minor, patch }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Glibc { major: u32::MAX, .. } => f.write_str("private"),
            Glibc { major, minor, patch: 0 } => write!(f, "{major}.{minor}"),
            Glibc { major, minor, patch } => write!(f, "{major}.{minor}.{patch}"),
        }
    }
}

impl From<Glibc> for String {
    fn from(glibc: Glibc) -> String {
        glibc.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers_and_not_as_texts() {
        let of = |version| Glibc::of_symbol_version(version).expect("it is glibc's");
        assert!(of("GLIBC_2.9") < of("GLIBC_2.17"));
        assert!(of("GLIBC_2.2.5") < of("GLIBC_2.3"));
        assert!(of("GLIBC_2.34") < of("GLIBC_ABI_DT_RELR"));
        assert!(of("GLIBC_PRIVATE") > of("GLIBC_2.99"));
        assert_eq!(of("GLIBC_2.17"), Glibc::new(2, 17));
    }

    #[test]
    fn versions_of_other_libraries_are_none_of_glibcs() {
        for other in ["GCC_3.3", "GLIBCXX_3.4", "CXXABI_1.3", "2.17", "GLIBC_", "GLIBC_2", "GLIBC_2.x"] {
            assert_eq!(Glibc::of_symbol_version(other), None, "{other}");
        }
    }

    #[test]
    fn a_version_is_shown_as_it_is_written() {
        for text in ["2.17", "2.2.5"] {
            assert_eq!(text.parse::<Glibc>().expect("it is one").to_string(), text);
        }
        assert_eq!("17".parse::<Glibc>(), Err("expected a version of glibc such as 2.17, found \"17\"".to_owned()));
    }
}
