//! Yandex Cloud Functions over both binaries.

#[path = "yandex/mod.rs"]
mod yandex;
