use handlers_sdk::{Query, function};

struct Search;

#[function]
async fn search(Query(search): Query<Search>) -> String {
    String::new()
}

fn main() {}
