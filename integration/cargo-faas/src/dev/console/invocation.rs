//! The page of one invocation, and of two beside one another.

use super::super::app::App;
use super::super::generation::title;
use super::super::lines::with_stack;
use super::super::record::{BODY, Body, Input, Record};
use super::Instead;
use super::html::{self, escape};
use super::waterfall;
use crate::stage::Headers;
use std::fmt::Write as _;
use std::time::Duration;

/// Returns the page of an invocation.
pub(super) fn page(app: &App, record: &Record) -> String {
    let content = format!(
        "<div id=\"live\" data-number=\"{}\">{}</div>\n<section><h2 id=\"again\">Send it again</h2>{}</section>\n",
        record.number,
        live(record),
        again(record)
    );
    html::page(app, &format!("#{} {}", record.number, record.input.title()), "/invocations", &content)
}

/// Returns the part that changes while it runs.
pub(super) fn live(record: &Record) -> String {
    let mut all = String::new();
    let mut section = |name: &str, content: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(all, "<section><h2>{name}</h2>{content}</section>");
    };
    section("Outcome", &outcome(record));
    section("Waterfall", &waterfall::of_invocation(record));
    let what = match &record.input {
        Input::Request { headers, .. } => format!("{}{}", body(&record.body), headers_of(headers)),
        Input::Event(_) => body(&record.body),
    };
    section(if matches!(record.input, Input::Event(_)) { "Event" } else { "Request" }, &what);
    section("Reply", &format!("{}{}", body(&record.reply), headers_of(&record.reply_headers)));
    section("Log", &log(&record.lines));
    all
}

fn outcome(record: &Record) -> String {
    let mut all = String::new();
    if let Some(problem) = &record.problem {
        let place = match problem.place.as_str() {
            "" => String::new(),
            place => format!("<p>at <code class=\"place\">{}</code></p>", escape(place)),
        };
        let cause = match problem.cause.as_str() {
            "" => String::new(),
            cause => format!("<p>caused by {}</p>", escape(cause)),
        };
        all = format!(
            "<div class=\"problem\"><p><b>{}</b>: {}</p>{place}{cause}</div>",
            escape(&problem.kind),
            escape(&problem.message)
        );
    }
    let status = record.status.map_or_else(|| "none yet".to_owned(), |status| status.to_string());
    let number = |value: u64| value.to_string();
    let monitor = |key: &str| record.monitor.as_ref().and_then(|monitor| monitor[key].as_u64());
    let rss = monitor("rss_kib").map(|kib| format!("{kib} KiB"));
    let inside = monitor("us").map(|us| html::duration(Duration::from_micros(us)));
    let took = html::maybe(record.took);
    let deployment = number(record.deployment);
    let repeats = record.repeats.map(|repeats| format!("#{repeats}"));
    let mut pairs = vec![
        ("status", status.as_str()),
        ("took", &took),
        ("unit", &record.unit),
        ("function", record.function.as_deref().unwrap_or("not known")),
        ("platform", title(record.platform)),
        ("request id", &record.request_id),
        ("deployment", &deployment),
        ("cold start", if record.is_first { "yes: the first of its process" } else { "no" }),
    ];
    pairs.extend(inside.as_deref().map(|inside| ("in the runtime", inside)));
    pairs.extend(rss.as_deref().map(|rss| ("memory then", rss)));
    pairs.extend(repeats.as_deref().map(|repeats| ("repeats", repeats)));
    all + &html::pairs(pairs)
}

/// Returns a body: JSON with line breaks, other text as it is, and of anything else the first bytes.
fn body(body: &Body) -> String {
    if body.total == 0 {
        return "<p class=\"none\">no body</p>".to_owned();
    }
    let cut = if body.is_cut() { format!(", the first {} KiB here", BODY >> 10) } else { String::new() };
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body.bytes).is_ok();
    let shown = match std::str::from_utf8(&body.bytes) {
        Ok(text) if is_json && !text.contains('\n') => indented(text),
        Ok(text) => text.to_owned(),
        _ if body.is_cut() && String::from_utf8_lossy(&body.bytes).matches('\u{fffd}').count() < 3 => body.text(),
        _ => hex(&body.bytes[..body.bytes.len().min(512)]),
    };
    format!(
        "<pre tabindex=\"0\">{}</pre><p class=\"none\">{}{cut}</p>",
        escape(&shown),
        crate::screen::bytes(usize::try_from(body.total).unwrap_or(usize::MAX))
    )
}

