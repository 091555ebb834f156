//! The vendor's local tools, which send less than the platform: no control path, and the second only one request.

use super::super::run::{OnFc, told};
use integration::artifacts::Runtime;
use platform_emulators::aliyun_fc::{Dialect, Hook, Kind, Options};

integration::both![the_first_local_tool_is_served, the_second_local_tool_is_served];

fn the_first_local_tool_is_served(runtime: &Runtime) {
    let options = Options { dialect: Dialect::OldLocal, initializer: true, pre_stop: true, ..Options::default() };
    let run = OnFc::named(runtime, told(), "fc.life", options);
    assert_eq!(run.count("life FunctionStart"), 0, "{}", run.output());
    assert_eq!(run.call("x").text(), "alive");
    assert_eq!(run.fc.hook(Hook::PreStop).expect("an answer").0.status, 200);
    run.assert_clean();
    assert_eq!((run.count("life FunctionStart"), run.count("life Invoke")), (1, 1));
    assert_eq!(run.count("life is over"), 1, "{}", run.output());
}

fn the_second_local_tool_is_served(runtime: &Runtime) {
    let options = Options { dialect: Dialect::NewLocal, initializer: true, ..Options::default() };
    let run = OnFc::named(runtime, told(), "fc.life", options);
    assert_eq!(run.call("x").text(), "alive", "a call that comes first starts the function");
    run.assert_clean();
    assert_eq!((run.count("life FunctionStart"), run.count("life Invoke")), (1, 1));
    let failing = Options { dialect: Dialect::NewLocal, initializer: true, ..Options::default() };
    let run = OnFc::named(runtime, told().env("LIFE_FAILS", "1"), "fc.life", failing);
    let answer = run.fc.invoke("x");
    assert_ne!(answer.kind, Kind::Success, "{}", answer.text());
}
