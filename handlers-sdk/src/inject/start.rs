//! FunctionStart and Close of functions that something is injected into.

use super::attached::{Attached, Started, attached};
use super::graph::{self, Plan};
use super::per_request::PerRequest;
use super::provider::Needs;
use super::settled::settled;
use crate::call::context::FaasContext;
use crate::call::given::Values;
use crate::error::Error;
use crate::executor::drive::Call;
use crate::executor::running;
use crate::reply::outcome::Outcome;
use std::sync::atomic::Ordering;

/// Makes the values that the functions of an entry need, then runs `hook`, which is the author's code for the start.
pub(crate) fn begin(ctx: &FaasContext, needs: &'static [Needs], hook: fn(&FaasContext) -> Call) -> Call {
    let ctx = ctx.clone();
    running(async move {
        match make_all(&ctx, needs).await {
            Ok(()) => ran(hook, &ctx).await,
            Err(error) => Outcome::failed(error),
        }
    })
}

/// Runs `hook`, which is the author's code for Close, then ends the values if nobody else uses them.
pub(crate) fn end(ctx: &FaasContext, hook: fn(&FaasContext) -> Call) -> Call {
    let ctx = ctx.clone();
    running(async move {
        let outcome = ran(hook, &ctx).await;
        match (outcome, end_all(&ctx).await) {
            (Outcome::Done, Err(error)) => Outcome::failed(error),
            (outcome, _) => outcome,
        }
    })
}

async fn ran(hook: fn(&FaasContext) -> Call, ctx: &FaasContext) -> Outcome {
    settled(|| Some(hook(ctx))).await.unwrap_or(Outcome::Done)
}

async fn make_all(ctx: &FaasContext, needs: &'static [Needs]) -> Result<(), Error> {
    let Some(Attached { scope, has_joined, .. }) = attached(ctx) else { return Ok(()) };
    let plans = needs.iter().map(|needs| graph::plan(needs, &scope.registry));
    let plans: Vec<Plan> = plans.collect::<Result<_, _>>()?;
    let alone = scope.alone().await;
    if !has_joined.swap(true, Ordering::Relaxed) {
        scope.join();
    }
    let mut started = Started { shared: Values::default(), each: Vec::new() };
    for plan in plans {
        for step in &plan.shared {
            scope.make(&alone, step, ctx).await?;
        }
        let own = |(id, source): &(_, _)| Some((*id, scope.get(source)?));
        started.shared.extend(plan.own.iter().filter_map(own));
        started.each.push(PerRequest::of(plan, scope));
    }
    if let Some(attached) = attached(ctx) {
        attached.set_started(started);
    }
    Ok(())
}

async fn end_all(ctx: &FaasContext) -> Result<(), Error> {
    let Some(Attached { scope, has_joined, .. }) = attached(ctx) else { return Ok(()) };
    let alone = scope.alone().await;
    if has_joined.swap(false, Ordering::Relaxed) && scope.leave() { scope.close(&alone, ctx).await } else { Ok(()) }
}
