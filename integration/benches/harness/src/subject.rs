//! The subjects of the measurements: programs, the way each is started, and the process of one of them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A program and its environment under the name that tables give it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The name, as tables and budgets have it.
    pub name: String,
    /// The words before the program: a tool that runs it.
    pub wrapper: Vec<String>,
    /// The path of the program.
    pub program: PathBuf,
    /// The variables of the program, which gets no others.
    pub env: Vec<(String, String)>,
}

/// The folder in which `run` has put everything.
#[derive(Clone, Debug)]
pub struct Built {
    /// The path of the folder.
    pub root: PathBuf,
}

impl Built {
    /// Returns the path of a program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.root.join("bin").join(name)
    }

    /// Returns the path of a program with its symbols, where `run` has made one.
    pub fn with_symbols(&self, name: &str) -> PathBuf {
        let path = self.root.join("symbols").join(name);
        if path.exists() { path } else { self.program(name) }
    }

    /// Returns the task root: modules under the names that the runtimes look for.
    pub fn task(&self) -> PathBuf {
        self.root.join("task")
    }

    fn scratch(&self, name: &str) -> PathBuf {
        self.root.join("scratch").join(name)
    }

    /// Returns a subject without variables.
    pub fn subject(&self, name: &str, program: &str) -> Subject {
        Subject { name: name.to_owned(), wrapper: Vec::new(), program: self.program(program), env: Vec::new() }
    }

    /// Returns a runtime with a function of the task root.
    pub fn runtime(&self, program: &str, function: &str) -> Subject {
        self.subject(program, program).env("FAAS_HANDLER", function).env("FAAS_LOG", "error")
    }
}

impl Subject {
    /// Adds one more variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Subject {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Subject {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds layers, outermost first.
    #[must_use]
    pub fn layers(self, layers: &[&str]) -> Subject {
        if layers.is_empty() { self } else { self.env("FAAS_LAYERS", &layers.join(",")) }
    }

    /// Lets a tool start it.
    #[must_use]
    pub fn under(mut self, wrapper: &[&str]) -> Subject {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Returns the file's size in bytes.
    ///
    /// # Errors
    /// There is no such file.
    pub fn size(&self) -> io::Result<u64> {
        self.program.metadata().map(|data| data.len())
    }

    /// Starts the program.
    ///
    /// # Errors
    /// The system refuses, with its own error.
    pub fn start(&self, built: &Built, more: &[(&str, &str)]) -> io::Result<Process> {
        if !self.program.exists() {
            return Err(io::Error::other(format!("{} has not been built", self.program.display())));
        }
        let said = built.scratch("stderr");
        let mut words = self.wrapper.iter().map(PathBuf::from).chain([self.program.clone()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .env_clear()
            .current_dir(built.task())
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        if !self.wrapper.is_empty() {
            command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        }
        command.envs(more.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
        Ok(Process { child: command.spawn()?, said })
    }

    /// Adds the variables that AWS Lambda sets.
    #[must_use]
    pub fn on_lambda(self, built: &Built) -> Subject {
        let task = built.task().to_string_lossy().into_owned();
        self.env("_HANDLER", "echo")
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0")
            .env("AWS_REGION", "us-east-2")
            .env("LAMBDA_TASK_ROOT", &task)
    }
}

/// A started subject, which ends with this value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    said: PathBuf,
}

impl Process {
    /// Returns the number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the process to end and waits until it has.
    ///
    /// # Errors
    /// The system refuses, with its own error.
    pub fn end(mut self) -> io::Result<()> {
        crate::sys::terminate(self.child.id());
        self.child.wait().map(drop)
    }

    /// Returns the last of its output on standard error.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(&self.said).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(400)..]).trim().to_owned()
    }

    /// Returns a line of a file in `/proc/<pid>`, by its first word.
    ///
    /// # Errors
    /// The file has no such line.
    pub fn proc(&self, file: &str, line: &str) -> io::Result<f64> {
        let path = Path::new("/proc").join(self.id().to_string()).join(file);
        let text = std::fs::read_to_string(path)?;
        let value = text.lines().find_map(|text| text.strip_prefix(line)?.split_whitespace().next()?.parse().ok());
        value.ok_or_else(|| io::Error::other(format!("no {line} in {file}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
