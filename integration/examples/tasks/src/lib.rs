//! A function that spawns a task that panics, and goes on.
#![forbid(unsafe_code)]

use handlers_sdk::function;

/// Replies once the task has ended.
#[function]
pub async fn tasks() -> &'static str {
    match tokio::spawn(async { panic!("in a task of its own") }).await {
        Ok(()) => "the task has ended",
        Err(_) => "the task has panicked",
    }
}

#[cfg(test)]
mod tests {
    use super::tasks;
    use handlers_sdk::testing::Invoke;

    #[test]
    fn it_outlives_the_task() {
        assert_eq!(Invoke::event("").run(tasks::MODULE).text(), "the task has panicked");
    }
}
