//! The requirements on a package on each platform: the one table that packaging, checks and documentation read. The
//! list of platforms is the runtime's table; a test holds the two together.

use crate::artefact::Glibc;
use crate::failure::Failure;
use serde::Serialize;

/// The form in which a platform takes a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    /// A zip that the platform unpacks.
    Zip,
    /// A container image.
    Image,
}

/// The glibc of the system that a package runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// The name of the system, and its glibc.
    Known(&'static str, Glibc),
    /// The platform does not publish it.
    Unknown,
}

/// A script that the platform starts, and that starts the runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// The name of the script in the package.
    pub(crate) name: &'static str,
    /// The text of the script; `{program}` stands for the runtime's name.
    pub(crate) text: &'static str,
}

/// The sizes in bytes that a platform refuses to exceed; `None` where it publishes no limit. The source of each stands
/// in docs/packaging.md.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    /// The limit of a zip that is sent with the call that creates the function. A larger one goes by way of a bucket.
    pub(crate) upload: Option<u64>,
    /// The limit of a zip, whichever way it comes.
    pub(crate) zip: Option<u64>,
    /// The limit of all files together, unpacked.
    pub(crate) unpacked: Option<u64>,
}

/// The requirements on a package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packaging {
    /// The platform's name in this project, which is the runtime's cargo feature as well.
    pub(crate) platform: &'static str,
    /// The form in which it takes a package.
    pub(crate) form: Form,
    /// The program that the platform starts: the runtime itself, or a script.
    pub(crate) boot: &'static str,
    /// The scripts beside the runtime.
    pub(crate) scripts: &'static [Script],
    /// The folder of the files when they run.
    pub(crate) folder: &'static str,
    /// The system that it runs on: that of a zip's runtime, or that of an image's base.
    pub(crate) system: System,
    /// Folders of the package in which the platform's loader looks for libraries.
    pub(crate) library_folders: &'static [&'static str],
    /// The limits of its size.
    pub(crate) limits: Limits,
    /// `true` if a process is started for each call, so that the light runtime is the better choice.
    pub(crate) prefers_light: bool,
    /// The variables that an image has to set.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// The files that are no part of every package and belong where they are; those of folders end with `/`.
    pub(crate) own_files: &'static [&'static str],
}

/// The name of the runtime in a package.
pub(crate) const PROGRAM: &str = "bootstrap";

/// The base of images, and its system.
pub(crate) const BASE_IMAGE: &str = "debian:12-slim";

const AMAZON_LINUX_2023: System = System::Known("Amazon Linux 2023", Glibc::new(2, 34));
const CENTOS_7: System = System::Known("CentOS 7", Glibc::new(2, 17));
const DEBIAN_11: System = System::Known("Debian 11", Glibc::new(2, 31));
const DEBIAN_12: System = System::Known("Debian 12", Glibc::new(2, 36));

/// Returns megabytes as platforms count them, in bytes.
const fn mb(count: u64) -> Option<u64> {
    Some(count << 20)
}

const ZIP: Packaging = Packaging {
    platform: "",
    form: Form::Zip,
    boot: PROGRAM,
    scripts: &[],
    folder: "",
    system: System::Unknown,
    library_folders: &[],
    limits: Limits { upload: None, zip: None, unpacked: None },
    prefers_light: false,
    environment: &[],
    own_files: &[],
};

const IMAGE: Packaging = Packaging { form: Form::Image, folder: "/app", system: DEBIAN_12, ..ZIP };

