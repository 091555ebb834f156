//! Compares a program's output with that on a page, but for the parts that differ from run to run: times, sizes, ports,
//! process ids, names of temporary folders, ids of requests, the width of columns. In a page `…` stands for anything,
//! and a line of it alone for any lines.

/// Returns `true` for a line that cargo or the cache writes by itself, which pages leave out.
fn is_left_out(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    let of_cargo = [
        "Compiling",
        "Finished",
        "Running",
        "Locking",
        "Updating",
        "Adding",
        "Blocking",
        "Packaging",
        "Doc-tests",
        "Downloading",
        "Downloaded",
        "warning:",
    ];
    let of_cache = [", once: it stays in ", "another cargo faas is building in it"];
    line.starts_with("   ") && of_cargo.contains(&first) || of_cache.iter().any(|words| line.contains(words))
}

/// Compares `said`, which a command wrote, with the lines `shown` on a page.
///
/// # Errors
/// The text is the first difference, in words.
pub(crate) fn compare(shown: &[String], said: &str) -> Result<(), String> {
    let lines = |text: &mut dyn Iterator<Item = &str>| -> Vec<Vec<String>> {
        text.filter(|line| !is_left_out(line)).map(masked).filter(|words| !words.is_empty()).collect()
    };
    let shown = lines(&mut shown.iter().map(String::as_str));
    let said = lines(&mut said.lines());
    // Two processes write to one terminal, and the page does not say which of them is first.
    let is_mixed = shown.iter().any(|words| words.iter().any(|word| word == "|"));
    if is_mixed { in_any_order(&shown, said) } else { in_order(&shown, &said) }
}

/// Returns the line of a page that a program that still runs has not written; `None` if it has written all.
pub(crate) fn missing<'s>(shown: &'s [String], said: &str) -> Option<&'s str> {
    let said: Vec<Vec<String>> = said.lines().map(masked).collect();
    let is_said = |line: &str| said.iter().any(|words| fits(&masked(line), words));
    shown.iter().map(String::as_str).find(|line| !is_left_out(line) && !line.is_empty() && !is_said(line))
}

fn in_order(shown: &[Vec<String>], said: &[Vec<String>]) -> Result<(), String> {
    match (shown.split_first(), said.split_first()) {
        (None, None) => Ok(()),
        (None, Some((line, _))) => Err(format!("the page does not show: {}", line.join(" "))),
        (Some((line, rest)), _) if line == &["…"] => {
            (0..=said.len()).map(|skipped| in_order(rest, &said[skipped..])).find(Result::is_ok).unwrap_or_else(|| {
                Err(format!(
                    "nothing fits what follows …: {}",
                    rest.first().map(|line| line.join(" ")).unwrap_or_default()
                ))
            })
        }
        (Some((line, _)), None) => Err(format!("the page shows, and nobody says: {}", line.join(" "))),
        (Some((line, rest)), Some((first, others))) if fits(line, first) => in_order(rest, others),
        (Some((line, _)), Some((first, _))) => {
            Err(format!("the page shows: {}\nand what is said is: {}", line.join(" "), first.join(" ")))
        }
    }
}

fn in_any_order(shown: &[Vec<String>], mut said: Vec<Vec<String>>) -> Result<(), String> {
    let is_open = shown.iter().any(|line| line == &["…"]);
    for line in shown.iter().filter(|line| *line != &["…"]) {
        let place = said.iter().position(|words| fits(line, words));
        said.remove(place.ok_or_else(|| format!("the page shows, and nobody says: {}", line.join(" ")))?);
    }
    match said.first() {
        Some(line) if !is_open => Err(format!("the page does not show: {}", line.join(" "))),
        _ => Ok(()),
    }
}

/// Returns `true` if a line of a page stands for a line that was written; both are masked.
fn fits(shown: &[String], said: &[String]) -> bool {
    let (shown, said) = (shown.join(" "), said.join(" "));
    let mut parts = shown.split('…');
    let Some(mut rest) = said.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = shown.contains('…').then(|| parts.next_back()).flatten() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// Returns the words of a line, with one word in place of each that differs from run to run.
fn masked(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut masked = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).map_or("", |word| word.trim_end_matches([',', ':', ')']));
        let before = index.checked_sub(1).map_or("", |before| words[before]);
        let bare = word.trim_end_matches([',', ':', ')', ';']);
        let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let tail = &word[bare.len()..];
        let one = if is_number && ["us", "ms", "s", "KiB", "bytes", "MiB"].contains(&next) {
            "<number>".to_owned()
        } else if ["us", "ms", "s"].contains(&bare) && before.ends_with(|last: char| last.is_ascii_digit()) {
            format!("<unit>{tail}")
        } else if before == "pid" || is_number && bare.len() >= 4 {
            format!("<number>{tail}")
        } else if is_time(bare) || is_id(bare) {
            format!("<changing>{tail}")
        } else if let Some((address, rest)) = word.split_once("127.0.0.1:") {
            let port = rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len());
            format!("{address}127.0.0.1:<port>{}", &rest[port..])
        } else if bare.starts_with("/tmp/faas-task-") || bare.contains("/faas-task-") {
            format!("<folder>{tail}")
        } else {
            without_moments(&without_quoted_ids(word))
        };
        masked.push(one);
    }
    masked
}

/// Returns a word of JSON with one sign in place of each id that stands in quotes.
fn without_quoted_ids(word: &str) -> String {
    let parts: Vec<&str> = word.split('"').map(|part| if is_id(part) { "<id>" } else { part }).collect();
    parts.join("\"")
}

/// Returns a word with one sign in place of each number of 13 digits or more: moments in milliseconds.
fn without_moments(word: &str) -> String {
    let mut kept = String::new();
    let mut rest = word;
    while let Some(start) = rest.find(|sign: char| sign.is_ascii_digit()) {
        let digits = rest[start..].find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len() - start);
        kept.push_str(&rest[..start]);
        kept.push_str(if digits < 13 { &rest[start..start + digits] } else { "<moment>" });
        rest = &rest[start + digits..];
    }
    kept + rest
}

/// Returns `true` for a moment as log lines have it: `2026-11-29T16:21:14.529Z`.
fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.ends_with('Z') && word.as_bytes().get(10) == Some(&b'T')
}

/// Returns `true` for an id of a request: a UUID, or 32 digits.
fn is_id(word: &str) -> bool {
    [32, 36].contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
