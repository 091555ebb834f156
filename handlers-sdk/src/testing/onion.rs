//! Layers around a call, by rules O1 to O5 of `faas.h`.

use super::app::wait;
use super::inv::TestInvocation;
use faas_abi::host::{Invocation, LayerInstance, Lease};
use faas_abi::*;

/// Enters the layers. How many were entered, and how that went.
pub(super) fn enter(layers: &[LayerInstance], phase: u32, lease: &mut Lease<TestInvocation>) -> (usize, Status) {
    for (entered, layer) in layers.iter().enumerate() {
        let called = layer.before(phase, lease);
        let status = wait(lease, called);
        if status != OK {
            return (entered, status);
        }
    }
    (layers.len(), OK)
}

/// Leaves the layers that were entered, in reverse.
pub(super) fn leave(
    entered: &[LayerInstance],
    phase: u32,
    mut status: Status,
    lease: &mut Lease<TestInvocation>,
) -> Status {
    if phase == INVOKE && status >= 0 && lease.get().stream.is_none() {
        heads(entered, lease);
    }
    for layer in entered.iter().rev() {
        if status >= 0 {
            let called = layer.after(phase, lease);
            let after = wait(lease, called);
            if after < 0 {
                status = after;
            }
        } else {
            let called = layer.on_error(phase, status, lease);
            status = wait(lease, called);
            if status >= 0 && phase == INVOKE && lease.get().reply.is_none() {
                lease.get_mut().fail(b"Runtime.NoReply", b"a layer recovered a failure without a reply", b"");
                status = E_INTERNAL;
            }
        }
    }
    status
}

fn heads(entered: &[LayerInstance], lease: &mut Lease<TestInvocation>) {
    for hook in entered.iter().rev().filter_map(LayerInstance::head_hook) {
        hook.run(lease);
    }
}
