//! Values that are made for one invocation, before the arguments of its function.

use super::attached::attached;
use super::graph::Plan;
use super::registry::Source;
use super::scope::{self, Scope};
use super::settled::{at_once, settled};
use crate::call::context::FaasContext;
use crate::call::given::Value;
use crate::error::Error;
use crate::executor::drive::Call;
use crate::executor::running;
use crate::reply::outcome::Outcome;
use core::any::TypeId;

/// The values that are made for each invocation of one function.
pub(crate) struct PerRequest {
    /// The values to make, each after those that it needs.
    making: Vec<Making>,
    /// The types that the function's own arguments ask for, with their places in `making`.
    own: Vec<(TypeId, usize)>,
    /// `true` if one of the values may have to be waited for.
    waits: bool,
}

struct Making {
    source: Source,
    /// The shared values that it needs.
    shared: Vec<(TypeId, Value)>,
    /// The other values that it needs: types, and places in `making`.
    others: Vec<(TypeId, usize)>,
}

impl PerRequest {
    /// Takes the values of a plan whose shared values are made.
    pub(super) fn of(plan: Plan, scope: &Scope) -> PerRequest {
        let Plan { each, own, .. } = plan;
        let places = |needs: &[(TypeId, Source)]| {
            let place = |source: &Source| each.iter().position(|step| step.source.is(source));
            needs.iter().filter_map(|(id, source)| Some((*id, place(source)?))).collect::<Vec<_>>()
        };
        let shared = |needs: &[(TypeId, Source)]| {
            needs.iter().filter_map(|(id, source)| Some((*id, scope.get(source)?))).collect::<Vec<_>>()
        };
        let making = each.iter().map(|step| Making {
            source: step.source.clone(),
            shared: shared(&step.needs),
            others: places(&step.needs),
        });
        PerRequest {
            making: making.collect(),
            own: places(&own),
            waits: each.iter().any(|step| step.source.is_async()),
        }
    }

    /// Returns the context for the function, with the values that are made for this invocation.
    async fn given(&self, ctx: &FaasContext) -> Result<FaasContext, Error> {
        let mut made: Vec<Value> = Vec::with_capacity(self.making.len());
        let at = |made: &[Value], (id, place): &(TypeId, usize)| (*id, made[*place].clone());
        for Making { source, shared, others } in &self.making {
            let values = shared.iter().cloned().chain(others.iter().map(|other| at(&made, other)));
            let value = scope::made(source, &ctx.with_given(values.collect())).await?;
            made.push(value);
        }
        Ok(ctx.with_given(self.own.iter().map(|own| at(&made, own)).collect()))
    }
}

fn per_request(ctx: &FaasContext, member: usize) -> Option<&PerRequest> {
    let per_request = attached(ctx)?.started()?.each.get(member)?;
    if per_request.making.is_empty() { None } else { Some(per_request) }
}

/// Serves one invocation of the entry's function with the number `member`.
///
/// The usual one, for which nothing is made, goes straight to `serve`.
pub(crate) fn call(ctx: &FaasContext, member: usize, serve: fn(&FaasContext) -> Call) -> Call {
    match per_request(ctx, member) {
        None => serve(ctx),
        Some(PerRequest { waits: true, .. }) => call_later(ctx.clone(), member, serve),
        Some(per_request) => match at_once(per_request.given(ctx)) {
            Some(Ok(ctx)) => serve(&ctx),
            Some(Err(error)) => Call::Ended(Outcome::failed(error)),
            // A provider that is no `async fn` has nothing to wait with.
            None => Call::Ended(Outcome::failed(Error::internal("Runtime.ProviderAsync", "a provider waited"))),
        },
    }
}

fn call_later(ctx: FaasContext, member: usize, serve: fn(&FaasContext) -> Call) -> Call {
    running(async move {
        let given = match per_request(&ctx, member) {
            Some(per_request) => per_request.given(&ctx).await,
            None => Ok(ctx.clone()),
        };
        match given {
            Ok(ctx) => settled(|| Some(serve(&ctx))).await.unwrap_or(Outcome::Done),
            Err(error) => Outcome::failed(error),
        }
    })
}
