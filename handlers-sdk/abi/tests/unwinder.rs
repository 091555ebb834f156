//! The unwinder that `build.rs` links: panics are caught, frames are cleaned up and named, and a library in C++ beside
//! it keeps its own.

mod common;

use common::compiler;
use std::backtrace::Backtrace;
use std::ffi::{CString, c_char, c_int, c_void};
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the frames that were dropped on the way.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

extern "C-unwind" fn deeper(depth: usize, dropped: &AtomicUsize) {
    let _counted = Counted(dropped);
    let next: extern "C-unwind" fn(usize, &AtomicUsize) = black_box(deeper);
    match depth {
        0 => panic!("the deepest"),
        _ => next(depth - 1, dropped),
    }
}

/// Panics below eleven frames and catches it. Returns how many of them were cleaned up.
fn cleaned_up() -> usize {
    let dropped = AtomicUsize::new(0);
    let caught = catch_unwind(|| deeper(10, &dropped)).expect_err("it panics");
    assert_eq!(caught.downcast_ref(), Some(&"the deepest"));
    dropped.into_inner()
}

#[test]
fn a_panic_is_caught_and_every_frame_of_the_c_abi_that_may_unwind_is_cleaned_up() {
    assert_eq!(cleaned_up(), 11);
}

#[test]
fn panics_of_several_threads_at_once_are_each_caught() {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| (0..100).map(|_| cleaned_up()).sum::<usize>())).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().expect("its panics are caught"), 1100));
    });
}

#[inline(never)]
fn a_frame_with_a_name() -> String {
    black_box(Backtrace::force_capture().to_string())
}

#[test]
fn a_backtrace_names_its_frames() {
    let trace = a_frame_with_a_name();
    assert!(trace.contains("a_frame_with_a_name") && trace.contains("a_backtrace_names_its_frames"), "{trace}");
}

/// The source of a library that throws through a frame with a destructor, and catches.
const THROWS: &str = r#"
#include <stdexcept>
namespace {
int destroyed = 0;
struct Counted { ~Counted() { ++destroyed; } };
void deeper(int depth) {
    Counted counted;
    if (depth == 0) throw std::runtime_error("the deepest");
    deeper(depth - 1);
}
}
extern "C" int throws_and_catches() {
    destroyed = 0;
    try { deeper(10); } catch (const std::exception &) { return destroyed; }
    return -1;
}
"#;

const RTLD_NOW: c_int = 2;

unsafe extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

fn throws_and_catches(library: &Path) -> extern "C" fn() -> c_int {
    let file = CString::new(library.as_os_str().as_bytes()).expect("a path");
    // SAFETY: a zero-terminated path of a library that this test has just made.
    let handle = unsafe { dlopen(file.as_ptr(), RTLD_NOW) };
    assert!(!handle.is_null(), "{}", library.display());
    // SAFETY: a live handle and a zero-terminated name.
    let symbol = unsafe { dlsym(handle, c"throws_and_catches".as_ptr()) };
    assert!(!symbol.is_null());
    // SAFETY: the source above says what the function takes and returns.
    unsafe { std::mem::transmute::<*mut c_void, extern "C" fn() -> c_int>(symbol) }
}

fn is_libgcc_s_loaded() -> bool {
    std::fs::read_to_string("/proc/self/maps").expect("Linux has it").contains("libgcc_s.so")
}

/// There is one test, since the library that it loads stays in the process.
#[test]
fn libgcc_s_comes_with_a_library_in_cpp_alone_and_both_unwinders_do_their_own_work() {
    assert!(!is_libgcc_s_loaded(), "the unwinder is to be linked; is there no libgcc_eh.a beside the compiler?");
    let Some(cpp) = compiler::cpp() else {
        assert!(std::env::var("FAAS_REQUIRE").is_err(), "no C++ compiler: c++, g++, clang++ or the one named in CXX");
        return;
    };
    let library =
        compiler::compile(&cpp, "throws.cpp", THROWS, &["-shared", "-fPIC"]).unwrap_or_else(|why| panic!("{why}"));
    let throws_and_catches = throws_and_catches(&library);
    assert!(is_libgcc_s_loaded(), "C++ throws through it");
    for _ in 0..3 {
        assert_eq!(throws_and_catches(), 11);
        assert_eq!(cleaned_up(), 11);
    }
}
