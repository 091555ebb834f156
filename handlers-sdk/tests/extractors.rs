//! The arguments of functions, through their real tables.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{
    Bytes, ClientIp, Configured, Cookies, Deadline, Error, FaasContext, Form, FromInvocation, FromInvocationAsync,
    Headers, Json, Path, Query, Request, RequestId, Secret, function,
};
use serde::Deserialize;
use std::future::poll_fn;
use std::task::Poll;

/// An argument of a header, which is found at once.
struct Tenant(String);

impl FromInvocation for Tenant {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let name = ctx.http().and_then(|request| request.header("x-tenant"));
        let name = name.ok_or_else(|| Error::absent("Tenant.Missing", "expected a header X-Tenant"))?;
        Ok(Tenant(name.to_owned()))
    }
}

/// An argument of a user, who is found after a wait.
struct User(String);

impl FromInvocationAsync for User {
    async fn from_invocation_async(ctx: &FaasContext) -> Result<Self, Error> {
        let token = ctx.http().and_then(|request| request.header("authorization"));
        let token = token.ok_or_else(|| Error::absent("User.Unknown", "who are you?").with_status(401))?;
        let mut waited = false;
        poll_fn(|context| {
            if waited {
                return Poll::Ready(());
            }
            waited = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        match token {
            "expired" => Err(Error::new("User.Expired", "log in again").with_status(403)),
            name => Ok(User(name.to_owned())),
        }
    }
}

#[function]
fn plain(tenant: Tenant, body: String) -> String {
    format!("{}: {body}", tenant.0)
}

#[function]
async fn mixed(tenant: Tenant, user: User, Json(number): Json<u8>, ctx: FaasContext) -> String {
    format!("{}/{}: {number} on {}", tenant.0, user.0, ctx.platform())
}

#[function]
fn at_will(tenant: Option<Tenant>, number: Option<Json<u8>>, request: Result<Request, Error>) -> String {
    let tenant = tenant.map_or_else(|| "nobody".to_owned(), |tenant| tenant.0);
    let path = request.map_or_else(|error| error.kind().to_owned(), |request| request.path().to_owned());
    format!("{tenant} {:?} {path}", number.map(|Json(number)| number))
}

#[function]
async fn waiting_at_will(user: Option<User>, number: Option<Json<u8>>, again: Result<User, Error>) -> String {
    let user = user.map_or_else(|| "nobody".to_owned(), |user| user.0);
    let again = again.map_or_else(|error| error.kind().to_owned(), |user| user.0);
    format!("{user} {:?} {again}", number.map(|Json(number)| number))
}

#[test]
fn an_async_function_takes_what_is_there_and_what_has_to_be_waited_for() {
    let app = App::builder().module(mixed::MODULE).start().expect("it starts");
    let post = || Invoke::http("POST", "/").header("X-Tenant", "acme").body("7");
    let answer = app.invoke(post().header("Authorization", "ann"));
    assert_eq!((answer.code, &*answer.text()), (1, "acme/ann: 7 on test"));
    let answer = app.invoke(post());
    assert_eq!(
        (answer.code, &*answer.text()),
        (401, r#"{"errorType":"User.Unknown","errorMessage":"who are you?","requestId":"test-request"}"#)
    );
    let answer = app.invoke(post().header("Authorization", "expired"));
    assert_eq!(
        (answer.code, &*answer.text()),
        (403, r#"{"errorType":"User.Expired","errorMessage":"log in again","requestId":"test-request"}"#)
    );
}

#[test]
fn what_was_not_sent_is_none_and_what_was_sent_wrong_is_refused() {
    let app = App::builder().module(at_will::MODULE).start().expect("it starts");
    assert_eq!(app.invoke(Invoke::http("GET", "/x")).text(), "nobody None /x");
    assert_eq!(app.invoke(Invoke::http("GET", "/x").header("x-tenant", "acme").body("7")).text(), "acme Some(7) /x");
    assert_eq!(app.invoke(Invoke::event("8")).text(), "nobody Some(8) Runtime.TriggerMismatch");
    let answer = app.invoke(Invoke::http("GET", "/x").body("seven"));
    assert_eq!(answer.code, 400, "{}", answer.text());
}

#[test]
fn what_has_to_be_waited_for_may_be_optional_too() {
    let app = App::builder().module(waiting_at_will::MODULE).start().expect("it starts");
    let get = || Invoke::http("GET", "/");
    assert_eq!(app.invoke(get()).text(), "nobody None User.Unknown");
    assert_eq!(app.invoke(get().header("authorization", "ann").body("7")).text(), "ann Some(7) ann");
    let answer = app.invoke(get().header("authorization", "expired"));
    assert_eq!(answer.code, 403, "{}", answer.text());
}

#[test]
fn the_first_argument_that_does_not_fit_says_so_and_the_function_is_not_called() {
    let app = App::builder().module(plain::MODULE).start().expect("it starts");
    let answer = app.invoke(Invoke::http("POST", "/").header("x-tenant", "acme").body("hello"));
    assert_eq!((answer.code, &*answer.text()), (1, "acme: hello"));
    let answer = app.invoke(Invoke::http("POST", "/").body([0xff]));
    assert_eq!(
        (answer.code, &*answer.text()),
        (
            400,
            r#"{"errorType":"Tenant.Missing","errorMessage":"expected a header X-Tenant","requestId":"test-request"}"#
        )
    );
}

#[derive(Deserialize)]
struct Line {
    item: String,
    count: u32,
}

#[function]
fn order(Json(lines): Json<Vec<Line>>) -> String {
    lines.iter().map(|line| format!("{} {};", line.count, line.item)).collect()
}

#[function]
fn form(Form(line): Form<Line>) -> String {
    format!("{} {}", line.count, line.item)
}

#[allow(clippy::too_many_arguments, reason = "as many as a function may want")]
#[function]
async fn everything(
    Path((shop, id)): Path<(String, u32)>,
    Query(line): Query<Line>,
    headers: Headers,
    cookies: Cookies,
    address: Option<ClientIp>,
    RequestId(request): RequestId,
    deadline: Option<Deadline>,
    Configured(words): Configured<Vec<String>>,
    body: Bytes,
    text: String,
    ctx: FaasContext,
    request_whole: Request,
) -> String {
    let header = headers.get("x-a").unwrap_or_default();
    let cookie = cookies.get("c").unwrap_or_default();
    let size = (headers.iter().count(), cookies.iter().count(), body.len(), text.len());
    let is_post = request_whole.method() == "POST";
    format!(
        "{shop} {id} {} {} {header} {cookie} {} {request} {} {words:?} {size:?} {is_post} {}",
        line.item,
        line.count,
        address.is_some(),
        deadline.is_some(),
        ctx.trigger()
    )
}

#[derive(Deserialize)]
struct Account {
    name: String,
    password: Secret,
}

#[function]
fn account(Configured(account): Configured<Account>, Configured(again): Configured<Account>) -> String {
    format!("{} {:?} {}", account.name, account.password, std::ptr::eq(account, again))
}

#[test]
fn json_that_does_not_fit_is_told_by_field_line_and_column() {
    let app = App::builder().module(order::MODULE).start().expect("it starts");
    let post = |body: &str| app.invoke(Invoke::http("POST", "/").body(body));
    assert_eq!(post(r#"[{"item":"tea","count":2}]"#).text(), "2 tea;");
    for (body, message) in [
        (r#"[{"item":"tea","count":"2"}]"#, "[0].count: invalid type: string \"2\", expected u32 at line 1 column 26"),
        (r#"[{"item":"tea"}]"#, "[0]: missing field `count` at line 1 column 15"),
        ("[{", "EOF while parsing an object at line 1 column 2"),
        ("", "expected JSON, found no bytes"),
    ] {
        let answer = post(body);
        let json = answer.json();
        assert_eq!((answer.code, json["errorMessage"].as_str()), (400, Some(message)), "{body}");
        assert_eq!(json["errorType"], "Runtime.UnmarshalError");
    }
}

#[test]
fn a_body_of_another_type_is_a_415_and_one_that_says_nothing_or_no_request_at_all_is_read() {
    let app = App::builder().module(order::MODULE).start().expect("it starts");
    let post =
        |content_type: &str| app.invoke(Invoke::http("POST", "/").header("Content-Type", content_type).body("[]")).code;
    assert_eq!([post("application/json"), post("application/x+json; charset=utf-8")], [1, 1]);
    assert_eq!([post("text/plain"), post("application/x-www-form-urlencoded"), post("")], [415, 415, 415]);
    assert_eq!(app.invoke(Invoke::http("POST", "/").body("[]")).code, 1);
    assert_eq!(app.invoke(Invoke::event("[]")).code, 1);
    let app = App::builder().module(form::MODULE).start().expect("it starts");
    let post = Invoke::http("POST", "/").header("Content-Type", "application/json").body("{}");
    assert_eq!(app.invoke(post).code, 415);
}

#[test]
fn a_form_is_the_query_of_a_get_and_the_body_of_a_post() {
    let app = App::builder().module(form::MODULE).start().expect("it starts");
    assert_eq!(app.invoke(Invoke::http("GET", "/?count=2&item=green+tea")).text(), "2 green tea");
    let post = |body: &[u8]| app.invoke(Invoke::http("POST", "/?count=9").body(body));
    assert_eq!(post(b"item=black+tea%21&count=3").text(), "3 black tea!");
    for (body, message) in [
        (&b"item=tea"[..], "form field `count`: it is missing"),
        (b"item=tea&count=-1", "form field `count`: expected u32, found \"-1\""),
        (b"item=tea&count=1&item=x", "form field `item`: expected one value, found 2"),
        (b"", "form field `item`: it is missing"),
        (b"\xff", "expected a UTF-8 form, found invalid utf-8 sequence of 1 bytes from index 0"),
    ] {
        let answer = post(body);
        assert_eq!((answer.code, answer.json()["errorMessage"].as_str()), (400, Some(message)));
    }
}

#[test]
fn a_function_may_take_twelve_arguments() {
    let app = App::builder().configured(everything::MODULE, r#"["a"]"#).start().expect("it starts");
    let post = Invoke::http("POST", "/?item=tea&count=2").path_param("shop", "x").path_param("id", "7");
    let answer = app.invoke(post.header("X-A", "b").header("Cookie", "c=d").body("four"));
    assert_eq!(answer.text(), r#"x 7 tea 2 b d false test-request false ["a"] (2, 1, 4, 4) true http"#);
}

#[test]
fn a_configuration_is_read_once_and_its_secrets_are_not_shown() {
    let app =
        App::builder().configured(account::MODULE, r#"{"name":"ann","password":"x"}"#).start().expect("it starts");
    assert_eq!(app.invoke(Invoke::event("")).text(), "ann Secret(…) true");
    let app = App::builder().configured(account::MODULE, r#"{"name":1}"#).start().expect("it starts");
    let failed = app.invoke(Invoke::event("")).failed.expect("it does not fit");
    assert_eq!(failed.kind, "Runtime.ConfigError");
    assert!(failed.message.contains("\"account\": name: invalid type: integer `1`"), "{}", failed.message);
}
