//! Where a call of a module runs: right here, or on the pool of threads that may block.
//!
//! Does not know what is called or what becomes of the result.

use faas_abi::{IS_BLOCKING, IS_INLINE};
use faas_core::chain::Place;
use faas_core::lifecycle::Runtime;
use faas_core::parking::block_on;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Where calls run.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// On the thread that has the event: it serves nothing else, or the call is known to be short.
    Here,
    /// On this pool.
    Pool(Handle),
}

impl Way {
    /// For several invocations at once: only what says that it is short runs on a thread that serves others too.
    pub(crate) fn of(runtime: &Runtime, pool: Handle) -> Way {
        let function = runtime.function_flags();
        let layers = runtime.chain().layers().iter().fold(0, |flags, layer| flags | layer.instance.flags());
        if function & IS_INLINE != 0 && (function | layers) & IS_BLOCKING == 0 { Way::Here } else { Way::Pool(pool) }
    }
}

/// Serves the invocation in `place` and gives the place back. Dropped before that, the call goes on by itself and its
/// memory stays. `None`: the pool's thread is gone, and the place with it.
pub(crate) async fn invoke(runtime: &Arc<Runtime>, way: &Way, mut place: Place) -> Option<Place> {
    match way {
        Way::Here => {
            runtime.invoke(&mut place).await;
            Some(place)
        }
        Way::Pool(pool) => {
            let runtime = runtime.clone();
            let call = move || {
                block_on(runtime.invoke(&mut place));
                place
            };
            pool.spawn_blocking(call).await.ok()
        }
    }
}

/// Runs the work after the reply, in the same way.
pub(crate) async fn replied(runtime: &Arc<Runtime>, way: &Way, mut place: Place) -> Option<Place> {
    match way {
        Way::Here => {
            runtime.replied(&mut place).await;
            Some(place)
        }
        Way::Pool(pool) => {
            let runtime = runtime.clone();
            let call = move || {
                block_on(runtime.replied(&mut place));
                place
            };
            pool.spawn_blocking(call).await.ok()
        }
    }
}