/// The packaging of all platforms, by name.
pub(crate) const PLATFORMS: &[Packaging] = &[
    Packaging {
        platform: "aliyun-fc",
        folder: "/code",
        system: DEBIAN_12,
        limits: Limits { upload: mb(100), zip: mb(500), unpacked: None },
        ..ZIP
    },
    Packaging {
        platform: "aws-lambda",
        folder: "/var/task",
        system: AMAZON_LINUX_2023,
        library_folders: &["", "lib"],
        limits: Limits { upload: mb(50), zip: None, unpacked: mb(250) },
        ..ZIP
    },
    Packaging { platform: "azure-container-apps", ..IMAGE },
    Packaging {
        platform: "azure-functions",
        folder: "/home/site/wwwroot",
        system: DEBIAN_11,
        own_files: &["host.json", "*/function.json", "extensions.csproj", "bin/"],
        ..ZIP
    },
    Packaging { platform: "fn", folder: "/function", ..IMAGE },
    Packaging { platform: "google-cloud", ..IMAGE },
    Packaging { platform: "http", ..IMAGE },
    Packaging {
        platform: "huawei-functiongraph",
        folder: "/opt/function/code",
        limits: Limits { upload: mb(50), zip: mb(300), unpacked: mb(1500) },
        ..ZIP
    },
    Packaging { platform: "knative", ..IMAGE },
    Packaging { platform: "kubernetes", ..IMAGE },
    Packaging { platform: "openfaas", environment: &[("FAAS_PLATFORM", "openfaas")], ..IMAGE },
    Packaging {
        platform: "openwhisk",
        boot: "exec",
        scripts: &[Script { name: "exec", text: "#!/bin/sh\ncd \"${0%/*}\" && exec ./{program}\n" }],
        folder: "/action/1/bin",
        limits: Limits { upload: None, zip: mb(48), unpacked: None },
        own_files: &["exec.env"],
        ..ZIP
    },
    Packaging {
        platform: "tencent-scf",
        scripts: &[Script {
            name: "scf_bootstrap",
            text: "#!/bin/bash\ncd \"$(dirname \"$0\")\" && exec ./{program}\n",
        }],
        folder: "/var/user",
        system: CENTOS_7,
        limits: Limits { upload: mb(50), zip: None, unpacked: mb(500) },
        ..ZIP
    },
    Packaging {
        platform: "vefaas",
        boot: "run.sh",
        scripts: &[Script { name: "run.sh", text: "#!/bin/sh\ncd \"$(dirname \"$0\")\" && exec ./{program}\n" }],
        folder: "/opt/bytefaas",
        ..ZIP
    },
    Packaging {
        platform: "yandex",
        boot: "handler.sh",
        scripts: &[Script { name: "handler.sh", text: "#!/bin/bash\nexec ./{program}\n" }],
        folder: "/function/code",
        limits: Limits { upload: Some(3_670_016), zip: mb(128), unpacked: mb(680) },
        prefers_light: true,
        ..ZIP
    },
];

impl Packaging {
    /// Returns the packaging of a platform, by its name or by another name that ymls have for it; `None` if there is
    /// none.
    pub(crate) fn of(name: &str) -> Option<&'static Packaging> {
        let platform = serverless_spec::platform_named(name)?;
        PLATFORMS.iter().find(|packaging| packaging.platform == platform)
    }

    /// Returns it with the given glibc, if one is given.
    pub(crate) fn with_glibc(&self, said: Option<Glibc>) -> Packaging {
        let system = said.map_or(self.system, |glibc| System::Known("that system", glibc));
        Packaging { system, ..*self }
    }

    /// Returns the glibc that a package may want at most; `None` if the platform does not say.
    pub(crate) fn glibc(&self) -> Option<Glibc> {
        match self.system {
            System::Known(_, glibc) => Some(glibc),
            System::Unknown => None,
        }
    }

    /// Returns the glibc to build for: that of the platform, or one that is older than any platform's.
    pub(crate) fn glibc_to_build_for(&self) -> Glibc {
        self.glibc().unwrap_or(OLDEST)
    }

    /// Returns `true` if a file of this name belongs to a package though not every package has it.
    pub(crate) fn is_own(&self, path: &str) -> bool {
        self.own_files.iter().any(|own| match (own.strip_prefix("*/"), own.strip_suffix('/')) {
            (Some(name), _) => path.split_once('/').is_some_and(|(_, rest)| rest == name),
            (None, Some(folder)) => path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
            (None, None) => path == *own,
        })
    }
}

