//! Work on a schedule.

use handlers_sdk::events::Timer;
use handlers_sdk::{Deadline, Json, function};

#[function(trigger = "timer")]
pub async fn tidy(timer: Timer, deadline: Option<Deadline>) -> Json<bool> {
    let left = deadline.and_then(|Deadline(end)| end.duration_since(std::time::SystemTime::now()).ok());
    handlers_sdk::info!({ timer = timer.name }, "tidying up, {left:?} left");
    Json(true)
}
