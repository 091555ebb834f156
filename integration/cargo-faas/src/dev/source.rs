//! Where deployments come from: a folder that somebody else fills, or the project, which is built.

use super::address;
use super::deployment::{Deployment, dotenv};
use super::options::DevOptions;
use super::watch::Watched;
use crate::failure::Failure;
use crate::screen::Screen;
use std::path::PathBuf;

/// Where they come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A deployment folder.
    Folder {
        /// It.
        folder: PathBuf,
        /// The runtime.
        runtime: PathBuf,
        /// The library of the layer span.
        span: Option<PathBuf>,
    },
}

impl Source {
    /// What the command line says.
    pub(crate) fn find(options: &DevOptions, _: Screen) -> Result<Source, Failure> {
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).map_err(|error| Failure::new("dev", format!("{}: {error}", path.display())))
        };
        let (Some(folder), Some(runtime)) = (&options.deployment, &options.runtime) else {
            return Err(Failure::new("dev", "no project"));
        };
        let span = options.span.as_ref().filter(|_| !options.no_spans);
        Ok(Source::Folder { folder: absolute(folder)?, runtime: absolute(runtime)?, span: span.map(absolute).transpose()? })
    }

    /// The runtime's file.
    pub(crate) fn runtime(&self) -> PathBuf {
        let Source::Folder { runtime, .. } = self;
        runtime.clone()
    }

    /// The file that says where dev is.
    pub(crate) fn address_file(&self) -> PathBuf {
        let Source::Folder { folder, .. } = self;
        folder.with_file_name(format!(".{}-{}", folder.file_name().unwrap_or_default().to_string_lossy(), address::NAME))
    }

    /// What is watched.
    pub(crate) fn watched(&self) -> Watched {
        let Source::Folder { folder, .. } = self;
        Watched { paths: vec![folder.clone()], left_out: Vec::new() }
    }

    /// Makes a deployment of what is there now.
    pub(crate) fn make(&self) -> Result<Deployment, Failure> {
        let Source::Folder { folder, span, .. } = self;
        Deployment::copy(folder, span.as_deref(), &dotenv(&folder.join(".env"))?)
    }
}

/// Where a dev of the current folder may say that it runs.
pub(crate) fn address_files() -> Vec<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let folders = here.ancestors().map(|folder| folder.join("target"));
    target.into_iter().chain(folders).map(|folder| folder.join(address::NAME)).collect()
}
