//! The keys of a yml: one table, from which checks, hints, the JSON schema, `explain` and the page of keys are made.
//! Keys are described nowhere else.

mod events;
mod table;

pub use events::{EVENT, EventKey, KINDS};
pub use table::{AGGREGATION, FUNCTION, PROVIDER, SERVICE};

/// One key of a mapping.
#[derive(Debug)]
pub struct Key {
    /// The name of the key.
    pub name: &'static str,
    /// The shape that its value has to have.
    pub shape: Shape,
    /// The purpose of the key, in whole sentences.
    pub doc: &'static str,
    /// The value that is taken without it, in words; `None` if there is no such value.
    pub default: Option<&'static str>,
    /// The effect of the key.
    pub effect: Effect,
    /// The names of the key in the deployment files of platforms, which the runtime does not read.
    pub platforms: &'static [(&'static str, &'static str)],
    /// `true` if the mapping has to have it.
    pub is_required: bool,
    /// The version of this crate that first took it.
    pub since: &'static str,
}

/// The effect of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The key becomes this in the manifest of a unit.
    Manifest(&'static str),
    /// The key decides which units there are, or how the yml is read.
    Plan(&'static str),
    /// The key goes into deployment files alone.
    Deployment,
    /// The key is read and has no effect, for this reason.
    Nothing(&'static str),
}

/// All keys of one kind of mapping. Keys that begin with `x-` are allowed beside them.
#[derive(Debug)]
pub struct Object {
    /// The name of the mapping, with its article.
    pub what: &'static str,
    /// The keys of the mapping.
    pub keys: &'static [Key],
}

/// The shape that a value has to have.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text that is not empty.
    Text,
    /// A text of letters, digits, `_`, `.` and `-`.
    Name,
    /// A boolean, `true` or `false`.
    Bool,
    /// A whole number with its least and most value, and its unit.
    Int {
        /// The smallest value that is allowed.
        least: i64,
        /// The largest value that is allowed.
        most: i64,
        /// The unit, in words; may be empty.
        unit: &'static str,
    },
    /// A time: a whole number of seconds, or a text such as `500ms`, `30s` or `1m30s`.
    Time,
    /// One of these texts, in any case.
    Choice(&'static [&'static str]),
    /// A path of a route.
    Route,
    /// A method of HTTP, or `any`.
    Method,
    /// A mapping with these keys.
    Object(&'static Object),
    /// A mapping from names to values of a shape, with the word for the names.
    Map(&'static str, &'static Shape),
    /// A list of values of a shape.
    List(&'static Shape),
    /// A value of a shape, or a list of them.
    OneOrMany(&'static Shape),
    /// One of these shapes, the first that fits the kind of value.
    Either(&'static [Shape]),
    /// The names and values of environment variables.
    Environment,
    /// An element of `events`.
    Event,
    /// Any value: it is handed on as it is.
    Any,
}

impl Object {
    /// Returns the key of that name; `None` if there is none.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Returns `true` if keys of the author's own may stand beside those of the table: `custom` is also where people
    /// keep values for variables.
    pub fn is_open(&self) -> bool {
        std::ptr::eq(self, &table::CUSTOM)
    }
}

impl Shape {
    /// Returns the shape in words, as they stand behind "expected".
    pub fn words(&self) -> String {
        match self {
            Shape::Text => "a text".to_owned(),
            Shape::Name => "a name of letters, digits, `_`, `.` and `-`".to_owned(),
            Shape::Bool => "true or false".to_owned(),
            Shape::Int { least, most, unit } => {
                let apart = if unit.is_empty() { "" } else { " " };
                match *most {
                    i64::MAX => format!("a whole number{apart}{unit} of at least {least}"),
                    most => format!("a whole number{apart}{unit} from {least} to {most}"),
                }
            }
            Shape::Time => "a number of seconds, or a time such as 500ms, 30s or 1m30s".to_owned(),
            Shape::Choice(words) => one_of(words),
            Shape::Route => "a path that begins with /".to_owned(),
            Shape::Method => "a method such as get, or any".to_owned(),
            Shape::Object(object) => object.what.to_owned(),
            Shape::Map(names, _) => format!("a mapping of {names}"),
            Shape::List(of) => format!("a list of which each is {}", of.words()),
            Shape::OneOrMany(of) => format!("{}, or a list of them", of.words()),
            Shape::Either(shapes) => shapes.iter().map(Shape::words).collect::<Vec<_>>().join(", or "),
            Shape::Environment => "a mapping of variables and their values".to_owned(),
            Shape::Event => "an event, such as `http: {path: /orders}`".to_owned(),
            Shape::Any => "any value".to_owned(),
        }
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [most @ .., last] => {
            format!("{} or `{last}`", most.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Makes a key that becomes a part of the manifest.
const fn manifest(name: &'static str, shape: Shape, becomes: &'static str, doc: &'static str) -> Key {
    key(name, shape, Effect::Manifest(becomes), doc)
}

/// Makes a key that decides which units there are, or how the yml is read.
const fn plan(name: &'static str, shape: Shape, decides: &'static str, doc: &'static str) -> Key {
    key(name, shape, Effect::Plan(decides), doc)
}

/// Makes a key of deployment files.
const fn deployment(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    key(name, shape, Effect::Deployment, doc)
}

/// Makes a key without effect, with the reason.
const fn nothing(name: &'static str, shape: Shape, why: &'static str, doc: &'static str) -> Key {
    key(name, shape, Effect::Nothing(why), doc)
}

const fn key(name: &'static str, shape: Shape, effect: Effect, doc: &'static str) -> Key {
    Key { name, shape, doc, default: None, effect, platforms: &[], is_required: false, since: "0.1.0" }
}

impl Key {
    const fn or(mut self, default: &'static str) -> Key {
        self.default = Some(default);
        self
    }

    const fn on(mut self, platforms: &'static [(&'static str, &'static str)]) -> Key {
        self.platforms = platforms;
        self
    }

    const fn required(mut self) -> Key {
        self.is_required = true;
        self
    }
}
