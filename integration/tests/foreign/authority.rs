//! An authority of certificates that a test has for itself, made by OpenSSL, and a server of OpenSSL's.

use integration::wait::limit;
use platform_emulators::process::Process;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Keys and certificates, made anew.
pub(crate) struct Authority<'o> {
    openssl: &'o Path,
    folder: TempDir,
}

impl<'o> Authority<'o> {
    pub(crate) fn new(openssl: &'o Path) -> Result<Authority<'o>, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let authority = Authority { openssl, folder };
        authority.root("ca")?;
        Ok(authority)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new(self.openssl);
        let output = command.args(arguments).current_dir(self.folder.path()).output();
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    pub(crate) fn root(&self, name: &str) -> Result<(), String> {
        let (key, pem, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name} of a test"));
        self.run(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            &key,
            "-out",
            &pem,
            "-subj",
            &subject,
        ])
    }

    /// Signs a certificate for these names with the key of `by`. It is good for `days` days.
    pub(crate) fn sign(&self, name: &str, by: &str, names: &str, days: &str) -> Result<(), String> {
        let [key, request, pem, more] = ["key", "csr", "pem", "ext"].map(|end| format!("{name}.{end}"));
        let [by_pem, by_key] = ["pem", "key"].map(|end| format!("{by}.{end}"));
        std::fs::write(self.path(&more), format!("subjectAltName={names}\n")).map_err(|error| error.to_string())?;
        self.run(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &request,
            "-subj",
            "/CN=localhost",
        ])?;
        self.run(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &by_pem,
            "-CAkey",
            &by_key,
            "-CAcreateserial",
            "-out",
            &pem,
            "-days",
            days,
            "-extfile",
            &more,
        ])
    }

    /// Starts a server with that certificate and further arguments, which replies with a page about the connection and
    /// closes it. Returns its port.
    pub(crate) fn serve(&self, name: &str, more: &[&str]) -> Result<(Process, u16), String> {
        let mut command = Command::new(self.openssl);
        let [key, pem] = ["key", "pem"].map(|end| self.path(&format!("{name}.{end}")));
        command.args(["s_server", "-accept", "127.0.0.1:0", "-key", &key, "-cert", &pem, "-www"]).args(more);
        let process = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
        let line = process.wait_for_line(|line| line.starts_with("ACCEPT "), limit());
        let line = line.map_err(|late| format!("{late}; {}", process.output()))?;
        let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok());
        let port = port.ok_or_else(|| format!("no port: {line}"))?;
        Ok((process, port))
    }
}
