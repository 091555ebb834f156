//! The parts that all trials share: a proxy with its part of `docs/proxies.md`, and the instances of a runtime behind
//! it.

use crate::load::Connections;
use integration::artifacts::{Runtime, workspace};
use integration::client::{Client, Reply};
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The properties of one proxy that the trials need.
#[derive(Clone, Copy)]
pub(crate) struct Proxy {
    /// The name of its program, and the word after the fence of its configuration in `docs/proxies.md`.
    pub(crate) name: &'static str,
    /// Writes into the folder the settings of the machine rather than of the site, which is there as [`SITE`], and
    /// returns the command that starts the proxy in the foreground.
    pub(crate) command: fn(program: &Path, folder: &Path) -> Result<Command, String>,
    /// Makes it read its configuration anew, and returns when it serves by the new one.
    pub(crate) reload: fn(program: &Path, running: &Running) -> Result<(), String>,
    /// The clients that lose nothing while it reads its configuration anew.
    pub(crate) clients_of_a_reload: &'static [(usize, Connections)],
    /// `true` if it asks `/readyz` of each instance from time to time.
    pub(crate) asks_for_health: bool,
    /// The form in which it reads the whole body of a request before it calls the runtime.
    pub(crate) buffered: Form,
    /// The form in which it passes the body of a request on as it comes.
    pub(crate) unbuffered: Form,
    /// The form in which it speaks HTTP/2 to the runtime; `None` if it cannot.
    pub(crate) over_http_2: Option<Form>,
}

/// The configuration of the page, in the folder of a proxy.
pub(crate) const SITE: &str = "site";

/// A form of the page's configuration.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// The word for the name of a trial.
    pub(crate) name: &'static str,
    /// The directive of the page to switch on; `None` for the page as it stands.
    pub(crate) switch: Option<&'static str>,
}

/// A proxy that runs.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
}

/// One proxy before one instance of a runtime or two.
pub(crate) struct Site {
    pub(crate) proxy: Running,
    pub(crate) instances: Vec<OnHttp>,
}

/// Returns the block of `docs/proxies.md` with these words after its fence.
///
/// # Errors
/// There is none, or more than one.
pub(crate) fn block(words: &str) -> Result<String, String> {
    let path = workspace().join("docs/proxies.md");
    let page = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let opening = format!("\n```{words}\n");
    let mut blocks = page.split(opening.as_str()).skip(1);
    match (blocks.next().and_then(|rest| rest.split_once("\n```")), blocks.next()) {
        (Some((block, _)), None) => Ok(format!("{block}\n")),
        _ => Err(format!("{}: expected one block ```{words}", path.display())),
    }
}

/// Returns a text of the page with the one place of `old` exchanged.
///
/// # Errors
/// It is not there, or there several times.
pub(crate) fn exchange(text: &str, old: &str, new: &str) -> Result<String, String> {
    match text.matches(old).count() {
        1 => Ok(text.replacen(old, new, 1)),
        count => Err(format!("docs/proxies.md: expected {old:?} once, found it {count} times in\n{text}")),
    }
}

impl Proxy {
    /// Returns the proxy's configuration of the page in this form.
    ///
    /// # Errors
    /// The page does not have it.
    pub(crate) fn site(&self, form: Form) -> Result<String, String> {
        let site = block(self.name)?;
        match form.switch {
            Some(directive) => exchange(&site, &format!("# {directive}"), directive),
            None => Ok(site),
        }
    }

    /// Starts the proxy before instances that run already; a single one takes the place of both of the page.
    ///
    /// # Errors
    /// The page or the proxy does not allow it.
    pub(crate) fn start(&self, program: &Path, site: &str, instances: Vec<OnHttp>) -> Result<Site, String> {
        let port = free_port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (Some(one), Some(two)) = (instances.first(), instances.last()) else {
            return Err("a proxy needs an instance behind it".to_owned());
        };
        let mut site = exchange(site, ":8000", &format!(":{port}"))?;
        for (old, instance) in [("127.0.0.1:8080", one), ("127.0.0.1:8081", two)] {
            site = exchange(&site, old, &instance.address.to_string())?;
        }
        let folder = tempfile::Builder::new().prefix("faas-proxy-").tempdir().map_err(|error| error.to_string())?;
        write(folder.path(), SITE, &site)?;
        let mut command = (self.command)(program, folder.path())?;
        command.current_dir(folder.path()).stdin(std::process::Stdio::null()).env_clear().env("HOME", folder.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        let process = Process::spawn(command, |_| ()).map_err(|error| format!("{}: {error}", program.display()))?;
        wait::until("the proxy listens", &process, || TcpStream::connect(address).ok())?;
        Ok(Site { proxy: Running { process, address, folder }, instances })
    }

    /// Starts the proxy in this form before one instance.
    ///
    /// # Errors
    /// It fails as [`Proxy::start`] does.
    pub(crate) fn before(
        &self,
        program: &Path,
        form: Form,
        runtime: &Runtime,
        deployment: Deployment,
        handler: &str,
    ) -> Result<Site, String> {
        let instance = OnHttp::start(runtime, deployment, handler);
        self.start(program, &self.site(form)?, vec![instance])
    }
}

/// Writes a file of the folder.
///
/// # Errors
/// The system refuses, with its own error.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

impl Site {
    /// Returns a connection to the proxy.
    ///
    /// # Errors
    /// It is refused.
    pub(crate) fn client(&self) -> Result<Client, String> {
        Client::connect(self.proxy.address).map_err(|error| self.told(&format!("no connection to the proxy: {error}")))
    }

    /// Sends a request through the proxy, on a connection of its own.
    ///
    /// # Errors
    /// There is no reply.
    pub(crate) fn call(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Result<Reply, String> {
        let reply = self.client()?.call(method, target, headers, body);
        reply.map_err(|error| self.told(&format!("{method} {target}: {error}")))
    }

    /// Returns the failure, and under it the last lines of the proxy and the instances.
    pub(crate) fn told(&self, what: &str) -> String {
        let mut told = what.to_owned();
        let processes = self.instances.iter().map(|instance| ("instance", &instance.process));
        for (who, process) in std::iter::once(("proxy", &self.proxy.process)).chain(processes) {
            let lines = process.lines();
            told.push_str(&format!("\n-- {who}, {:?}, the last of {} lines:\n", process.status(), lines.len()));
            for line in &lines[lines.len().saturating_sub(15)..] {
                told.push_str(line.text.get(..400).unwrap_or(&line.text));
                told.push('\n');
            }
        }
        told
    }
}
