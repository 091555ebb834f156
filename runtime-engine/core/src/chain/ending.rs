//! Instances that are to be ended, and the order in which that is done: those that offer a service to others go after
//! all others. When something is ended is not for this file to say.

use super::{Chain, ConfiguredLayer};
use crate::services::Services;
use faas_abi::host::{FunctionInstance, HostTable};
use std::sync::Arc;

/// Instances that are to be ended, in the order in which they are added: those that were made last come first.
#[derive(Debug, Default)]
pub(crate) struct Ending(Vec<Instance>);

#[derive(Debug)]
enum Instance {
    Function(FunctionInstance),
    Layer(ConfiguredLayer),
}

impl Instance {
    fn host(&self) -> HostTable {
        match self {
            Instance::Function(function) => function.host(),
            Instance::Layer(layer) => layer.instance.host(),
        }
    }

    fn destroy(self) {
        match self {
            Instance::Function(function) => function.destroy(),
            Instance::Layer(layer) => layer.instance.destroy(),
        }
    }
}

impl Ending {
    /// Adds a function that is to end.
    pub(crate) fn function(&mut self, function: FunctionInstance) {
        self.0.push(Instance::Function(function));
    }

    /// Adds the layers of a stack, innermost first. One that stands in another stack as well comes with the last of
    /// them.
    pub(crate) fn layers(&mut self, chain: Chain) {
        self.0.extend(chain.into_layers().into_iter().rev().filter_map(Arc::into_inner).map(Instance::Layer));
    }

    /// Ends them all, those that offer a service after all others.
    pub(crate) fn end(self, services: &Services) {
        let (providers, others): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|instance| services.has_offer_of(instance.host()));
        others.into_iter().for_each(Instance::destroy);
        for provider in providers {
            services.withdraw(provider.host());
            provider.destroy();
        }
    }
}
