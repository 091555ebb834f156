//! The console of `cargo faas dev` in a browser, driven by WebDriver: headless Chromium, on the pages as people see
//! them. Pictures of them are kept in the target folder, in `screenshots`.
#![forbid(unsafe_code)]

mod dev_rig;
mod webdriver;

use dev_rig::Rig;
use integration::{artifacts, needs};
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use webdriver::Browser;

/// The manifest of two units, with a layer around one of them.
const SHOP: &str = r#"{"version":1,"layers":["monitor"],"functions":[
    {"name":"hello","events":[{"http":{"path":"/hello","method":["GET","POST"]}}]},
    {"name":"faulty","events":[{"http":{"path":"/faulty"}},{"queue":{"source":"orders"}}]}]}"#;
const PAGES: &str = r#"{"version":1,"default":"stream","functions":[{"name":"stream"}]}"#;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let needs = needs::program("chromedriver").and(needs::program("chromium"));
    let trials: Vec<Trial> = vec![
        needs::once(&needs, "the_list_fills_as_requests_come_and_a_run_shows_where_its_time_went", |driver| {
            told(list_and_waterfall(driver))
        }),
        needs::once(&needs, "a_run_is_sent_again_as_it_was_and_changed_and_two_are_compared", |driver| {
            told(replay(driver))
        }),
        needs::once(&needs, "pages_fit_narrow_screens_and_are_used_by_the_keyboard", |driver| told(narrow(driver))),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn told(result: Result<()>) -> std::result::Result<(), String> {
    result.map_err(|error| error.to_string())
}

fn rig() -> Rig {
    let units = [("shop", &["hello", "faulty", "layer_monitor"][..], SHOP), ("pages", &["stream"][..], PAGES)];
    Rig::start(&units, &[])
}

fn page(rig: &Rig, path: &str) -> String {
    format!("http://{}/_faas{path}", rig.address)
}

/// Keeps a picture of the page.
fn picture(browser: &Browser, name: &str) -> Result<()> {
    let folder: PathBuf = artifacts::target().join("screenshots");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("{name}.png")), browser.screenshot()?)?;
    Ok(())
}

/// Returns the names of the bars of all waterfalls on the page.
fn bars(browser: &Browser) -> Result<String> {
    let names =
        browser.run("return [...document.querySelectorAll('.waterfall th')].map(one => one.textContent).join()")?;
    Ok(names.as_str().unwrap_or_default().to_owned())
}

