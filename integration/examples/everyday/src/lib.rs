//! Eight functions of everyday life, one a file. `docs/everyday.md` shows each beside its like for axum and
//! `lambda_http`.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "each file is a function, and says what it does")]

pub mod authenticated;
pub mod form;
pub mod json;
pub mod path_and_query;
pub mod pool;
pub mod queue;
pub mod stream;
pub mod timer;

#[cfg(test)]
mod tests {
    /// Lists files with their texts.
    macro_rules! shown {
        ($($file:literal)*) => {
            [$(($file, include_str!($file))),*]
        };
    }

    #[test]
    fn the_page_shows_each_file_as_it_is_and_none_has_25_lines() {
        let page = include_str!("../../../../docs/everyday.md");
        let files = shown!("json.rs" "path_and_query.rs" "form.rs" "stream.rs" "queue.rs" "timer.rs" "authenticated.rs" "pool.rs");
        for (name, text) in files {
            let (_, code) = text.split_once("\n\n").expect("a line about the file, an empty line, the code");
            assert!(page.contains(&format!("```rust\n{code}```")), "docs/everyday.md does not show {name} as it is");
            assert!(text.lines().count() < 25, "{name}");
        }
    }
}
