//! Keeps values by key for all other layers and the functions, as the service `faas.kv`: in the memory of the instance,
//! or in Redis.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod commands;
mod link;
mod memory;
mod redis;
mod resp;
mod settings;

use handlers_sdk::service::kv::{Command, MAX_KEY_BYTES, Op, Outcome, Store, Stored};
use handlers_sdk::service::{Offered, ServiceErrorKind};
use handlers_sdk::{Config, Error, Layer, Phase, layer};
use memory::Memory;
use redis::Redis;
use settings::{Place, Settings};
use std::sync::Arc;

/// The result of one call.
type Answered = Result<Outcome, ServiceErrorKind>;

/// The layer, with its settings.
#[derive(Debug)]
pub struct Kv {
    kept: Arc<Kept>,
    #[allow(dead_code, reason = "the service ends with the layer")]
    offered: Offered,
}

/// The store that is offered, which outlives the layer.
#[derive(Debug)]
struct Kept {
    config: Config,
    place: Kind,
    prefix: Vec<u8>,
    max_value_bytes: usize,
}

#[derive(Debug)]
enum Kind {
    Memory(Memory),
    Redis(Redis),
}

impl Store for Kept {
    fn call(&self, request: Command, answer: Stored) {
        let Command { key, op } = request;
        if matches!(&op, Op::Put { value, .. } if value.len() > self.max_value_bytes) {
            return answer.give(Err(ServiceErrorKind::TooBig));
        }
        let key = if self.prefix.is_empty() { key } else { [self.prefix.as_slice(), &key].concat() };
        if key.len() > MAX_KEY_BYTES {
            return answer.give(Err(ServiceErrorKind::Invalid));
        }
        match &self.place {
            Kind::Memory(memory) => answer.give(memory.call(&key, op, self.config.now_ns())),
            Kind::Redis(redis) => redis.call(Command { key, op }, answer),
        }
    }
}

#[layer(name = "kv")]
impl Layer for Kv {
    fn create(config: &Config) -> Result<Self, Error> {
        let Settings { place, prefix, limits } = Settings::read(config)?;
        let max_value_bytes = limits.max_value_bytes;
        let place = match place {
            Place::Memory { max_bytes } => Kind::Memory(Memory::new(max_bytes)),
            Place::Redis(server) => Kind::Redis(Redis::new(server, limits)),
        };
        let kept = Arc::new(Kept { config: *config, place, prefix, max_value_bytes });
        let offered = config.offer_kv(kept.clone())?;
        Ok(Kv { kept, offered })
    }

    fn resume(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        if let Kind::Redis(redis) = &self.kept.place {
            redis.restored();
        }
        Ok(())
    }
}

impl Drop for Kv {
    fn drop(&mut self) {
        if let Kind::Redis(redis) = &self.kept.place {
            redis.close();
        }
    }
}
