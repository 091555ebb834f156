//! The parts that differ by stage and by platform, laid over the rest of a yml.
//!
//! The order, each over what stands before: the yml; `stages.<stage>`; `platforms.<platform>`;
//! `platforms.<platform>.stages.<stage>`. Mappings are laid over key by key, every other value takes the place of the
//! one that stood there, and null takes it away.

use crate::tree::{Entry, Map, Node, Value};

/// Returns the yml as it is in one stage, on one platform. The parts that were laid over it are not in it any more.
pub(crate) fn lay(root: &Node, stage: &str, platform: Option<&str>) -> Node {
    let part = |names: &[&str]| names.iter().try_fold(root, |node, name| node.get(name));
    let mut over = vec![part(&["stages", stage])];
    if let Some(platform) = platform {
        over.push(part(&["platforms", platform]));
        over.push(part(&["platforms", platform, "stages", stage]));
    }
    let mut whole = root.clone();
    for part in over.into_iter().flatten() {
        lay_over(&mut whole, part);
    }
    if let Value::Map(map) = &mut whole.value {
        map.entries_mut().retain(|entry| !matches!(entry.key.as_str(), "stages" | "platforms"));
    }
    whole
}

fn lay_over(base: &mut Node, over: &Node) {
    let Value::Map(from) = &over.value else {
        *base = over.clone();
        return;
    };
    if !matches!(base.value, Value::Map(_)) {
        *base = Node::new(Value::Map(Map::default()), over.span);
    }
    let Value::Map(into) = &mut base.value else { return };
    for Entry { key, key_span, value } in from.entries() {
        match into.entries_mut().iter().position(|entry| entry.key == *key) {
            Some(at) if value.value == Value::Null => drop(into.entries_mut().remove(at)),
            Some(at) => lay_over(&mut into.entries_mut()[at].value, value),
            None => into.push(Entry { key: key.clone(), key_span: *key_span, value: value.clone() }),
        }
    }
}
