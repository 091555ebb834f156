//! The pieces that pages have in common. All text from outside is escaped here.

use super::super::app::{App, Build};
use super::super::generation::title;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use crate::screen::duration;

/// Returns a text as HTML, safe between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // A browser would drop the character, or take it for something else.
            '\0' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

/// Returns a whole page: head and frame around a content.
pub(super) fn page(app: &App, heading: &str, place: &str, content: &str) -> String {
    let link = |(path, name): (&str, &str)| {
        let here = if path == place { " aria-current=\"page\"" } else { "" };
        format!("<li><a href=\"/_faas{path}\"{here}>{name}</a></li>")
    };
    let links =
        [("", "Invocations"), ("/send", "Send"), ("/plan", "Plan"), ("/processes", "Processes"), ("/logs", "Logs")];
    let links: String = links.into_iter().map(link).collect();
    let (heading, banner) = (escape(heading), banner(app));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{heading} – cargo faas dev</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"/_faas/console.css\">\n<script src=\"/_faas/console.js\" defer></script>\n\
         </head>\n<body data-place=\"{place}\">\n<a class=\"skip\" href=\"#main\">Skip to content</a>\n\
         <header>\n<p class=\"brand\"><a href=\"/_faas\">cargo faas <b>dev</b></a></p>\n\
         <nav aria-label=\"Console\"><ul>{links}</ul></nav>\n</header>\n\
         <div id=\"state\" role=\"status\">{banner}</div>\n\
         <main id=\"main\" tabindex=\"-1\">\n<h1>{heading}</h1>\n{content}</main>\n\
         <p id=\"said\" class=\"unseen\" aria-live=\"polite\"></p>\n</body>\n</html>\n"
    )
}

/// Returns the state of everything, in a line or two.
pub(super) fn banner(app: &App) -> String {
    let now = app.now();
    let serves = now.map(|now| {
        let count = now.deployment.units.len();
        let units = if count == 1 { "1 unit".to_owned() } else { format!("{count} units") };
        format!("Deployment {} serves: {units} on {}.", now.number, title(now.platform()))
    });
    match (app.build(), serves) {
        (Build::Serves, Some(serves)) => format!("<p class=\"good\">{}</p>", escape(&serves)),
        (Build::Failed(why), serves) => {
            let serves = serves.map_or_else(String::new, |serves| format!(" Until it is mended: {serves}"));
            let why = escape(&why);
            format!("<p class=\"bad\"><b>The newest build is not served.</b>{}</p><pre>{why}</pre>", escape(&serves))
        }
        (_, Some(serves)) => format!("<p class=\"busy\">Building. {}</p>", escape(&serves)),
        (_, None) => "<p class=\"busy\">Building. Requests wait.</p>".to_owned(),
    }
}

/// Returns a time of the day, UTC, to the millisecond.
pub(super) fn time_of_day(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs() % 86_400;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:03}", since.subsec_millis())
}

/// Returns a table of names and values.
pub(super) fn pairs<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let mut rows = String::new();
    for (name, value) in pairs {
        // Writing to a string does not fail.
        let _ = write!(rows, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(name), escape(value));
    }
    if rows.is_empty() {
        "<p class=\"none\">none</p>".to_owned()
    } else {
        format!("<table class=\"pairs\"><tbody>{rows}</tbody></table>")
    }
}

/// Returns a duration that may not be there yet, as text.
pub(super) fn maybe(time: Option<Duration>) -> String {
    time.map_or_else(|| "runs".to_owned(), duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_tag_or_leaves_its_attribute() {
        let nasty = "<script>alert('\"&\0')</script>";
        assert_eq!(escape(nasty), "&lt;script&gt;alert(&#39;&quot;&amp;\u{fffd}&#39;)&lt;/script&gt;");
        assert_eq!(
            pairs([("<b>", "\"x\"")]),
            "<table class=\"pairs\"><tbody><tr><th scope=\"row\">&lt;b&gt;</th><td>&quot;x&quot;</td></tr></tbody></table>"
        );
    }

    #[test]
    fn times_of_day_are_to_the_millisecond() {
        assert_eq!(time_of_day(UNIX_EPOCH + Duration::from_millis(86_400_000 * 3 + 3_723_004)), "01:02:03.004");
    }
}
