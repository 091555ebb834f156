//! An axum application, mounted whole: its router serves every request of every platform.

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use handlers_sdk::function;
use serde::Serialize;

/// Makes the application. It is called once, when the function starts.
#[function(service)]
pub async fn app() -> Router {
    Router::new().route("/", get(async || "hello")).route("/items/{id}", get(item))
}

#[derive(Serialize)]
struct Item {
    id: u32,
    name: &'static str,
}

async fn item(Path(id): Path<u32>) -> Json<Item> {
    Json(Item { id, name: "tea" })
}

#[cfg(test)]
mod tests {
    use super::app;
    use handlers_sdk::testing::{App, Invoke};

    #[test]
    fn its_routes_answer() {
        let app = App::builder().module(app::MODULE).start().expect("it starts");
        assert_eq!(app.invoke(Invoke::http("GET", "/")).text(), "hello");
        assert_eq!(app.invoke(Invoke::http("GET", "/items/7")).json()["id"], 7);
        assert_eq!(app.invoke(Invoke::http("GET", "/nowhere")).status(), 404);
        app.close();
    }
}
