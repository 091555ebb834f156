//! The path of a request in its segments, and the parameters that a route has found in it.

use crate::encoding::percent;
use std::ops::Range;

/// Holds the parameters of the route that was found last, and the memory that a search takes. It is reused from request
/// to request: a search allocates only where a path is larger than all before it.
#[derive(Debug, Default)]
pub struct Params {
    /// The text that the ranges below lie in: segments one behind the other, their percent-coding undone, then names.
    text: Vec<u8>,
    segments: Vec<Segment>,
    /// `true` if the path has no more than `segments`.
    complete: bool,
    /// The names and values of the parameters.
    pairs: Vec<(Range<usize>, Range<usize>)>,
    /// Places of the tree that are still to be visited.
    pub(super) pending: Vec<super::Step>,
}

#[derive(Debug)]
struct Segment {
    text: Range<usize>,
    /// The place in the raw path where the segment after it begins.
    next: usize,
}

/// The name of a route for a part of the path.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) name: Box<[u8]>,
    /// The number of segments before it.
    pub(super) at: usize,
    /// `true` if it is all of the path from there on, `false` if it is one segment.
    pub(super) is_rest: bool,
}

impl Params {
    /// Makes parameters without any, and without memory.
    pub fn new() -> Params {
        Params::default()
    }

    /// Returns names and values in the order of the pattern. The percent-coding of values is undone; their bytes may be
    /// any.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs.iter().map(|(name, value)| (&self.text[name.clone()], &self.text[value.clone()]))
    }

    /// Forgets the parameters of the last path.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.segments.clear();
        self.pairs.clear();
        self.pending.clear();
    }

    /// Reads the first segments of a path that begins with a slash or is empty, at most `count`: no pattern has more.
    /// One slash at the end is left out, unless paths with and without it are told apart (`strict`).
    pub(super) fn read(&mut self, raw_path: &[u8], count: usize, strict: bool) {
        let mut at = raw_path.len().min(1);
        self.complete = loop {
            let tail = &raw_path[at..];
            if tail.is_empty() && !strict {
                break true;
            }
            if self.segments.len() == count {
                break false;
            }
            let length = tail.iter().position(|&byte| byte == b'/');
            let raw = &tail[..length.unwrap_or(tail.len())];
            let start = self.text.len();
            percent::decode_into(&mut self.text, raw, false);
            at = raw_path.len().min(at + raw.len() + 1);
            self.segments.push(Segment { text: start..self.text.len(), next: at });
            if length.is_none() {
                break true;
            }
        };
    }

    /// Returns the text of the segment that has `depth` segments before it. It is `None` if the path is not read that
    /// far.
    pub(super) fn segment(&self, depth: usize) -> Option<&[u8]> {
        self.segments.get(depth).map(|segment| &self.text[segment.text.clone()])
    }

    /// Returns `true` if the path has `depth` segments.
    pub(super) fn ends_at(&self, depth: usize) -> bool {
        self.complete && self.segments.len() == depth
    }

    /// Keeps the parts of the path that a route names.
    pub(super) fn keep(&mut self, raw_path: &[u8], names: &[Name]) {
        for Name { name, at, is_rest } in names {
            let value = if *is_rest {
                let begin = at.checked_sub(1).map_or(raw_path.len().min(1), |before| self.segments[before].next);
                let start = self.text.len();
                percent::decode_into(&mut self.text, &raw_path[begin..], false);
                start..self.text.len()
            } else {
                self.segments[*at].text.clone()
            };
            let start = self.text.len();
            self.text.extend_from_slice(name);
            self.pairs.push((start..self.text.len(), value));
        }
    }
}
