//! Work on a schedule.

use handlers_sdk::{Deadline, FaasContext, Json, function};

#[function(trigger = "timer")]
pub async fn tidy(ctx: FaasContext, deadline: Option<Deadline>) -> Result<Json<bool>, std::io::Error> {
    let left = deadline.and_then(|Deadline(end)| end.duration_since(std::time::SystemTime::now()).ok());
    handlers_sdk::info!({ trigger = ctx.trigger() }, "tidying up, {left:?} left");
    Ok(Json(true))
}
