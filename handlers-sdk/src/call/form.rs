//! Path parameters, queries and forms as types of the author's.

use crate::call::content_type;
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::fields::{self, Source};
use crate::call::pairs::Pairs;
use crate::call::request::http;
use crate::encoding::percent;
use crate::error::Error;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// The parameters that the route's pattern matched: one value, a tuple in the order of the pattern, or a struct by
/// name.
///
/// A parameter that does not fit is a 400 which names it.
///
/// ```
/// use handlers_sdk::{Path, function, testing::Invoke};
///
/// #[function]
/// fn item(Path((shop, id)): Path<(String, u64)>) -> String {
///     format!("{id} of {shop}")
/// }
/// let get = |id| Invoke::http("GET", "/").path_param("shop", "tea").path_param("id", id).run(item::MODULE);
/// assert_eq!(get("7").text(), "7 of tea");
/// assert_eq!(get("x").json()["errorMessage"], "path parameter `id`: expected u64, found \"x\"");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// The query as a struct or map. A field of type `Vec` takes all values of its name.
///
/// ```
/// use handlers_sdk::{Query, function, testing::Invoke};
///
/// #[derive(serde::Deserialize)]
/// struct Search {
///     q: String,
///     #[serde(default)]
///     tag: Vec<String>,
///     page: Option<u32>,
/// }
///
/// #[function]
/// fn search(Query(search): Query<Search>) -> String {
///     format!("{} {:?} {}", search.q, search.tag, search.page.unwrap_or(1))
/// }
/// let answer = Invoke::http("GET", "/?q=green+tea&tag=a&tag=b").run(search::MODULE);
/// assert_eq!(answer.text(), r#"green tea ["a", "b"] 1"#);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// A form: the query of a `GET` or `HEAD`, else a body of type `application/x-www-form-urlencoded`; any other type is a
/// 415.
///
/// ```
/// use handlers_sdk::{Form, function, testing::Invoke};
///
/// #[derive(serde::Deserialize)]
/// struct SignUp { name: String, age: u8 }
///
/// #[function]
/// fn sign_up(Form(form): Form<SignUp>) -> String {
///     format!("{} ({})", form.name, form.age)
/// }
/// let post = Invoke::http("POST", "/").header("Content-Type", "application/x-www-form-urlencoded");
/// assert_eq!(post.body("name=Ann+Lee&age=30").run(sign_up::MODULE).text(), "Ann Lee (30)");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<T>(pub T);

const QUERY: Source = Source { called: "query value", ordered: false };

fn borrowed<'a>(pairs: Pairs<'a>) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
    pairs.map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value)))
}

impl<T: DeserializeOwned> FromInvocation for Path<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let source = Source { called: "path parameter", ordered: true };
        fields::read(source, borrowed(http(ctx)?.path_params())).map(Path)
    }
}

impl<T: DeserializeOwned> FromInvocation for Query<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        fields::read(QUERY, borrowed(http(ctx)?.queries())).map(Query)
    }
}

impl<T: DeserializeOwned> FromInvocation for Form<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let request = http(ctx)?;
        if matches!(request.method(), "GET" | "HEAD") {
            return fields::read(QUERY, borrowed(request.queries())).map(Form);
        }
        content_type::check(request, "application/x-www-form-urlencoded", content_type::is_form)?;
        let body = core::str::from_utf8(ctx.body()).map_err(|error| {
            Error::new("Runtime.UnmarshalError", format!("expected a UTF-8 form, found {error}")).with_status(400)
        })?;
        let pairs = body.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (Cow::Owned(percent::decoded(name)), Cow::Owned(percent::decoded(value)))
        });
        fields::read(Source { called: "form field", ordered: false }, pairs).map(Form)
    }
}
