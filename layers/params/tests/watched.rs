//! A watcher of a parameter hears of it when it changes, through the layer's real table. The integration tests have the
//! sources.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::service::params::Watching;
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
use layer_params::Params;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

type Line = (Sender<String>, Mutex<Receiver<String>>);

/// The news that the watcher has heard.
static HEARD: LazyLock<Line> = LazyLock::new(|| {
    let (sender, receiver) = channel();
    (sender, Mutex::new(receiver))
});

fn heard() -> String {
    let heard = HEARD.1.lock().expect("no test panics within");
    heard.recv_timeout(Duration::from_secs(60)).expect("it is told")
}

struct Watcher(#[allow(dead_code, reason = "the watch ends with the layer")] Watching);

#[layer(name = "watcher")]
impl Layer for Watcher {
    fn create(config: &Config) -> Result<Self, Error> {
        let params = config.params().ok_or_else(|| Error::msg("expected params further out"))?;
        let watching = params.watch("password", |news| {
            let words = match news {
                Ok(value) => value.reveal_text().unwrap_or_default().to_owned(),
                Err(error) => format!("{:?}", error.kind()),
            };
            let _ = HEARD.0.send(words);
        })?;
        Ok(Watcher(watching))
    }
}

#[function]
async fn told(ctx: FaasContext) -> Result<String, Error> {
    let params = ctx.params().ok_or_else(|| Error::msg("expected params"))?;
    Ok(params.get("password").await?.reveal_text().unwrap_or_default().to_owned())
}

fn replace(path: &Path, text: &str) {
    let fresh = path.with_extension("fresh");
    std::fs::write(&fresh, text).expect("it is written");
    std::fs::rename(fresh, path).expect("it takes the other's place");
}

#[test]
fn a_watcher_hears_of_the_value_of_each_change_of_a_removal_and_of_the_end() {
    let folder = std::env::temp_dir().join(format!("layer-params-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("password");
    replace(&file, "one");
    let config = format!(r#"{{"sources":[{{"from":"files","path":{folder:?}}}],"ttl":"20ms"}}"#);
    let app = App::builder().configured(Params::MODULE, &config).module(Watcher::MODULE).module(told::MODULE);
    let app = app.start().expect("starts");
    assert_eq!(heard(), "one");
    assert_eq!(app.invoke(Invoke::event("")).text(), "one");
    replace(&file, "two");
    assert_eq!(heard(), "two", "and no value twice");
    std::fs::remove_file(&file).expect("it is gone");
    assert_eq!(heard(), "NotFound");
    replace(&file, "three");
    assert_eq!(heard(), "three");
    app.close();
    assert_eq!(heard(), "Cancelled");
    std::fs::remove_dir_all(&folder).expect("it is gone");
}
