//! The page with the list of invocations.

use super::super::app::App;
use super::super::record::{BODY, Record};
use super::super::store::INVOCATIONS;
use super::html::{self, escape};

/// Returns the page of all invocations.
pub(super) fn page(app: &App) -> String {
    let records = app.store.records();
    let rows: String = records.iter().map(row).collect();
    let empty = if records.is_empty() {
        format!(
            "<p class=\"none\" id=\"empty\">Nothing yet. Send a request to <a href=\"http://{0}/\">http://{0}/</a>, or \
             <a href=\"/_faas/send\">an event</a>.</p>",
            app.address
        )
    } else {
        String::new()
    };
    let content = format!(
        "{empty}<form action=\"/_faas/compare\" method=\"get\">\n<div class=\"scroll\"><table class=\"list\">\n\
         <caption class=\"unseen\">Invocations, the latest first</caption>\n\
         <thead><tr><th scope=\"col\"><span class=\"unseen\">Compare</span></th><th scope=\"col\">Invocation</th>\
         <th scope=\"col\">Status</th><th scope=\"col\">Time</th><th scope=\"col\">Function</th>\
         <th scope=\"col\">At (UTC)</th></tr></thead>\n<tbody id=\"rows\">{rows}</tbody>\n</table></div>\n\
         <p class=\"tools\"><button>Compare the two that are ticked</button> \
         <span class=\"none\">The last {INVOCATIONS} are kept, and of each body the first {} KiB.</span></p>\n</form>\n",
        BODY >> 10
    );
    html::page(app, "Invocations", "", &content)
}

/// Returns the row of an invocation.
pub(super) fn row(record: &Record) -> String {
    let number = record.number;
    let class = match (record.took, record.is_failed()) {
        (None, _) => "runs",
        (_, true) => "failed",
        _ => "fine",
    };
    let status = match (record.status, record.took, &record.problem) {
        (_, None, _) => "runs".to_owned(),
        (Some(status), _, None) => status.to_string(),
        (Some(status), _, Some(problem)) => format!("{status} {}", escape(&problem.kind)),
        (None, _, Some(problem)) => escape(&problem.kind),
        (None, _, None) => "ended".to_owned(),
    };
    let cold = if record.is_first { " <span class=\"tag\">cold</span>" } else { "" };
    let again =
        record.repeats.map(|repeated| format!(" <span class=\"tag\">again #{repeated}</span>")).unwrap_or_default();
    format!(
        "<tr id=\"row-{number}\" class=\"{class}\"><td><input type=\"checkbox\" name=\"with\" value=\"{number}\" \
         aria-label=\"Compare #{number}\"></td><td><a href=\"/_faas/invocations/{number}\">{}</a>{cold}{again}</td>\
         <td class=\"status\">{status}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        escape(&record.input.title()),
        html::maybe(record.took),
        escape(record.function.as_deref().unwrap_or(&record.unit)),
        html::time_of_day(record.at),
    )
}
