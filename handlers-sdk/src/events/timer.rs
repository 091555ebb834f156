//! [`Timer`]: the event of a schedule, on any platform.

use super::neutral::{bytes_of, cloud_event, last_part, refused, said};
use super::{aliyun, aws, azure, huawei, tencent, yandex};
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::error::Error;

/// The event of a schedule, whichever service keeps the schedule.
///
/// ```
/// use handlers_sdk::events::Timer;
/// use handlers_sdk::function;
/// use handlers_sdk::testing::sample;
///
/// #[function]
/// fn tidy(timer: Timer) -> String {
///     format!("{} at {}", timer.name, timer.time.as_deref().unwrap_or("some time"))
/// }
///
/// assert_eq!(sample("aws/schedule").run(tidy::MODULE).text(), "nightly at 2026-01-02T03:04:05Z");
/// assert_eq!(sample("aliyun/timer").run(tidy::MODULE).text(), "nightly at 2026-01-02T03:04:05Z");
/// ```
///
/// Two platforms send a plain HTTP request by the clock, Google Cloud Scheduler and the cron connector of OpenFaaS. It
/// is known by a header that anybody may send: let the platform authenticate callers, or check that the function does.
/// A job of Cloud Scheduler, or a PingSource of Knative, may have another name than the schedule, since no other service
/// may have it: the header `X-Timer-Name` of the request, or the attribute `timer` of the event, is the name then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timer {
    /// The name of the schedule: rule, trigger or job. On Azure it is the function's name, on Yandex the trigger's id.
    pub name: String,
    /// The time at which it was due, in RFC 3339, as the platform says it. It is `None` if it does not say it.
    pub time: Option<String>,
    /// The bytes that the schedule is configured with; empty without any.
    pub payload: Vec<u8>,
    /// The view that has the rest, as `events::aws::EventBridge`.
    pub view: &'static str,
}

impl FromInvocation for Timer {
    /// Reads the event. The error is of kind `Runtime.TriggerMismatch` if the event is of no timer; `Option<Timer>` is
    /// `None` then.
    #[inline]
    fn from_invocation(ctx: &FaasContext) -> Result<Timer, Error> {
        let body = ctx.body();
        let timer = |name: String, time: &str, payload: Vec<u8>, view| Timer { name, time: said(time), payload, view };
        Ok(match ctx.source() {
            "aws:eventbridge:schedule" => {
                let event = aws::EventBridge::parse(body)?;
                // A rule without an input of its own sends `{}`.
                let is_empty = event.detail.as_object().is_some_and(serde_json::Map::is_empty);
                let payload = if is_empty { Vec::new() } else { bytes_of(&event.detail) };
                let name = event.resources.first().map(|resource| last_part(resource)).unwrap_or_default();
                timer(name, &event.time, payload, "events::aws::EventBridge")
            }
            "aliyun:timer" => {
                let event = aliyun::Timer::parse(body)?;
                let payload = event.payload.into_bytes();
                timer(event.trigger_name, &event.trigger_time, payload, "events::aliyun::Timer")
            }
            "azure:timer" => {
                azure::Timer::parse(body)?;
                timer(ctx.function().to_owned(), "", Vec::new(), "events::azure::Timer")
            }
            "huawei:timer" => {
                let event = huawei::Timer::parse(body)?;
                timer(event.trigger_name, &event.time, event.user_event.into_bytes(), "events::huawei::Timer")
            }
            "tencent:timer" => {
                let event = tencent::Timer::parse(body)?;
                timer(event.trigger_name, &event.time, event.message.into_bytes(), "events::tencent::Timer")
            }
            "yandex:timer" => {
                let event = yandex::Timer::parse(body)?;
                let message = event.messages.into_iter().next().unwrap_or_default();
                let time = message.metadata.created_at.as_str().unwrap_or_default();
                let payload = message.details.payload.into_bytes();
                timer(message.details.trigger_id, time, payload, "events::yandex::Timer")
            }
            _ => {
                return of_request(ctx)
                    .or_else(|| of_cloud_event(ctx))
                    .ok_or_else(|| refused("an event of a timer", ctx));
            }
        })
    }
}

/// Returns a request that is made by the clock.
#[inline]
fn of_request(ctx: &FaasContext) -> Option<Timer> {
    let request = ctx.http()?;
    let (name, time) = match request.header("x-cloudscheduler-jobname") {
        Some(job) => {
            let name = request.header("x-timer-name").map_or_else(|| last_part(job), str::to_owned);
            (name, request.header("x-cloudscheduler-scheduletime"))
        }
        // The connector invokes the functions of this topic, and of no other.
        None => (request.header("x-topic").filter(|topic| *topic == "cron-function")?.to_owned(), None),
    };
    Some(Timer { name, time: time.map(str::to_owned), payload: ctx.body().to_vec(), view: "Request" })
}

/// Returns an event of Knative's PingSource, or of a timer of veFaaS.
#[inline]
fn of_cloud_event(ctx: &FaasContext) -> Option<Timer> {
    let event = cloud_event(ctx)?;
    matches!(event.kind(), "dev.knative.sources.ping" | "faas.timer.event").then(|| Timer {
        name: event.attribute("timer").map_or_else(|| last_part(event.source()), str::to_owned),
        time: event.time().map(str::to_owned),
        payload: event.data().to_vec(),
        view: "events::CloudEvent",
    })
}
