//! Lists of names and values, in order and with repeats.

use crate::ffi::Reader;

/// The pairs of one list as texts, without those that are not UTF-8. [`raw`](Self::raw) gives every pair as bytes.
///
/// ```
/// # use handlers_sdk::{Request, function, testing::Invoke};
/// use handlers_sdk::Pairs;
///
/// fn hops(headers: Pairs<'_>) -> usize {
///     headers.filter(|(name, _)| name.eq_ignore_ascii_case("via")).count()
/// }
///
/// #[function]
/// fn count(request: Request) -> String {
///     hops(request.http().headers()).to_string()
/// }
///
/// let request = Invoke::http("GET", "/").header("Via", "1.1 a").header("Accept", "*/*").header("Via", "1.1 b");
/// assert_eq!(request.run(count::MODULE).text(), "2");
/// ```
#[derive(Clone)]
pub struct Pairs<'a> {
    reader: Reader<'a>,
    list: u32,
    next: usize,
}

impl<'a> Pairs<'a> {
    pub(crate) fn new(reader: Reader<'a>, list: u32) -> Pairs<'a> {
        Pairs { reader, list, next: 0 }
    }

    /// Returns every pair, whatever bytes it is made of.
    pub fn raw(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        (self.next..).map_while(move |index| self.reader.at(self.list, index))
    }

    /// Returns the number of pairs in the list, those that are not UTF-8 included.
    pub fn count_all(&self) -> usize {
        self.reader.count(self.list)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (name, value) = self.reader.at(self.list, self.next)?;
            self.next += 1;
            if let (Ok(name), Ok(value)) = (core::str::from_utf8(name), core::str::from_utf8(value)) {
                return Some((name, value));
            }
        }
    }
}

impl std::fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}