/// Returns JSON with a line for each member and element, in the order in which they came.
fn indented(json: &str) -> String {
    let mut all = String::with_capacity(json.len() * 2);
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if is_text {
            all.push(letter);
            is_text = is_escaped || letter != '"';
            is_escaped = letter == '\\' && !is_escaped;
            continue;
        }
        match letter {
            ' ' | '\t' | '\r' | '\n' => {}
            '"' => {
                is_text = true;
                all.push(letter);
            }
            '{' | '[' => {
                all.push(letter);
                while letters.peek().is_some_and(char::is_ascii_whitespace) {
                    letters.next();
                }
                if !matches!(letters.peek(), Some('}' | ']')) {
                    depth += 1;
                    all += &line(depth);
                } else {
                    all.extend(letters.next());
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                all += &line(depth);
                all.push(letter);
            }
            ',' => {
                all.push(letter);
                all += &line(depth);
            }
            ':' => all += ": ",
            other => all.push(other),
        }
    }
    all
}

fn hex(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n")
}

fn headers_of(headers: &Headers) -> String {
    let count = headers.len();
    let table = html::pairs(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    if count == 0 { String::new() } else { format!("<details><summary>{count} headers</summary>{table}</details>") }
}

fn log(lines: &[String]) -> String {
    if lines.is_empty() {
        return "<p class=\"none\">no lines</p>".to_owned();
    }
    let lines: Vec<String> = lines.iter().map(|line| with_stack(line)).collect();
    format!("<pre tabindex=\"0\">{}</pre>", escape(&lines.join("\n")))
}

/// Returns the form to send it again, changed or as it was.
fn again(record: &Record) -> String {
    if record.body.is_cut() {
        return "<p class=\"none\">Its body was longer than what is kept: it cannot be sent again from here.</p>"
            .to_owned();
    }
    let text = std::str::from_utf8(&record.body.bytes);
    let area = match text {
        Ok(text) => format!(
            "<label for=\"body\">Body</label><textarea id=\"body\" name=\"body\" rows=\"8\" spellcheck=\"false\">\n{}</textarea>",
            escape(text)
        ),
        Err(_) => "<p class=\"none\">The body is no text and is sent as it was.</p>".to_owned(),
    };
    let fields = match &record.input {
        Input::Event(name) => format!("<p>An event of <code>{}</code>.</p>", escape(name)),
        Input::Request { method, target, headers } => request_fields(method, target, headers),
    };
    format!(
        "<form action=\"/_faas/replay\" method=\"post\"><input type=\"hidden\" name=\"number\" value=\"{}\">{fields}{area}\
         <p class=\"tools\"><button>Send again</button></p></form>",
        record.number
    )
}

/// Returns the fields of a request.
pub(super) fn request_fields(method: &str, target: &str, headers: &Headers) -> String {
    // Every request gets these fields anew.
    let is_own = |name: &str| ["content-length", "host", "x-request-id"].contains(&name);
    let headers: Vec<String> = headers
        .iter()
        .filter(|(name, _)| !is_own(name))
        .map(|(name, value)| escape(&format!("{name}: {value}")))
        .collect();
    format!(
        "<div class=\"row\"><div><label for=\"method\">Method</label><input id=\"method\" name=\"method\" value=\"{}\" \
         size=\"7\"></div><div class=\"wide\"><label for=\"target\">Path and query</label><input id=\"target\" \
         name=\"target\" value=\"{}\"></div></div><label for=\"headers\">Headers, one a line</label><textarea \
         id=\"headers\" name=\"headers\" rows=\"{}\" spellcheck=\"false\">\n{}</textarea>",
        escape(method),
        escape(target),
        headers.len().clamp(2, 8),
        headers.join("\n")
    )
}

/// Returns the page of two invocations beside one another.
pub(super) fn compare(app: &App, numbers: &[&str]) -> Result<String, Instead> {
    let [one, other] = numbers else {
        return Err(Instead::wrong(format!("two invocations are compared, and {} are ticked", numbers.len())));
    };
    let get = |number: &str| {
        let record = number.parse().ok().and_then(|number| app.store.get(number));
        record.ok_or_else(|| Instead::not_found(&format!("invocation {number}")))
    };
    let (one, other) = (get(one)?, get(other)?);
    let (one, other) = if one.number <= other.number { (one, other) } else { (other, one) };
    let mut rows = String::new();
    let mut row = |name: &str, left: &str, right: &str| {
        let class = if left == right { "same" } else { "differs" };
        // Writing to a string does not fail.
        let _ = write!(
            rows,
            "<tr class=\"{class}\"><th scope=\"row\">{}</th><td><pre>{}</pre></td><td><pre>{}</pre></td></tr>",
            escape(name),
            escape(left),
            escape(right)
        );
    };
    let status = |record: &Record| record.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    row("invocation", &one.input.title(), &other.input.title());
    row("status", &status(&one), &status(&other));
    row("took", &html::maybe(one.took), &html::maybe(other.took));
    row("deployment", &one.deployment.to_string(), &other.deployment.to_string());
    row("function", one.function.as_deref().unwrap_or_default(), other.function.as_deref().unwrap_or_default());
    let mut names: Vec<(u64, &str)> = Vec::new();
    for span in one.spans.iter().chain(&other.spans) {
        if !names.contains(&(span.depth, span.name.as_str())) {
            names.push((span.depth, &span.name));
        }
    }
    names.sort_unstable();
    for (depth, name) in names {
        let of = |record: &Record| {
            let span = record.spans.iter().find(|span| span.depth == depth && span.name == name);
            span.map_or_else(String::new, |span| html::duration(Duration::from_micros(span.to_us - span.from_us)))
        };
        row(&format!("{}{name}", "  ".repeat(usize::try_from(depth).unwrap_or(0))), &of(&one), &of(&other));
    }
    let problem = |record: &Record| {
        record
            .problem
            .as_ref()
            .map_or_else(String::new, |problem| format!("{}: {} {}", problem.kind, problem.message, problem.place))
    };
    row("problem", &problem(&one), &problem(&other));
    row("body", &one.body.text(), &other.body.text());
    let head = |headers: &Headers| {
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
    };
    row("reply headers", &head(&one.reply_headers), &head(&other.reply_headers));
    row("reply", &one.reply.text(), &other.reply.text());
    row("log", &one.lines.join("\n"), &other.lines.join("\n"));
    let content = format!(
        "<div class=\"scroll\"><table class=\"compare\"><thead><tr><th scope=\"col\">What</th><th scope=\"col\">\
         <a href=\"/_faas/invocations/{0}\">#{0}</a></th><th scope=\"col\"><a href=\"/_faas/invocations/{1}\">#{1}</a>\
         </th></tr></thead><tbody>{rows}</tbody></table></div>\n<p class=\"none\">Rows that differ are marked.</p>\n",
        one.number, other.number
    );
    Ok(html::page(app, &format!("#{} and #{}", one.number, other.number), "/compare", &content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_in_its_own_order_and_texts_stay_as_they_are() {
        let text = r#"{"b":[1,{"x":"a,\"{:"}],"a":{},"c":[ ]}"#;
        let expected =
            "{\n  \"b\": [\n    1,\n    {\n      \"x\": \"a,\\\"{:\"\n    }\n  ],\n  \"a\": {},\n  \"c\": []\n}";
        assert_eq!(indented(text), expected);
    }
}
