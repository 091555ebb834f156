//! The commands that deploy, with the tools that they need and the sources of those.

use super::site::Site;
use std::fmt::Write;

/// A tool of a vendor, which a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The name of its program.
    pub program: &'static str,
    /// The source of the tool, as a command to run or a page to look at.
    pub from: &'static str,
}

/// One command of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The tool that it needs beside the system's own programs.
    pub tool: Tool,
    /// The command, a line of a shell or several.
    pub command: String,
}

pub(super) const DOCKER: Tool = Tool { program: "docker", from: "https://docs.docker.com/engine/install" };
pub(super) const UNZIP: Tool = Tool { program: "unzip", from: "your system's packages" };
pub(super) const JQ: Tool = Tool { program: "jq", from: "your system's packages" };
pub(super) const CURL: Tool = Tool { program: "curl", from: "your system's packages" };
pub(super) const KUBECTL: Tool = Tool { program: "kubectl", from: "https://kubernetes.io/docs/tasks/tools" };
pub(super) const AZ: Tool = Tool { program: "az", from: "pip install azure-cli" };

/// Returns the commands that unpack the package of a unit into a folder which has nothing else in it, and which is
/// emptied first: a file that an earlier package had would be deployed again. `beside` are copied there before; a file of
/// the package counts over one of these.
pub(super) fn unpack(site: &Site<'_>, unit: &str, folder: &str, beside: &[String]) -> String {
    let package = quoted(&format!("{}/{unit}.zip", site.options.packages));
    let folder = quoted(folder);
    let mut commands = format!("rm -rf {folder}\nmkdir -p {folder}\n");
    if !beside.is_empty() {
        let all: Vec<String> = beside.iter().map(|path| quoted(path)).collect();
        let _ = writeln!(commands, "cp -R {} {folder}", all.join(" "));
    }
    commands + &format!("unzip -q -o {package} -d {folder}")
}

/// The commands of one platform, in order.
#[derive(Debug, Default)]
pub(super) struct Script {
    steps: Vec<Step>,
}

impl Script {
    pub(super) fn run(&mut self, tool: Tool, command: impl Into<String>) {
        self.steps.push(Step { tool, command: command.into() });
    }

    /// Adds that the files of these patterns are removed when the script ends, however it ends: the values of secrets are
    /// in them. `tool` is one that the platform needs anyway.
    pub(super) fn removes(&mut self, tool: Tool, patterns: &[&str]) {
        // A shell that a signal ends runs the trap of its end only if it exits by itself.
        let command = format!("trap 'rm -f {}' EXIT\ntrap 'exit 1' HUP INT QUIT TERM", patterns.join(" "));
        if !self.steps.iter().any(|step| step.command == command) {
            self.run(tool, command);
        }
    }

    /// Adds the commands that write the value of a variable into a file, and returns the argument by which az reads it
    /// from there: `NAME=@file`. So nobody sees a value among the arguments of a process, and none that begins with `@` is
    /// taken for the name of a file. az leaves out ends of lines at the end, so a value that has one is refused.
    pub(super) fn for_az(&mut self, name: &str, variable: &str, meaning: &str, path: &str) -> String {
        let said = quoted(&format!("{variable} ends with the end of a line, which az leaves out"));
        self.run(
            AZ,
            format!(
                "case \"${{{variable}:?{meaning}}}\" in *'\n') echo {said} >&2; exit 1 ;; esac\n\
                     (umask 077; printf %s \"${variable}\" > {})",
                quoted(path)
            ),
        );
        quoted(&format!("{name}=@{path}"))
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// Returns the script, which stops at the first command that fails.
    pub(super) fn text(&self, site: &Site<'_>) -> String {
        let mut out = String::from("#!/bin/sh\n");
        let service = &site.spec.service;
        let _ = writeln!(out, "# Deploys {} in stage {} to {}.", service.name, service.stage, site.platform);
        let mut tools: Vec<Tool> = Vec::new();
        for step in &self.steps {
            if !tools.contains(&step.tool) {
                tools.push(step.tool);
            }
        }
        for Tool { program, from } in tools {
            let _ = writeln!(out, "# Needs {program}: {from}");
        }
        out.push_str("set -eu\ncd \"$(dirname \"$0\")\"\n");
        for step in &self.steps {
            out.push_str(&step.command);
            out.push('\n');
        }
        out
    }
}

/// Returns a text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_word) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A filter of jq, with values that only the deploying shell knows. They reach jq by its environment, so that nobody
/// sees them among the arguments of a process.
#[derive(Debug, Default)]
pub(super) struct Filter {
    asked: String,
    parts: Vec<String>,
}

impl Filter {
    /// Returns the filter that does this and puts in no value.
    pub(super) fn new(part: &str) -> Filter {
        Filter { asked: String::new(), parts: vec![part.to_owned()] }
    }

    /// Adds a part with the value of a variable. `meaning` is the message that a shell without this variable writes,
    /// and `part` makes the part of the value as jq writes it.
    pub(super) fn with(&mut self, variable: &str, meaning: &str, part: impl FnOnce(&str) -> String) {
        self.asked += &format!(": \"${{{variable}:?{meaning}}}\"; ");
        self.parts.push(part(&format!("env.{variable}")));
    }

    /// Adds the parts of secrets. `part` makes the part of a secret's own variable and of its value as jq writes it.
    pub(super) fn secrets(&mut self, secrets: &[(String, String)], part: impl Fn(&str, &str) -> String) {
        for (name, secret) in secrets {
            self.with(&variable(secret), "a secret", |value| part(name, value));
        }
    }

    /// Returns the command that reads one file and writes another one. `options` are those of jq, or empty.
    pub(super) fn command(&self, options: &str, from: &str, to: &str) -> String {
        let (asked, filter) = (&self.asked, quoted(&self.parts.join(" | ")));
        format!("umask 077; {asked}jq{options} {filter} {} > {}", quoted(from), quoted(to))
    }
}

/// Returns the variable in which a process looks for a secret, and which a platform can have: `db/password` is
/// `DB_PASSWORD`.
pub(super) fn process_variable(name: &str) -> String {
    faas_core::secrets::variables(name).pop().unwrap_or_default()
}

/// Returns the variable of the deploying shell that holds a secret: the secret's name, if a shell can have it.
pub(super) fn variable(name: &str) -> String {
    let mut out = process_variable(name);
    if out.starts_with(|first: char| first.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_what_they_are_in_a_shell() {
        assert_eq!(quoted("shop-dev"), "shop-dev");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
        assert_eq!(variable("db/password"), "DB_PASSWORD");
        assert_eq!((process_variable("1st"), variable("1st")), ("1ST".to_owned(), "_1ST".to_owned()));
    }
}
