//! The bytes of responses that the socket has not taken yet, in order.

use faas_abi::host::Given;
use std::collections::VecDeque;

/// The bytes that wait to be sent.
#[derive(Debug, Default)]
pub struct Unsent {
    parts: VecDeque<Given>,
    /// The number of bytes of the first part that have been sent.
    at: usize,
    length: usize,
    /// Modules' buffers that are not needed any more. Dropping one calls its module, which is not to happen while the
    /// connection's lock is held.
    spent: Vec<Given>,
}

/// The size in bytes up to which a part is copied behind the one before it. That costs less than telling the system of
/// two places.
const COPY: usize = 4 << 10;

impl Unsent {
    /// Returns `true` if nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns how many bytes are waiting.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Keeps copies of bytes, behind those that are here already.
    pub fn copy(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.length += bytes.len();
        if let Some(Given::Host(last)) = self.parts.back_mut()
            && last.len() + bytes.len() <= COPY
        {
            last.extend_from_slice(bytes);
            return;
        }
        self.parts.push_back(Given::from(bytes.to_vec()));
    }

    /// Keeps bytes from `at` on, without copying them where that is possible and worth it. Borrowed bytes are copied,
    /// since they live only as long as the invocation. At most 4 KiB are copied, too, and so are bytes behind others if
    /// `at` is not 0.
    pub fn keep(&mut self, bytes: Given, at: usize) {
        let rest = bytes.as_slice().get(at..).unwrap_or_default();
        if rest.len() <= COPY || bytes.is_borrowed() || at > 0 && !self.parts.is_empty() {
            self.copy(rest);
            return self.spend(bytes);
        }
        self.length += rest.len();
        if self.parts.is_empty() {
            self.at = at;
        }
        self.parts.push_back(bytes);
    }

    /// Returns the first two parts, as far as they have not been sent.
    pub fn front(&self) -> (&[u8], &[u8]) {
        let first = self.parts.front().map_or(&[][..], |part| part.as_slice().get(self.at..).unwrap_or_default());
        (first, self.parts.get(1).map_or(&[], Given::as_slice))
    }

    /// Notes that `count` of the waiting bytes have been sent.
    pub fn sent(&mut self, mut count: usize) {
        self.length -= count.min(self.length);
        while let Some(part) = self.parts.front() {
            let left = part.as_slice().len() - self.at;
            if count < left {
                self.at += count;
                return;
            }
            count -= left;
            self.at = 0;
            if let Some(sent) = self.parts.pop_front() {
                self.spend(sent);
            }
        }
    }

    /// Takes bytes that are not needed any more. A module's buffer is kept for [`take_spent`](Unsent::take_spent).
    pub fn spend(&mut self, bytes: Given) {
        if matches!(bytes, Given::Module(_)) {
            self.spent.push(bytes);
        }
    }

    /// Returns `true` if there are modules' buffers that are not needed any more.
    #[inline]
    pub fn has_spent(&self) -> bool {
        !self.spent.is_empty()
    }

    /// Gives away the modules' buffers that are not needed any more, to be let go of where nobody holds the connection.
    pub fn take_spent(&mut self) -> Vec<Given> {
        std::mem::take(&mut self.spent)
    }

    /// Throws away all that is waiting.
    pub fn clear(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        parts.into_iter().for_each(|part| self.spend(part));
        (self.at, self.length) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_the_order_in_which_they_came_whatever_the_socket_takes() {
        let large: Vec<u8> = (0..20_000u32).map(|byte| byte as u8).collect();
        for step in [1, 7, 4096, 30_000] {
            let mut unsent = Unsent::default();
            unsent.copy(b"head");
            unsent.keep(Given::from(large.clone()), 5);
            unsent.copy(b"tail");
            unsent.keep(Given::from(large.clone()), 0);
            let mut out = Vec::new();
            while !unsent.is_empty() {
                let (first, second) = unsent.front();
                let both = [first, second].concat();
                let taken = step.min(both.len());
                out.extend_from_slice(&both[..taken]);
                unsent.sent(taken);
            }
            assert_eq!(out, [&b"head"[..], &large[5..], b"tail", &large].concat(), "step {step}");
        }
    }

    #[test]
    fn the_first_part_may_have_been_sent_in_part() {
        let mut unsent = Unsent::default();
        unsent.keep(Given::from(vec![7; 9_000]), 8_000 - 4_000);
        assert_eq!(unsent.len(), 5_000);
        assert_eq!(unsent.front().0.len(), 5_000);
        unsent.clear();
        assert!(unsent.is_empty());
    }
}
