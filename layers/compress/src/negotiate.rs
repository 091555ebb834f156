//! The coding that a client wants most (RFC 9110 §12.5.3).

/// A coding that this layer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    #[cfg(feature = "br")]
    Brotli,
    #[cfg(feature = "zstd")]
    Zstd,
    Gzip,
}

impl Coding {
    /// All codings, the best first, for a client that wants several alike.
    pub(crate) const ALL: &[Coding] = &[
        #[cfg(feature = "br")]
        Coding::Brotli,
        #[cfg(feature = "zstd")]
        Coding::Zstd,
        Coding::Gzip,
    ];

    /// Returns the name of the coding in headers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "br")]
            Coding::Brotli => "br",
            #[cfg(feature = "zstd")]
            Coding::Zstd => "zstd",
            Coding::Gzip => "gzip",
        }
    }

    fn is(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name()) || self == Coding::Gzip && name.eq_ignore_ascii_case("x-gzip")
    }
}

/// Returns the coding of `Accept-Encoding`'s highest weight; `None` means the body as it is.
pub(crate) fn best(accepted: &str) -> Option<Coding> {
    let (mut weights, mut rest) = (vec![None; Coding::ALL.len()], 0);
    let mut identity = None;
    for part in accepted.split(',') {
        let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
        let (name, weight) = (name.trim(), weight(parameters));
        if name == "*" {
            rest = weight;
        } else if name.eq_ignore_ascii_case("identity") {
            identity = Some(weight);
        } else if let Some(index) = Coding::ALL.iter().position(|coding| coding.is(name)) {
            weights[index] = Some(weight);
        }
    }
    let mut best = None;
    for (coding, weight) in Coding::ALL.iter().zip(weights) {
        let weight = weight.unwrap_or(rest);
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((*coding, weight));
        }
    }
    // A client that prefers the body as it is says so by a weight of its own.
    best.filter(|(_, weight)| identity.is_none_or(|identity| *weight >= identity)).map(|(coding, _)| coding)
}

/// Returns the weight of `;q=0.5` in thousandths; a text that is no weight counts as zero.
fn weight(parameters: &str) -> u16 {
    let quality = parameters.split(';').find_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let Some(quality) = quality else { return 1000 };
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let thousandths = if fraction.len() <= 3 { format!("{fraction:0<3}").parse::<u16>().ok() } else { None };
    match (whole, thousandths) {
        ("0", Some(thousandths)) => thousandths,
        ("1", Some(0)) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The coding of a client that takes every one alike.
    const BEST: &str = if cfg!(feature = "br") {
        "br"
    } else if cfg!(feature = "zstd") {
        "zstd"
    } else {
        "gzip"
    };

    #[test]
    fn the_highest_weight_wins_and_zero_is_a_refusal() {
        for (accepted, name) in [
            ("gzip", Some("gzip")),
            ("X-GZIP", Some("gzip")),
            ("deflate, gzip;q=0.5, zstd", Some(if cfg!(feature = "zstd") { "zstd" } else { "gzip" })),
            ("gzip;q=0", None),
            ("gzip; Q=0.000", None),
            ("*;q=0", None),
            ("identity", None),
            ("", None),
            ("deflate", None),
            ("gzip;q=0.2, identity;q=0.5", None),
            ("gzip;q=0.5, identity;q=0.5", Some("gzip")),
            ("identity;q=0.5, gzip", Some("gzip")),
            ("gzip;q=1.5", None),
            ("gzip;q=x", None),
            ("gzip;q=0.0001", None),
            ("gzip;q=0, *", Some(BEST).filter(|name| *name != "gzip")),
            ("*", Some(BEST)),
            ("gzip, br, zstd", Some(BEST)),
            ("gzip, br", Some(if cfg!(feature = "br") { "br" } else { "gzip" })),
            ("gzip, br;q=0.9, zstd;q=0.8", Some("gzip")),
        ] {
            assert_eq!(best(accepted).map(Coding::name), name, "{accepted:?}");
        }
    }
}
