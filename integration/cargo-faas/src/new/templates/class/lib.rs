//! A class: several functions around one instance, which a provider's value is given to.

use handlers_sdk::{Inject, Json, Path, functions, provider};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The source of the numbers of notes. A database would be provided in the same way.
struct Numbers(u64);

#[provider]
fn numbers() -> Numbers {
    Numbers(1)
}

#[derive(Clone, Serialize)]
struct Note {
    id: u64,
    text: String,
}

#[derive(Deserialize)]
struct Draft {
    text: String,
}

/// The notes of this process.
struct Notes {
    first: u64,
    all: Mutex<Vec<Note>>,
}

impl Notes {
    fn all(&self) -> MutexGuard<'_, Vec<Note>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[functions]
impl Notes {
    #[init]
    async fn new(numbers: Inject<Numbers>) -> Self {
        Notes { first: numbers.0, all: Mutex::default() }
    }

    #[http(get, "/notes")]
    async fn list(&self) -> Json<Vec<Note>> {
        Json(self.all().clone())
    }

    #[http(get, "/notes/{id}")]
    async fn note(&self, Path(id): Path<u64>) -> Option<Json<Note>> {
        self.all().iter().find(|note| note.id == id).cloned().map(Json)
    }

    #[http(post, "/notes")]
    async fn write(&self, Json(draft): Json<Draft>) -> (u16, Json<Note>) {
        let mut all = self.all();
        let note = Note { id: self.first + all.len() as u64, text: draft.text };
        all.push(note.clone());
        (201, Json(note))
    }

    #[timer(every = "1h")]
    fn forget(&self) {
        self.all().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Notes, Numbers};
    use handlers_sdk::testing::{App, Invoke};

    #[test]
    fn a_note_is_kept_until_the_timer_forgets_it() {
        // The test gives the value that a provider would make.
        let app = App::builder().module(Notes::MODULE).provide(Numbers(7)).start().expect("it starts");
        let draft = Invoke::http("POST", "/notes").body(r#"{"text":"tea"}"#).function("write");
        assert_eq!(app.invoke(draft).status(), 201);
        let note = || Invoke::http("GET", "/notes/7").path_param("id", "7").function("note");
        assert_eq!(app.invoke(note()).json()["text"], "tea");
        app.invoke(Invoke::event("").function("forget"));
        assert_eq!(app.invoke(note()).status(), 404);
        app.close();
    }
}
