//! The pieces in store. It stands for a pool of connections: it is made by waiting, shared, and ended.

use crate::Settings;
use handlers_sdk::{Configured, Error, Inject, info, provider};
use std::sync::Mutex;
use std::sync::PoisonError;

/// The pieces of one shop.
#[derive(Debug)]
pub(crate) struct Stock {
    of: String,
    pieces: Mutex<u32>,
}

#[provider(close = end)]
async fn stock(Configured(settings): Configured<Settings>) -> Stock {
    // A pool would connect here.
    std::future::ready(()).await;
    info!("{} has {} pieces", settings.name, settings.stock);
    Stock::of(&settings.name, settings.stock)
}

async fn end(stock: Inject<Stock>) -> Result<(), Error> {
    info!("{} has {} pieces left", stock.of, stock.left());
    Ok(())
}

impl Stock {
    /// Returns a stock with this number of pieces.
    pub(crate) fn of(shop: &str, pieces: u32) -> Stock {
        Stock { of: shop.to_owned(), pieces: Mutex::new(pieces) }
    }

    fn with<T>(&self, body: impl FnOnce(&mut u32) -> T) -> T {
        body(&mut self.pieces.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes this number of pieces out.
    ///
    /// # Errors
    /// There are fewer: status 409.
    pub(crate) async fn take(&self, wanted: u32) -> Result<(), Error> {
        let left = |pieces: &mut u32| {
            *pieces = pieces.checked_sub(wanted)?;
            Some(())
        };
        let sold_out = || Error::new("Shop.SoldOut", format!("{} has {} pieces left", self.of, self.left()));
        self.with(left).ok_or_else(|| sold_out().with_status(409))
    }

    /// Puts this number of pieces in.
    pub(crate) fn add(&self, pieces: u32) {
        self.with(|left| *left = left.saturating_add(pieces));
    }

    /// Returns how many pieces there are.
    pub(crate) fn left(&self) -> u32 {
        self.with(|left| *left)
    }
}
