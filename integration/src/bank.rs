//! The bank of the function `charge`: it notes each charge, which is an effect outside of any process under test, and
//! answers at once or when the test says so.

use crate::wait::limit;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// A bank on a port of its own.
#[derive(Debug)]
pub struct Bank {
    address: SocketAddr,
    books: Arc<Books>,
}

#[derive(Debug, Default)]
struct Books {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The key and the order of each charge, in the order in which they came.
    charges: Vec<(String, String)>,
    holds: bool,
}

impl Books {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with it")
    }
}

/// Hears one charge, and answers it: `no` to an order that begins with `bad`.
fn serve(mut stream: TcpStream, books: &Books) {
    let mut line = String::new();
    if BufReader::new(&stream).read_line(&mut line).is_err() {
        return;
    }
    let Some((key, order)) = line.trim_end().strip_prefix("charge ").and_then(|rest| rest.split_once(' ')) else {
        return;
    };
    let number = {
        let mut state = books.state();
        state.charges.push((key.to_owned(), order.to_owned()));
        state.charges.len()
    };
    books.changed.notify_all();
    let held = books.changed.wait_while(books.state(), |state| state.holds);
    drop(held.expect("no test panics with it"));
    let answer = if order.starts_with("bad") { "no".to_owned() } else { format!("receipt {number}") };
    // The caller may be dead.
    let _ = writeln!(stream, "{answer}");
}

impl Bank {
    /// Opens the bank on a port of its own.
    ///
    /// # Panics
    /// There is no port.
    pub fn open() -> Bank {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let books = Arc::<Books>::default();
        let own = books.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let books = own.clone();
                std::thread::spawn(move || serve(stream, &books));
            }
        });
        Bank { address, books }
    }

    /// Returns the address that the function finds it by.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Holds all charges from now on, or answers them.
    ///
    /// # Panics
    /// Another user of the lock has panicked.
    pub fn hold(&self, holds: bool) {
        self.books.state().holds = holds;
        self.books.changed.notify_all();
    }

    /// Returns how often an order was charged.
    ///
    /// # Panics
    /// Another user of the lock has panicked.
    pub fn charged(&self, order: &str) -> usize {
        self.books.state().charges.iter().filter(|(_, other)| other == order).count()
    }

    /// Waits until an order has been charged `count` times.
    ///
    /// # Panics
    /// The order is not charged so often in time.
    pub fn wait_for(&self, order: &str, count: usize) {
        let few = |state: &mut State| state.charges.iter().filter(|(_, other)| other == order).count() < count;
        let (state, late) =
            self.books.changed.wait_timeout_while(self.books.state(), limit(), few).expect("no test panics with it");
        assert!(!late.timed_out(), "expected {count} charges of {order}, found {:?}", state.charges);
    }
}
