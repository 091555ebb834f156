//! A pool of connections that every invocation of the process shares: `GET /users/{id}`.

use handlers_sdk::{Error, Inject, Json, Path, function, provider};
use tokio::sync::Semaphore;

pub struct Pool(Semaphore);

impl Pool {
    async fn name_of(&self, id: u64) -> Result<Option<String>, tokio::sync::AcquireError> {
        let _connection = self.0.acquire().await?;
        Ok((id < 100).then(|| format!("user {id}")))
    }
}

#[provider]
async fn pool() -> Result<Pool, Error> {
    Ok(Pool(Semaphore::new(4)))
}

#[function]
pub async fn user(pool: Inject<Pool>, Path(id): Path<u64>) -> Result<Option<Json<String>>, Error> {
    Ok(pool.name_of(id).await?.map(Json))
}
