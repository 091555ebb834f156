//! Path parameters and a query: `GET /shops/{shop}/items/{id}?tag=a&tag=b&page=2`.

use handlers_sdk::{Json, Path, Query, function};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
pub struct Filter {
    #[serde(default)]
    tag: Vec<String>,
    page: Option<u32>,
}

#[derive(Serialize)]
pub struct Found {
    shop: String,
    id: u64,
    filter: Filter,
}

#[function]
pub fn item(Path((shop, id)): Path<(String, u64)>, Query(filter): Query<Filter>) -> Option<Json<Found>> {
    (id < 1000).then_some(Json(Found { shop, id, filter }))
}
