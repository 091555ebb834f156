//! The pages of processes, and of all lines of output.

use super::super::app::App;
use super::super::generation::title;
use super::super::lifecycles::Lifecycle;
use super::form::Form;
use super::html::{self, escape};
use super::waterfall;

/// Returns the page of processes; With `is_part` it is only the part that changes.
pub(super) fn page(app: &App, is_part: bool) -> String {
    let content = processes(app) + &phases(app) + &lives(app);
    if is_part {
        content
    } else {
        html::page(app, "Processes", "/processes", &format!("<div id=\"processes\">{content}</div>"))
    }
}

fn processes(app: &App) -> String {
    let mut rows = String::new();
    for generation in app.all() {
        for look in generation.look() {
            let memory =
                look.rss_kib.map_or_else(|| "has ended".to_owned(), |kib| format!("{:.1} MiB", kib as f64 / 1024.0));
            let only = look.function.map(|name| format!(" ({name} alone)")).unwrap_or_default();
            rows += &format!(
                "<tr><td>{}{}</td><td>{}</td><td>{}</td><td>{}</td><td>{memory}</td></tr>",
                escape(&look.unit),
                escape(&only),
                escape(title(look.platform)),
                generation.number,
                look.pid,
            );
        }
    }
    format!(
        "<h2>Processes</h2><div class=\"scroll\"><table class=\"figures\"><thead><tr><th scope=\"col\">Unit</th><th scope=\"col\">Platform</th>\
         <th scope=\"col\">Deployment</th><th scope=\"col\">pid</th><th scope=\"col\">Memory</th></tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

fn phases(app: &App) -> String {
    let phases = app.store.phases();
    let mut rows = String::new();
    for phase in phases.iter().rev() {
        rows += &format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            phase.deployment,
            escape(&phase.unit),
            escape(&phase.name),
            html::duration(phase.took),
            escape(&phase.outcome)
        );
    }
    let colds = app.store.records().iter().filter(|record| record.is_first).count();
    format!(
        "<h2>Lifecycle</h2><p>Cold starts among the invocations that are kept: {colds}. The table has what the \
         layer <code>monitor</code> tells of phases, if it is deployed; <code>ready</code> is from the start of the process until it answers.</p>\
         <div class=\"scroll\"><table class=\"figures\"><thead><tr><th scope=\"col\">Deployment</th><th scope=\"col\">Unit</th>\
         <th scope=\"col\">Phase</th><th scope=\"col\">Took</th><th scope=\"col\">Outcome</th></tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

/// Returns the waterfalls of each process.
fn lives(app: &App) -> String {
    let all = app.store.lifecycles();
    let life = |Lifecycle { origin, spans, left_out, .. }: &Lifecycle| {
        let more =
            if *left_out > 0 { format!("<p class=\"none\">{left_out} more are not kept.</p>") } else { String::new() };
        format!(
            "<h3>{}, deployment {}, pid {}</h3>{}{}{more}",
            escape(&origin.unit),
            origin.deployment,
            origin.pid,
            waterfall::of_start(spans),
            waterfall::of_close(spans)
        )
    };
    let lives: String = all.iter().map(life).collect();
    format!("<div class=\"waterfalls\">{lives}</div>")
}

/// Returns the page of lines.
pub(super) fn logs(app: &App, query: &Form) -> String {
    let function = query.get("function");
    let entries = app.store.entries(0);
    let wanted = entries.iter().filter(|entry| function.is_empty() || entry.function.as_deref() == Some(function));
    let lines: String = wanted.map(|entry| format!("{} | {}\n", escape(&entry.unit), escape(&entry.text))).collect();
    let now = app.now();
    let functions = now.iter().flat_map(|now| now.deployment.functions()).map(|(_, name)| {
        let chosen = if name == function { " selected" } else { "" };
        format!("<option{chosen}>{}</option>", escape(name))
    });
    let functions: String = functions.collect();
    let content = format!(
        "<form class=\"tools\" method=\"get\"><label for=\"function\">Function</label> <select id=\"function\" \
         name=\"function\"><option value=\"\">all</option>{functions}</select> <button>Show</button></form>\
         <pre id=\"lines\" class=\"tall\" tabindex=\"0\" data-function=\"{}\">{lines}</pre>",
        escape(function)
    );
    html::page(app, "Logs", "/logs", &content)
}
