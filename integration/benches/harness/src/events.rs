//! The events that are sent: JSON of an exact size that survives being parsed and written again byte for byte, and an
//! event of API Gateway's.

/// Returns a list of orders, padded to exactly `size` bytes; `{}` below 64.
pub fn of_size(size: usize) -> Vec<u8> {
    if size < 64 {
        return b"{}".to_vec();
    }
    // Keys in alphabetic order, no blanks: a map that sorts its keys writes the same text again.
    const TAIL: &str = r#"],"pad":""}"#;
    let mut text = String::from(r#"{"items":["#);
    for number in 0.. {
        let item = format!(r#"{{"id":{number},"name":"item {number}","price":1.5,"quantity":2}}"#);
        let comma = usize::from(number > 0);
        if text.len() + comma + item.len() + TAIL.len() > size {
            break;
        }
        if number > 0 {
            text.push(',');
        }
        text.push_str(&item);
    }
    let pad = size - text.len() - TAIL.len();
    text.push_str(r#"],"pad":""#);
    text.push_str(&"x".repeat(pad));
    text.push_str("\"}");
    text.into_bytes()
}

/// A request through API Gateway, payload version 2.0, as a browser makes one.
pub const API_GATEWAY_V2: &str = include_str!("../api-gateway-v2.json");

/// The answer to that request of the functions that look at it.
pub const API_GATEWAY_V2_TEXT: &str = "POST /greet/friends ada Mozilla/5.0 (X11; Linux x86_64) 31";

#[cfg(test)]
mod tests {
    use super::of_size;

    #[test]
    fn events_have_their_size() {
        for size in [64, 100, 1024, 102_400] {
            let event = of_size(size);
            assert_eq!(event.len(), size);
            assert!(event.starts_with(b"{\"items\":[") && event.ends_with(b"\"}"));
        }
    }
}