/// Returns the platforms that a command line names: one, several with commas between them, or `all`. Each is there once.
///
/// # Errors
/// There is no platform of a name.
pub(crate) fn chosen(words: &str) -> Result<Vec<&'static Packaging>, Failure> {
    if words == "all" {
        return Ok(PLATFORMS.iter().collect());
    }
    let mut found: Vec<&'static Packaging> = Vec::new();
    for word in words.split(',').map(str::trim) {
        let packaging = named(word, &names_and_all())?;
        if !found.iter().any(|other| other.platform == packaging.platform) {
            found.push(packaging);
        }
    }
    Ok(found)
}

/// Returns the platform that a command line names, which is one.
///
/// # Errors
/// There is no platform of that name, or the words name several.
pub(crate) fn only(words: &str) -> Result<&'static Packaging, Failure> {
    if words == "all" || words.contains(',') {
        let why = format!("`{words}` are several, and this is done for one platform at a time: {}", names());
        return Err(Failure::new("platform", why));
    }
    named(words, &names())
}

fn named(word: &str, names: &str) -> Result<&'static Packaging, Failure> {
    let why = || Failure::new("platform", format!("there is no platform `{word}`; there are {names}"));
    Packaging::of(word).ok_or_else(why)
}

/// Returns the names of all platforms, for messages.
pub(crate) fn names() -> String {
    let names: Vec<&str> = PLATFORMS.iter().map(|packaging| packaging.platform).collect();
    names.join(", ")
}

/// Returns the words that a command takes which is done for several platforms at once.
pub(crate) fn names_and_all() -> String {
    format!("{}, and all", names())
}

/// The oldest glibc that Rust programs run with.
pub(crate) const OLDEST: Glibc = Glibc::new(2, 17);

/// Libraries that are part of glibc or on every system that has it.
pub(crate) const COMMON_LIBRARIES: &[&str] = &[
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libanl.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_of_the_runtime_has_a_packaging() {
        let ours: Vec<&str> = PLATFORMS.iter().map(|packaging| packaging.platform).collect();
        assert_eq!(ours, serverless_spec::platform_names().collect::<Vec<_>>());
    }

    #[test]
    fn a_platform_is_found_by_each_of_its_names() {
        for (name, platform) in [("tencent", "tencent-scf"), ("AWS", "aws-lambda"), ("fn", "fn"), ("k8s", "kubernetes")]
        {
            assert_eq!(Packaging::of(name).map(|packaging| packaging.platform), Some(platform));
        }
        assert!(Packaging::of("vercel").is_none());
    }

    #[test]
    fn several_platforms_have_commas_between_them_and_each_is_there_once() {
        let of = |words: &str| -> Vec<&str> {
            chosen(words).expect("they are there").iter().map(|packaging| packaging.platform).collect()
        };
        assert_eq!(of("tencent, aws-lambda,aws"), ["tencent-scf", "aws-lambda"]);
        assert_eq!(of("all"), PLATFORMS.iter().map(|packaging| packaging.platform).collect::<Vec<_>>());
        let error = chosen("aws,moon").expect_err("there is none").to_string();
        assert!(
            error.starts_with("platform: there is no platform `moon`; there are aliyun-fc, aws-lambda, "),
            "{error}"
        );
        assert!(error.ends_with(", yandex, and all"), "{error}");
    }

    #[test]
    fn what_is_started_is_the_runtime_or_a_script_that_starts_it() {
        for packaging in PLATFORMS {
            let script = packaging.scripts.iter().find(|script| script.name == packaging.boot);
            assert!(packaging.boot == PROGRAM || script.is_some(), "{}", packaging.platform);
            for script in packaging.scripts {
                assert!(script.text.starts_with("#!/bin/") && script.text.contains("/{program}\n"), "{}", script.name);
                assert!(!script.text.contains('\r'), "{}", script.name);
            }
        }
    }

    #[test]
    fn files_of_a_platform_are_told_from_strays() {
        let azure = Packaging::of("azure-functions").expect("it is one");
        assert!(["host.json", "Order/function.json", "bin/extensions.dll"].iter().all(|path| azure.is_own(path)));
        assert!(["function.json", "binary", "a/b/function.json"].iter().all(|path| !azure.is_own(path)));
    }
}
