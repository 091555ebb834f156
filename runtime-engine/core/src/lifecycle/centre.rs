//! The innermost part of a walk through the layers: a function, or what is answered in its place. In which order the
//! layers around it are called is [`chain`](crate::chain)'s.

use crate::chain::{Chain, Place};
use crate::failure::Failure;
use crate::functions::Refusal;
use crate::records::{self, RecordRule};
use crate::settings::RecordSettings;
use faas_abi::host::FunctionInstance;
use faas_abi::{E_INTERNAL, INVOKE, IS_PER_RECORD, Status};

/// The innermost part of a walk, which the layers stand around.
#[derive(Clone, Copy, Debug)]
pub(super) enum Centre<'a> {
    /// A function, and how it is called for records.
    Function(&'a FunctionInstance, RecordRule),
    /// The answer to an invocation that no function serves.
    Refusal(&'a Refusal),
    /// The reason why its function could not start.
    Failure(&'a Failure),
}

/// Serves one invocation by a function in these layers, from recognisers on, and settles its reply or failure.
pub async fn invoke(chain: &Chain, function: &FunctionInstance, place: &mut Place) {
    let rule = RecordRule::of(function.flags(), RecordSettings::default(), None);
    Centre::Function(function, rule).invoke(chain, place).await;
}

impl Centre<'_> {
    fn name(&self) -> &str {
        match self {
            Centre::Function(function, _) => function.name(),
            Centre::Refusal(_) | Centre::Failure(_) => "the runtime",
        }
    }

    /// Serves one invocation in these layers, from recognisers on, and settles its reply or failure.
    pub(super) async fn invoke(self, chain: &Chain, place: &mut Place) {
        match chain.recognise(place) {
            failed if failed < 0 => place.get_mut().settle(failed, self.name()),
            _ => self.run(chain, place).await,
        }
    }

    /// Serves one invocation in these layers and settles its reply or failure. Recognisers have been asked before.
    pub(super) async fn run(self, chain: &Chain, place: &mut Place) {
        let prepared = chain.prepare(place);
        let status = if prepared < 0 {
            prepared
        } else if chain.has_phase(INVOKE) {
            chain.walk(INVOKE, place, async |place: &mut Place| self.call(chain, place).await).await
        } else {
            self.call(chain, place).await
        };
        place.get_mut().settle(status, self.name());
    }

    async fn call(self, chain: &Chain, place: &mut Place) -> Status {
        match self {
            Centre::Function(function, rule) if function.flags() & IS_PER_RECORD != 0 => {
                // The batch has what it takes in memory of its own: the walk of every invocation would have room for
                // it.
                Box::pin(call_for_records(chain, function, rule, place)).await
            }
            Centre::Function(function, rule) => {
                let status = chain.call_function(function, place).await;
                if status < 0 || !place.get().has_failed_records() {
                    return status;
                }
                let status = records::conclude(place.get_mut(), rule.failures);
                place.get_mut().end_call(status)
            }
            Centre::Refusal(refusal) => {
                let invocation = place.get_mut();
                let status = refusal.answer(invocation);
                invocation.end_call(status)
            }
            Centre::Failure(failure) => {
                let invocation = place.get_mut();
                invocation.set_failure(failure.clone());
                invocation.end_call(E_INTERNAL)
            }
        }
    }
}

/// Calls the function for each record, if the event is a batch; otherwise the event is the one record.
async fn call_for_records(chain: &Chain, function: &FunctionInstance, rule: RecordRule, place: &mut Place) -> Status {
    if place.get().batch().is_none() {
        return chain.record(function, place).await;
    }
    let status = records::run(chain, function, rule, place).await;
    place.get_mut().end_call(status)
}
