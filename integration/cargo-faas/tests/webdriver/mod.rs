//! A few calls of the W3C WebDriver protocol, over one HTTP request each.

use integration::client::Client;
use integration::wait;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use serde_json::{Value, json};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A browser with one window.
pub(crate) struct Browser {
    driver: Process,
    address: SocketAddr,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser without a screen, with a profile of its own and nothing that asks the network of its own
    /// accord.
    pub(crate) fn start(driver: &Path, width: u32, height: u32) -> Result<Browser> {
        let profile = tempfile::tempdir()?;
        let port = free_port();
        let mut command = Command::new(driver);
        command.arg(format!("--port={port}")).env("HOME", profile.path()).env("TMPDIR", profile.path());
        let driver = Process::spawn(command, |_| ())?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait::until("the driver listens", &driver, || Client::connect(address).ok().map(drop))?;
        let mut browser = Browser { driver, address, session: String::new(), _profile: profile };
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ];
        let folder = browser._profile.path().join("profile");
        let mut flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", folder.display()));
        // No window is narrower than 500 px, but the page in it may be.
        let mobile = json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0, "touch": false, "mobile": false}});
        let options = json!({"args": flags, "mobileEmulation": mobile});
        let asked = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let made = browser.call("POST", "/session", &asked)?;
        browser.session = made["sessionId"].as_str().ok_or("no session")?.to_owned();
        Ok(browser)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut client = Client::connect(self.address)?;
        let reply = client.call(method, path, "content-type: application/json\r\n", body.as_bytes())?;
        let answer: Value = serde_json::from_slice(&reply.body)?;
        if reply.status == 200 {
            return Ok(answer["value"].clone());
        }
        Err(format!("{method} {path} {body}: {answer}").into())
    }

    fn command(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", &format!("/session/{}{path}", self.session), body)
    }

    /// Opens a page by its URL.
    pub(crate) fn go(&self, url: &str) -> Result<()> {
        self.command("/url", &json!({"url": url})).map(drop)
    }

    /// Runs a script, and returns its value.
    pub(crate) fn run(&self, script: &str) -> Result<Value> {
        self.command("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Asks until a script returns `true`.
    pub(crate) fn until(&self, what: &str, probe: impl Fn(&Browser) -> Result<Value>) -> Result<()> {
        // A page that is just being left has no answer.
        let asked = wait::until(what, &self.driver, || probe(self).is_ok_and(|value| value == true).then_some(()));
        asked.map_err(|why| {
            let page = self.run("return location.href + '\\n' + document.body.innerText").unwrap_or_default();
            format!("{why}\n{}", page.as_str().unwrap_or_default()).into()
        })
    }

    fn element(&self, selector: &str) -> Result<String> {
        let found = self.command("/element", &json!({"using": "css selector", "value": selector}))?;
        let id = found.as_object().and_then(|found| found.values().next()?.as_str().map(str::to_owned));
        id.ok_or_else(|| format!("no element {selector}").into())
    }

    /// Returns the text of an element, as it is seen.
    pub(crate) fn text(&self, selector: &str) -> Result<String> {
        let path = format!("/session/{}/element/{}/text", self.session, self.element(selector)?);
        Ok(self.call("GET", &path, &Value::Null)?.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks an element, as a person does.
    pub(crate) fn click(&self, selector: &str) -> Result<()> {
        self.command(&format!("/element/{}/click", self.element(selector)?), &json!({})).map(drop)
    }

    /// Presses a key of the keyboard.
    pub(crate) fn press(&self, key: &str) -> Result<()> {
        let keys = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.command("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]})).map(drop)
    }

    /// Returns a picture of the visible part of the page, as PNG.
    pub(crate) fn screenshot(&self) -> Result<Vec<u8>> {
        let coded = self.call("GET", &format!("/session/{}/screenshot", self.session), &Value::Null)?;
        let mut picture = Vec::new();
        faas_core::encoding::base64::decode_into(&mut picture, coded.as_str().unwrap_or_default().as_bytes())
            .map_err(|error| format!("not base64: {error:?}"))?;
        Ok(picture)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver's own end would leave the browser to itself.
        let _ = self.call("DELETE", &format!("/session/{}", self.session), &Value::Null);
    }
}
