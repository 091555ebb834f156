//! A program that was built without a platform says which cargo feature it lacks when that platform is forced.

use std::process::Command;

#[test]
#[cfg_attr(
    any(feature = "all-platforms", feature = "knative"),
    ignore = "needs a build with --no-default-features --features aws-lambda,http"
)]
fn a_forced_platform_that_is_not_built_in_ends_the_start_with_the_features_name() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_light-bootstrap"));
    let output = command.env_clear().env("FAAS_PLATFORM", "knative").output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "light-bootstrap: FAAS_PLATFORM: knative is not built in: this program was built without the cargo feature knative\n"
    );
}
