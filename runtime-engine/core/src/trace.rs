//! One trace context out of the platforms' own: W3C where they have it, else made from their ids.

/// A `traceparent` from an X-Ray header, `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`:
/// the root's two parts are the 32 digits of the trace id. Without a parent there is no span to continue, and no context.
pub fn from_xray(header: &[u8]) -> Option<Vec<u8>> {
    let header = std::str::from_utf8(header).ok()?;
    let (mut root, mut parent, mut sampled) = (None, None, "00");
    for part in header.split(';') {
        match part.trim().split_once('=') {
            Some(("Root", value)) => root = Some(value),
            Some(("Parent", value)) => parent = Some(value),
            Some(("Sampled", "1")) => sampled = "01",
            _ => {}
        }
    }
    let (epoch, random) = root?.strip_prefix("1-")?.split_once('-')?;
    let parent = parent?;
    let hex = |text: &str, len: usize| text.len() == len && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !(hex(epoch, 8) && hex(random, 24) && hex(parent, 16)) {
        return None;
    }
    Some(format!("00-{epoch}{random}-{parent}-{sampled}").to_ascii_lowercase().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_xray_header_becomes_a_traceparent() {
        let header = b"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0";
        assert_eq!(from_xray(header).as_deref(), Some(&b"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"[..]));
    }

    #[test]
    fn half_a_header_becomes_none() {
        for header in ["", "Root=1-5759e988-bd862e3fe1be46a994272793", "Root=1-1-2;Parent=53995c3f42cd8ad8", "junk"] {
            assert_eq!(from_xray(header.as_bytes()), None, "{header}");
        }
    }
}
