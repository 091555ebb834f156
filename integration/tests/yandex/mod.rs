//! The row of Yandex Cloud Functions in the matrix, and the statements of `docs/conformance/yandex.md`.

mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;

integration::statements!("docs/conformance/yandex.md", 1..=8);
