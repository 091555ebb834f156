//! `Cache-Control`, of requests and of replies (RFC 9111 §5.2, RFC 5861).

use std::time::Duration;

/// The directives that make a difference to a shared cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) s_maxage: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
}

impl Control {
    /// Reads all values of the header. A time that is no number counts as zero.
    pub(crate) fn read<'a>(values: impl Iterator<Item = &'a str>) -> Control {
        let mut control = Control::default();
        for directive in values.flat_map(|value| value.split(',')) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let time = || {
                let seconds = value.trim().trim_matches('"');
                let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
                // A number that is too large counts as the longest time there is.
                let long = if is_number { u64::from(u32::MAX) } else { 0 };
                Some(Duration::from_secs(seconds.parse::<u32>().map_or(long, u64::from)))
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" => control.no_store = true,
                "no-cache" => control.no_cache = true,
                "private" => control.private = true,
                "must-revalidate" | "proxy-revalidate" => control.must_revalidate = true,
                "only-if-cached" => control.only_if_cached = true,
                "max-age" => control.max_age = time(),
                "s-maxage" => control.s_maxage = time(),
                "stale-if-error" => control.stale_if_error = time(),
                _ => {}
            }
        }
        control
    }

    /// Returns how long a reply is good; `None` if it may not be kept. `is_plain` is `true` for a status that is kept
    /// even if the reply does not say so.
    pub(crate) fn fresh_for(&self, default: Duration, is_plain: bool) -> Option<Duration> {
        if self.no_store || self.no_cache || self.private {
            return None;
        }
        let said = self.s_maxage.or(self.max_age);
        said.or(is_plain.then_some(default)).filter(|time| !time.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Control {
        Control::read([value].into_iter())
    }

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_shared_caches_own_time_goes_before_and_the_default_comes_last() {
        for (value, default, expected) in [
            ("max-age=60, s-maxage=10", 5, Some(10)),
            ("public, Max-Age=\"60\"", 5, Some(60)),
            ("", 5, Some(5)),
            ("", 0, None),
            ("max-age=0", 5, None),
            ("max-age=x", 5, None),
            ("max-age=-1", 5, None),
            ("max-age=60, no-store", 5, None),
            ("private, max-age=60", 5, None),
            ("no-cache=\"set-cookie\"", 5, None),
            ("max-age=99999999999", 5, Some(u32::MAX)),
        ] {
            assert_eq!(read(value).fresh_for(default * S, true), expected.map(|time| time * S), "{value}");
        }
        assert_eq!(read("").fresh_for(S, false), None, "a 404 has to say so itself");
        assert_eq!(read("stale-if-error=30, proxy-revalidate").stale_if_error, Some(30 * S));
        assert!(read("proxy-revalidate").must_revalidate);
    }
}
