//! Runs the commands of a page, one after the other.

use super::compare::{compare, missing};
use super::left_out::reason;
use super::page::{Block, CTRL_C, Command, Page};
use super::place::{Places, Room};
use integration::client::Client;
use integration::wait::{limit, until};
use platform_emulators::process::{Process, Signal};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

struct Replay<'p> {
    page: &'p Page,
    places: &'p Places,
    folder: PathBuf,
    /// The `cargo faas dev` that the page has started, and its address; `None` if none runs.
    dev: Option<(Process, SocketAddr)>,
}

/// The address of `dev` unless it is told another one.
const USUAL: &str = "localhost:8080";

/// Returns how long a command may take: some of them build.
fn long() -> Duration {
    limit() * 60
}

/// Runs a page.
pub(crate) fn replay(page: &Page, places: &Places) -> Result<(), String> {
    let room = Room::of(page);
    let _turn = places.turn(room);
    let mut replay = Replay { page, places, folder: places.enter(room)?, dev: None };
    let (mut first, mut now) = (String::new(), String::new());
    for block in &page.blocks {
        match block {
            Block::Yml(text) if room == Room::Yml => {
                let before = now.clone();
                if text.starts_with("service:") {
                    first.clone_from(text);
                    now.clone_from(text);
                } else {
                    now = format!("{first}{text}");
                }
                replay.keep(&now, if before.is_empty() { &now } else { &before })?;
            }
            Block::Yml(_) => {}
            Block::Commands(commands) => {
                // A new project is made in an empty folder.
                if commands.iter().any(|command| command.text.starts_with("cargo faas new ")) {
                    replay.folder = places.fresh()?;
                }
                for command in commands {
                    let place = || format!("{}:{}: {}\n", page.name, command.line, command.text);
                    replay.command(command).map_err(|why| place() + &why)?;
                }
            }
        }
    }
    replay.end_dev(&[])
}

impl Replay<'_> {
    /// Writes the present yml of the page, and the one before it.
    fn keep(&self, now: &str, before: &str) -> Result<(), String> {
        let name = if self.page.name.ends_with("from-midway.md") { "f.yml" } else { "serverless.yml" };
        let write = |name: &str, text: &str| fs::write(self.folder.join(name), text);
        write(name, now).and_then(|()| write("before.yml", before)).map_err(|error| error.to_string())
    }

    fn command(&mut self, command: &Command) -> Result<(), String> {
        let text = &*command.text;
        if text == CTRL_C {
            return self.end_dev(&command.shown);
        }
        if reason(self.page, command).is_some() {
            return Ok(());
        }
        if text.starts_with("cargo faas dev") || text == "cargo run" {
            return self.start_dev(command);
        }
        if let Some(folder) = text.strip_prefix("cd ").filter(|folder| !folder.contains(' ')) {
            self.folder.push(folder);
            if !self.folder.is_dir() {
                return Err("there is no such folder".to_owned());
            }
            return self.places.link_target(&self.folder);
        }
        // The page's reader has the usual port.
        let text = match &self.dev {
            Some((_, address)) => text.replace(USUAL, &address.to_string()),
            None => text.to_owned(),
        };
        let process = self.start(&text)?;
        let status = process.wait(long()).map_err(|late| late.to_string())?;
        let said = process.output();
        let is_failure = command.shown.iter().any(|line| line.starts_with("failed: ") || line.starts_with("error"));
        if status.success() == is_failure {
            return Err(format!("{status}:\n{said}"));
        }
        if command.shown.is_empty() {
            return Ok(());
        }
        compare(&command.shown, &said).map_err(|why| format!("{why}\n--- all that it said:\n{said}"))
    }

    fn start(&self, text: &str) -> Result<Process, String> {
        Process::spawn(self.places.shell(text, &self.folder), |_| ()).map_err(|error| error.to_string())
    }

    /// Starts a dev, and sends the requests that the page shows as served.
    fn start_dev(&mut self, command: &Command) -> Result<(), String> {
        self.end_dev(&[])?;
        // Any port is taken, since 8080 may be somebody's. The tool replaces the shell, so that Ctrl-C reaches it.
        let more = if command.text == "cargo run" { " -- dev" } else { "" };
        let process = self.start(&format!("exec {}{more} --port 0", command.text))?;
        let line = |wanted: &str| {
            let found = process.wait_for_line(|line| line.starts_with(wanted), long());
            found.map_err(|late| format!("no line {wanted:?}: {late}\n{}", process.output()))
        };
        let serving = line("serving   http://")?;
        let address = serving
            .split(['/', ' '])
            .find_map(|word| word.parse::<SocketAddr>().ok())
            .ok_or("it does not say where it serves")?;
        line("deployed  1, ")?;
        for request in command.shown.iter().filter_map(|line| line.strip_prefix("request   ")) {
            let mut words = request.split(' ');
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let asked = Client::connect(address).and_then(|mut client| client.call(method, target, "", b""));
            asked.map_err(|error| format!("{method} {target}: {error}"))?;
        }
        until("dev says what the page shows", &process, || {
            missing(&command.shown, &process.output()).is_none().then_some(())
        })
        .map_err(|why| {
            let line = missing(&command.shown, &process.output()).unwrap_or_default().to_owned();
            format!("the page shows, and dev does not say: {line}\n{why}")
        })?;
        self.dev = Some((process, address));
        Ok(())
    }

    /// Sends Ctrl-C to the dev that runs, if one does.
    fn end_dev(&mut self, shown: &[String]) -> Result<(), String> {
        let Some((process, _)) = self.dev.take() else {
            return if shown.is_empty() { Ok(()) } else { Err("no dev runs that Ctrl-C would end".to_owned()) };
        };
        process.signal(Signal::Int).map_err(|error| error.to_string())?;
        let status = process.wait(long()).map_err(|late| late.to_string())?;
        let said = process.output();
        match missing(shown, &said) {
            Some(line) => Err(format!("the page shows, and dev does not say: {line}\n{said}")),
            None if !status.success() => Err(format!("dev ended with {status}:\n{said}")),
            None => Ok(()),
        }
    }
}

impl Drop for Replay<'_> {
    /// A command that failed leaves its page's dev running, and the runtimes of a dev that is killed would stay behind.
    fn drop(&mut self) {
        // What failed is told by then, and why it does not end as well is nothing new.
        let _ = self.end_dev(&[]);
    }
}
