//! What functions ask for in their arguments, through their real tables.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Error, FaasContext, FromInvocation, FromInvocationAsync, Json, Request, function};
use std::future::poll_fn;
use std::task::Poll;

/// A header, found at once.
struct Tenant(String);

impl FromInvocation for Tenant {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let name = ctx.http().and_then(|request| request.header("x-tenant"));
        let name = name.ok_or_else(|| Error::absent("Tenant.Missing", "expected a header X-Tenant"))?;
        Ok(Tenant(name.to_owned()))
    }
}

/// A user, found after a wait.
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
