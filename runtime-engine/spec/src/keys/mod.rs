//! What a yml may say: one table of all keys, from which checks, hints, the JSON schema, `explain` and the page of keys are
//! made. What a key is stands nowhere else.

mod events;
mod table;

pub use events::{EVENT, EventKey, KINDS};
pub use table::{AGGREGATION, FUNCTION, PROVIDER, SERVICE};

/// One key of an object.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value has to be.
    pub shape: Shape,
    /// What it is for, in whole sentences.
    pub doc: &'static str,
    /// What is taken without it, in words; `None`: nothing.
    pub default: Option<&'static str>,
    /// What it comes to.
    pub effect: Effect,
    /// What it is called in the deployment files of platforms, which the runtime does not read.
    pub platforms: &'static [(&'static str, &'static str)],
    /// `true` if the object has to have it.
    pub is_required: bool,
    /// The version of this crate that first took it.
    pub since: &'static str,
}

/// What a key comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It becomes this in the manifest of a unit.
    Manifest(&'static str),
    /// It decides which units there are, or how the yml is read.
    Plan(&'static str),
    /// It goes into deployment files alone.
    Deployment,
    /// It is read and comes to nothing; says why.
    Nothing(&'static str),
}

/// All keys of one kind of mapping. Keys that begin with `x-` are allowed beside them.
#[derive(Debug)]
pub struct Object {
    /// What the mapping is, with its article.
    pub what: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// What a value has to be.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text that is not empty.
    Text,
    /// A text of letters, digits, `_`, `.` and `-`.
    Name,
    /// `true` or `false`.
    Bool,
    /// A whole number with its least and most value, and its unit.
    Int {
        /// The least value.
        least: i64,
        /// The most.
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
    /// A method, or `any`.
    Method,
    /// A mapping with these keys.
    Object(&'static Object),
    /// A mapping from names to values of a shape; says what the names are.
    Map(&'static str, &'static Shape),
    /// A list of values of a shape.
    List(&'static Shape),
    /// A value of a shape, or a list of them.
    OneOrMany(&'static Shape),
    /// One of these shapes, the first that fits the kind of value.
    Either(&'static [Shape]),
    /// Names and values of environment variables.
    Environment,
    /// An element of `events`.
    Event,
    /// Any value: it is handed on as it is.
    Any,
}

impl Object {
    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// `true` if keys of the author's own may stand beside those of the table: `custom` is also where people keep values
    /// for variables.
    pub fn is_open(&self) -> bool {
        std::ptr::eq(self, &table::CUSTOM)
    }
}

impl Shape {
    /// What it is, as it stands behind "expected".
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

/// A key that becomes something in the manifest.
const fn manifest(name: &'static str, shape: Shape, becomes: &'static str, doc: &'static str) -> Key {
    key(name, shape, Effect::Manifest(becomes), doc)
}

/// A key that decides what units there are, or how the yml is read.
const fn plan(name: &'static str, shape: Shape, decides: &'static str, doc: &'static str) -> Key {
    key(name, shape, Effect::Plan(decides), doc)
}

/// A key of deployment files.
const fn deployment(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    key(name, shape, Effect::Deployment, doc)
}

/// A key that comes to nothing.
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