fn list_and_waterfall(driver: &Path) -> Result<()> {
    let rig = rig();
    let browser = Browser::start(driver, 1200, 900)?;
    browser.go(&page(&rig, ""))?;
    assert!(browser.text("#empty")?.starts_with("Nothing yet."));
    browser.run(
        "window.heard = [];
        const said = document.getElementById('said');
        new MutationObserver(() => window.heard.push(said.textContent)).observe(said, {childList: true});
        return true",
    )?;
    rig.get("/hello?name=ada");
    browser.until("the first row is there", |browser| {
        browser.run("return document.querySelectorAll('#rows tr').length == 1")
    })?;
    browser.until("its status is there", |browser| {
        browser.run("return document.querySelector('#rows .fine .status')?.textContent == '200'")
    })?;
    rig.call(
        "POST",
        "/faulty?do=panic",
        "content-type: text/html\r\n",
        b"<img src=x onerror=\"document.title='hit'\">",
    );
    rig.call("POST", "/hello?name=%3Cscript%3Edocument.title='hit'%3C/script%3E", "", br#"{"item":"tea","count":2}"#);
    rig.get("/stream?chunks=3");
    browser.until("four rows", |browser| browser.run("return document.querySelectorAll('#rows tr').length == 4"))?;
    browser.until("the failure shows", |browser| browser.run("return !!document.querySelector('#rows .failed')"))?;
    browser.until("each is said to those who listen", |browser| {
        browser.run("return ['#1', '#2', '#3', '#4'].every(one => heard.some(said => said.startsWith(one)))")
    })?;
    let heard = browser.run("return heard")?;
    assert_eq!(heard.as_array().map(Vec::len), Some(4), "an end is said once: {heard}");
    picture(&browser, "list-wide")?;
    // The keyboard reaches the link in the failed row.
    browser.run("document.querySelector('#rows .failed a').focus(); return true")?;
    browser.press("\u{e007}")?;
    browser.until("the page of the run", |browser| browser.run("return !!document.querySelector('#live .place')"))?;
    assert!(browser.text(".place")?.contains("faulty/src/lib.rs:"), "{}", browser.text(".place")?);
    browser.until("the waterfall has its spans", |browser| {
        browser.run("return document.querySelectorAll('.waterfall rect').length == 4")
    })?;
    assert_eq!(bars(&browser)?, "front to front,Invoke,monitor,faulty");
    assert!(browser.text("#live")?.contains("onerror"), "the body is shown as a text");
    let title = browser.run("return document.title")?;
    assert!(
        title.as_str().is_some_and(|title| title.starts_with("#2 POST /faulty")),
        "no script of a body has run: {title}"
    );
    picture(&browser, "run-wide")?;
    // The first run of a process has the phases of its start, too.
    browser.go(&page(&rig, "/invocations/1"))?;
    browser.until("the waterfall of the start is there", |browser| {
        browser.run("return document.querySelectorAll('.waterfall').length == 2")
    })?;
    let start = "start of the process,RuntimeStart,monitor,FunctionStart of hello,monitor,hello,\
                 FunctionStart of faulty,monitor,faulty";
    assert_eq!(bars(&browser)?, format!("{start},front to front,Invoke,monitor,hello"));
    let is_ordered = browser.run(
        "const at = [...document.querySelectorAll('rect.phase')].map(one => +one.getAttribute('x'));
        return at[0] > 0 && at[0] < at[1] && at[1] < at[2]",
    )?;
    assert_eq!(is_ordered, true, "the phases stand one behind the other");
    picture(&browser, "cold-wide")?;
    for (path, name) in [
        ("/plan", "plan-wide"),
        ("/send?sample=aws/sqs", "send-wide"),
        ("/processes", "processes-wide"),
        ("/logs", "logs-wide"),
    ] {
        browser.go(&page(&rig, path))?;
        picture(&browser, name)?;
    }
    browser.go(&page(&rig, "/processes"))?;
    assert!(bars(&browser)?.contains(start), "{}", bars(&browser)?);
    browser.go(&page(&rig, "/plan"))?;
    let boxes = browser.run("return [...document.querySelectorAll('.unit h2, .function h3')].map(one => one.firstChild.textContent.trim()).join()")?;
    assert_eq!(boxes, "pages,stream,shop,hello,faulty");
    // The page that is open tells of a deployment that does not start.
    std::fs::write(rig.deployment().join("shop/faas.json"), "{")?;
    browser.until("the page says so", |browser| browser.run("return !!document.querySelector('#state .bad')"))?;
    picture(&browser, "failed-wide")?;
    std::fs::write(rig.deployment().join("shop/faas.json"), SHOP)?;
    browser.until("and that it is over", |browser| browser.run("return !!document.querySelector('#state .good')"))?;
    drop(browser);
    rig.leave();
    Ok(())
}

fn replay(driver: &Path) -> Result<()> {
    let rig = rig();
    let browser = Browser::start(driver, 1200, 900)?;
    rig.call("POST", "/hello?name=ada", "x-own: kept\r\ncontent-type: text/plain\r\n", b"one\ntwo");
    let first = rig.invocation(|one| one["title"] == "POST /hello?name=ada");
    browser.go(&page(&rig, &format!("/invocations/{}", first["number"])))?;
    browser.click("form[action='/_faas/replay'] button")?;
    browser.until("the page of the repeat", |browser| {
        browser.run("return location.pathname.endsWith('/2') && document.readyState == 'complete'")
    })?;
    let repeat = rig.invocation(|one| one["number"] == 2);
    assert_eq!((&repeat["repeats"], &repeat["body"]["text"]), (&1.into(), &"one\ntwo".into()), "{repeat}");
    let has = |one: &Value, name: &str, value: &str| {
        one["request"]["headers"]
            .as_array()
            .is_some_and(|all| all.iter().any(|pair| pair[0] == name && pair[1] == value))
    };
    assert!(has(&repeat, "x-own", "kept"), "{repeat}");
    browser.run("document.getElementById('target').value = '/hello?name=eve'; document.getElementById('body').value = 'three'; return true")?;
    browser.click("form[action='/_faas/replay'] button")?;
    browser.until("the page of the edited one", |browser| {
        browser.run("return location.pathname.endsWith('/3') && document.readyState == 'complete'")
    })?;
    let edited = rig.invocation(|one| one["number"] == 3);
    assert_eq!((&edited["title"], &edited["body"]["text"]), (&"POST /hello?name=eve".into(), &"three".into()));
    assert!(edited["reply"]["text"].as_str().is_some_and(|text| text.contains("eve")), "{edited}");
    browser.go(&page(&rig, ""))?;
    for number in [1, 3] {
        browser.click(&format!("#row-{number} input"))?;
    }
    browser.click("form[action='/_faas/compare'] button")?;
    browser.until("the two beside one another", |browser| {
        browser.run("return !!document.querySelector('.compare .differs')")
    })?;
    let differs = browser
        .run("return [...document.querySelectorAll('.compare .differs th')].map(one => one.textContent).join()")?;
    let differs = differs.as_str().unwrap_or_default();
    assert!(differs.contains("invocation") && differs.contains("body") && differs.contains("reply"), "{differs}");
    picture(&browser, "compare-wide")?;
    // A sample is sent by its form.
    browser.go(&page(&rig, "/send?sample=aws/sqs&function=faulty"))?;
    browser.click("#event button")?;
    browser.until("the page of the event", |browser| {
        browser.run("return document.querySelector('h1')?.textContent.includes('event aws/sqs')")
    })?;
    let event = rig.invocation(|one| one["title"] == "event aws/sqs");
    assert_eq!((&event["platform"], &event["failed"]), (&"aws-lambda".into(), &false.into()), "{event}");
    drop(browser);
    rig.leave();
    Ok(())
}

fn narrow(driver: &Path) -> Result<()> {
    let rig = rig();
    let browser = Browser::start(driver, 360, 740)?;
    rig.get("/hello?name=ada");
    rig.get("/faulty?do=panic&because=a-long-name-that-is-wider-than-a-narrow-screen-is-and-has-no-place-to-break");
    rig.invocation(|one| one["number"] == 2);
    for (path, name) in [
        ("", "list"),
        ("/invocations/1", "cold"),
        ("/invocations/2", "run"),
        ("/send", "send"),
        ("/plan", "plan"),
        ("/processes", "processes"),
        ("/logs", "logs"),
    ] {
        browser.go(&page(&rig, path))?;
        let wider =
            browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")?;
        assert_eq!(wider, 0, "{path} is wider than the screen");
        let broken = browser.run(
            "return [...document.querySelectorAll('.figures td')].filter(one => !one.textContent.includes(' ')).filter(one => {
                const range = document.createRange();
                range.selectNodeContents(one);
                return range.getClientRects().length > 1;
            }).map(one => one.textContent).join()",
        )?;
        assert_eq!(broken, "", "words of {path} that are broken");
        picture(&browser, &format!("{name}-narrow"))?;
    }
    // The first thing that Tab reaches is the way past the menu.
    browser.go(&page(&rig, ""))?;
    browser.press("\u{e004}")?;
    assert_eq!(browser.run("return document.activeElement.textContent")?, "Skip to content");
    browser.press("\u{e007}")?;
    browser.until("the content is in focus", |browser| browser.run("return document.activeElement.id == 'main'"))?;
    let order = browser.run(
        "return [...document.querySelectorAll('a[href], button, input, select, textarea')].every(one => one.tabIndex == 0)",
    )?;
    assert_eq!(order, true, "the order of the page is that of the keyboard");
    let unnamed = browser.run(
        "return [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
            .filter(one => !one.labels?.length && !one.getAttribute('aria-label')).length",
    )?;
    assert_eq!(unnamed, 0);
    drop(browser);
    rig.leave();
    Ok(())
}
