//! The reasons why the router refuses a route. Each says what is wrong, where in the pattern it stands, and what to write
//! instead.

use std::fmt;

/// Says why [`Router::add`](super::Router::add) refuses a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// The pattern is not of the grammar.
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// The position of the fault, in bytes from the beginning of the pattern, which is 0.
        at: usize,
        /// The fault at that place.
        fault: PatternFault,
    },
    /// A text stands for a method and is not the name of one.
    Method {
        /// The pattern as it was given.
        pattern: String,
        /// The method as it was written.
        method: String,
    },
    /// The route names one method more than the 64 that the routes of one process may name.
    TooManyMethods {
        /// The pattern as it was given.
        pattern: String,
        /// The method that finds no place.
        method: String,
    },
    /// Another route takes the same paths with the same method.
    Taken {
        /// The method that both take, `None` if both take any.
        method: Option<String>,
        /// The pattern as it was given.
        pattern: String,
        /// The owner that was given with it.
        owner: usize,
        /// The pattern of the route that was added before.
        earlier: String,
        /// The owner of that route.
        earlier_owner: usize,
    },
}

/// A fault in a pattern's grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternFault {
    /// The pattern does not begin with a slash.
    NoSlash,
    /// `?` or `#` stands where only a path may be.
    BeyondPath(char),
    /// A `:`, `{}` or `*` stands without the name that has to be there.
    EmptyName,
    /// A character that no name of a parameter has.
    NameCharacter(char),
    /// Two parameters have this name.
    DuplicateName(String),
    /// Text follows a parameter in its segment, as in `:id.html`.
    TextAfterParameter,
    /// The sign of a parameter stands within the text of a segment, as in `a*`.
    SignInText(char),
    /// A `{` has no `}` behind it.
    OpenBrace,
    /// The parameter of this name takes some values only, as in `:id(\d+)` and `{id:int}`.
    Constraint(String),
    /// The parameter of this name need not be there, as in `:id?`.
    Optional(String),
    /// The parameter of this name stands for more than one segment, as in `:id+`, `{id*}` and `**`. The name may be
    /// empty.
    Repeated(String),
    /// The rest of the path with more of the pattern behind it.
    RestNotLast,
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RouteError::Pattern { pattern, at, fault } => write!(f, "route `{pattern}`, byte {at}: {fault}"),
            RouteError::Method { pattern, method } => write!(
                f,
                "route `{pattern}`: `{method}` is not the name of a method; write a list of single methods, or leave the \
                 methods out to mean any"
            ),
            RouteError::TooManyMethods { pattern, method } => write!(
                f,
                "route `{pattern}`: the routes of one process may name 64 methods, and `{method}` is one more; leave the \
                 methods out to mean any"
            ),
            RouteError::Taken { method, pattern, owner, earlier, earlier_owner } => write!(
                f,
                "route `{pattern}` of owner {owner} takes the same paths as `{earlier}` of owner {earlier_owner}, both \
                 with {}; write another path or another method for one of them",
                method.as_deref().unwrap_or("any method")
            ),
        }
    }
}

impl std::error::Error for RouteError {}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatternFault::NoSlash => f.write_str("a pattern begins with a slash; write `/` before it"),
            PatternFault::BeyondPath(sign) => write!(
                f,
                "`{sign}` ends a path, and a route is chosen by the path alone; leave out what begins here, or write \
                 `%{:02X}` to mean the character",
                u32::from(*sign)
            ),
            PatternFault::EmptyName => f.write_str(
                "a parameter has no name; write `:name` or `{name}` for one segment, `*` or `*name` for the rest of the \
                 path",
            ),
            PatternFault::NameCharacter(character) => write!(
                f,
                "the name of a parameter has no `{character}`; write letters, digits and `_`, within braces also `-` and \
                 `.`"
            ),
            PatternFault::DuplicateName(name) => {
                write!(f, "there is a parameter `{name}` already; write another name for one of them")
            }
            PatternFault::TextAfterParameter => f.write_str(
                "a parameter is a whole segment; write it alone and look at the end of its value in the function",
            ),
            PatternFault::SignInText(sign) => write!(
                f,
                "`{sign}` stands within a text, and a parameter is a whole segment; write the parameter between two \
                 slashes or at the end, or `%{:02X}` to mean the character",
                u32::from(*sign)
            ),
            PatternFault::OpenBrace => f.write_str("`{` is not closed; write `{name}`, or `%7B` to mean the character"),
            PatternFault::Constraint(name) => write!(
                f,
                "a parameter takes any text; write `{{{name}}}` and look at its value in the function"
            ),
            PatternFault::Optional(name) => {
                write!(f, "a parameter is always there; write two routes, one with `{{{name}}}` and one without")
            }
            PatternFault::Repeated(name) => {
                write!(f, "several segments are the rest of the path; write `*{name}` as the last segment")
            }
            PatternFault::RestNotLast => f.write_str(
                "the rest of the path is the last segment; end the pattern here, or write `:name` for a single segment",
            ),
        }
    }
}
