//! The parts of an invocation that modules have been shown, after others have taken their places: every address that a
//! module was given stays readable until the invocation is done.

use crate::failure::Failure;
use crate::trigger::HttpView;
use crate::trigger::batch::Batch;
use faas_abi::host::Given;
use std::sync::OnceLock;

/// Bodies, requests, batches and words of an invocation that do not count any more and that a module may still read.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bodies: Vec<Given>,
    views: Vec<HttpView>,
    #[allow(clippy::vec_box, reason = "a batch stays where it is while the list grows")]
    batches: Vec<Box<Batch>>,
    words: Words,
}

impl Kept {
    /// Keeps a body that another has replaced, if there is something of it to read.
    pub(super) fn body(&mut self, replaced: Given) {
        if !replaced.as_slice().is_empty() {
            self.bodies.push(replaced);
        }
    }

    /// Keeps the request that a recogniser made of an event that is not its own after all.
    pub(super) fn view(&mut self, dropped: Box<HttpView>) {
        self.views.push(*dropped);
    }

    /// Keeps the records of a body or a source that counts no more.
    pub(super) fn batch(&mut self, forgotten: Box<Batch>) {
        self.batches.push(forgotten);
    }

    /// Returns the words of a failure as they are now. The invocation itself goes on changing them.
    pub(super) fn words(&self, failure: &Failure) -> &Failure {
        self.words.of(failure)
    }

    /// Lets go of everything. The bodies are released.
    pub(super) fn clear(&mut self) {
        self.bodies.clear();
        self.views.clear();
        self.batches.clear();
        self.words = Words::default();
    }
}

/// The words that were asked for, each once: a list that grows at its end while its items are being read.
#[derive(Debug, Default)]
struct Words(OnceLock<Box<(Failure, Words)>>);

impl Words {
    fn of(&self, failure: &Failure) -> &Failure {
        let mut words = self;
        loop {
            let (kept, rest) = &**words.0.get_or_init(|| Box::new((failure.clone(), Words::default())));
            if kept == failure {
                return kept;
            }
            words = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_once_each_and_do_not_move() {
        let kept = Kept::default();
        let failures = ["a", "b", "c"].map(|kind| Failure::new(kind, "message"));
        let shown: Vec<&Failure> = failures.iter().map(|failure| kept.words(failure)).collect();
        for (failure, shown) in failures.iter().zip(shown) {
            assert!(std::ptr::eq(kept.words(failure), shown));
            assert_eq!(failure, shown);
        }
    }

    #[test]
    fn a_body_is_kept_until_all_is_let_go() {
        let mut kept = Kept::default();
        kept.body(Given::EMPTY);
        kept.body(Given::from(b"body".to_vec()));
        assert_eq!(kept.bodies.len(), 1);
        kept.clear();
        assert!(kept.bodies.is_empty());
    }
}
