//! A page as its reader takes it: blocks of commands with their output, and the ymls between them.

use integration::artifacts;

/// A page of the documentation.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The path of the page from the root.
    pub(crate) name: String,
    /// The blocks of it that count, in order.
    pub(crate) blocks: Vec<Block>,
}

/// A fenced block that counts here.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// A `serverless.yml`, or a part that is added to the one before.
    Yml(String),
    /// Commands with their output.
    Commands(Vec<Command>),
}

/// A command of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// The line in the page, counted from 1.
    pub(crate) line: usize,
    /// The text for a shell, without the prompt. A block in `sh` is one command.
    pub(crate) text: String,
    /// The lines of output below it.
    pub(crate) shown: Vec<String>,
}

impl Command {
    /// Returns a place to fill in, as `<name>`, which a shell takes for a redirection; `None` if there is none.
    pub(crate) fn placeholder(&self) -> Option<&str> {
        let is_name = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_alphabetic())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let names = self.text.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
        names.map(|(name, _)| name).find(|name| is_name(name))
    }
}

/// The key that ends the dev before it, where a page shows it as a command.
pub(crate) const CTRL_C: &str = "^C";

impl Page {
    pub(crate) fn read(name: &str) -> Page {
        let text = std::fs::read_to_string(artifacts::workspace().join(name)).expect("a page can be read");
        Page { name: name.to_owned(), blocks: blocks(&text) }
    }

    /// Returns its commands, without the keys that are shown as such.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &Command> {
        let blocks = self.blocks.iter().filter_map(|block| match block {
            Block::Commands(commands) => Some(commands),
            Block::Yml(_) => None,
        });
        blocks.flatten().filter(|command| command.text != CTRL_C)
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((start, fence)) = lines.next() {
        let Some(language) = fence.strip_prefix("```") else { continue };
        let inner: Vec<(usize, &str)> = lines.by_ref().take_while(|(_, line)| !line.starts_with("```")).collect();
        let text = || inner.iter().map(|(_, line)| format!("{line}\n")).collect::<String>();
        match language {
            "yaml" => blocks.push(Block::Yml(text())),
            "sh" => blocks.push(Block::Commands(vec![Command { line: start + 2, text: text(), shown: Vec::new() }])),
            "console" => blocks.push(Block::Commands(commands(&inner))),
            _ => {}
        }
    }
    blocks
}

fn commands(lines: &[(usize, &str)]) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for (index, line) in lines {
        let new = |text: &str| Command { line: index + 1, text: text.to_owned(), shown: Vec::new() };
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(text), _) => commands.push(new(text)),
            (None, _) if *line == CTRL_C => commands.push(new(CTRL_C)),
            (None, Some(before)) if before.text.ends_with('\\') && before.shown.is_empty() => {
                before.text = format!("{}\n{line}", before.text);
            }
            (None, Some(before)) => before.shown.push((*line).to_owned()),
            // The test of the table tells the author of such a block that nothing runs.
            (None, None) => commands.push(new(line)),
        }
    }
    commands
}
