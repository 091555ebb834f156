//! Fires the timers of the deployment, by the clock in UTC. Each is an event as a platform's timer sends it.

use super::app::{App, Wanted, timer_platform};
use super::deployment::Timer;
use handlers_sdk::testing::samples;
use serverless_spec::cron::{Civil, Schedule};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The timer's name and its time in the samples.
const SAMPLE: (&str, &str) = ("nightly", "2026-01-02T03:04:05");

/// Fires the timers that are due, for as long as the tool runs.
pub(crate) async fn fire(app: Arc<App>) {
    // The key is the timer's place and schedule, the value when it fired last or was seen first.
    let mut since: BTreeMap<String, u64> = BTreeMap::new();
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let timers = app.timers();
        let key = |timer: &Timer| [&*timer.unit, &*timer.function, &*timer.source, &*timer.written].join("\n");
        since.retain(|known, _| timers.iter().any(|timer| key(timer) == *known));
        for timer in timers {
            let last = since.entry(key(&timer)).or_insert(now);
            if is_due(&timer.schedule, *last, now) {
                *last = now;
                send(&app, &timer, now);
            }
        }
    }
}

/// Returns `true` if a schedule fires after `last` and not after `now`, both in seconds since 1970.
fn is_due(schedule: &Schedule, last: u64, now: u64) -> bool {
    match schedule {
        Schedule::Every(time) => now >= last + time.as_secs().max(1),
        Schedule::Cron(cron) => {
            now > last
                && cron.next(Civil::of_epoch_seconds(last + 1)).is_some_and(|at| at <= Civil::of_epoch_seconds(now))
        }
    }
}

fn send(app: &Arc<App>, timer: &Timer, now: u64) {
    let platform = timer_platform(&app.how);
    let name =
        if timer.source.is_empty() { format!("timer {}", timer.function) } else { format!("timer {}", timer.source) };
    let wanted = Wanted {
        function: Some(timer.function.clone()),
        name,
        bytes: event(platform.samples, &timer.source, now),
        ..Wanted::default()
    };
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Err(failure) = app.send_event(platform, wanted).await {
            app.screen.failed(&failure);
        }
    });
}

/// Returns the event that a platform sends for a timer of that name.
fn event(folder: &str, source: &str, now: u64) -> Vec<u8> {
    let is_it = |name: &str| {
        name.split_once('/').is_some_and(|(own, what)| own == folder && ["timer", "schedule"].contains(&what))
    };
    let sample = samples().iter().find(|sample| is_it(sample.name()));
    let text = sample.map_or_else(String::new, |sample| String::from_utf8_lossy(sample.bytes()).into_owned());
    let at = Civil::of_epoch_seconds(now).to_string().replace(' ', "T");
    let text = text.replace(SAMPLE.1, &at);
    if source.is_empty() { text.into_bytes() } else { text.replace(SAMPLE.0, source).into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_due_once_for_each_of_its_times() {
        let minutely = Schedule::parse("* * * * *", None).unwrap();
        assert!(!is_due(&minutely, 60, 119));
        assert!(is_due(&minutely, 60, 120));
        assert!(is_due(&minutely, 119, 121), "a second that was slept through");
        assert!(!is_due(&minutely, 120, 120));
        let often = Schedule::parse("@every 2s", None).unwrap();
        assert!(!is_due(&often, 10, 11) && is_due(&often, 10, 12));
    }

    #[test]
    fn each_platforms_timer_has_its_name_and_its_time() {
        for folder in ["aws", "aliyun", "tencent", "huawei"] {
            let event = String::from_utf8(event(folder, "tidy", 1_767_323_045)).unwrap();
            assert!(event.contains("tidy") && !event.contains(SAMPLE.0), "{folder}: {event}");
        }
        let event = String::from_utf8(event("aws", "tidy", 0)).unwrap();
        assert!(event.contains("1970-01-01T00:00:00Z"), "{event}");
    }
}
