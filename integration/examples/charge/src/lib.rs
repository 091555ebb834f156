//! Functions whose effect takes place elsewhere and must take place once: an order is charged at a bank. The layer
//! `idempotency` keeps a client that asks twice, and a message that is delivered twice, from being charged twice.
//!
//! The bank is at `BANK`, host and port. It hears one line, `charge <key> <order>`, and what it answers, a line as
//! well, is the receipt. `charge` takes the body of a request or an event, and answers 201 with the receipt. `settle`
//! takes one record of a batch at a time. An answer of `no` is a failure, by which nothing was charged.
#![forbid(unsafe_code)]

use handlers_sdk::{Error, FaasContext, Response, function};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

fn ask_the_bank(ctx: &FaasContext) -> Result<String, Error> {
    let bank = ctx.env("BANK").ok_or_else(|| Error::new("Charge.Config", "expected BANK to be set"))?;
    // The bank may know such keys, too. Then not even a crash between here and there charges twice.
    let key = ctx.extension("idempotency-key").unwrap_or("-");
    let mut stream = TcpStream::connect(bank)?;
    writeln!(stream, "charge {key} {}", String::from_utf8_lossy(ctx.body()))?;
    let mut receipt = String::new();
    BufReader::new(stream).read_line(&mut receipt)?;
    match receipt.trim_end() {
        "" | "no" => Err(Error::new("Charge.Refused", "the bank refuses")),
        receipt => Ok(receipt.to_owned()),
    }
}

/// Charges an order, and answers with the receipt.
///
/// # Errors
/// The bank refuses, or cannot be asked.
#[function(blocking)]
pub fn charge(ctx: FaasContext) -> Result<Response, Error> {
    ask_the_bank(&ctx).map(|receipt| Response::text(receipt).status(201))
}

/// Charges the order of a record.
///
/// # Errors
/// The bank refuses, or cannot be asked.
#[function(record, blocking)]
pub fn settle(ctx: FaasContext) -> Result<(), Error> {
    ask_the_bank(&ctx).map(drop)
}

#[cfg(test)]
mod tests {
    use super::charge;
    use handlers_sdk::testing::{App, Invoke};
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    #[test]
    fn the_receipt_is_what_the_bank_says() {
        let bank = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = bank.local_addr().expect("an address").to_string();
        let heard = std::thread::spawn(move || {
            ["r-1", "no"].map(|answer| {
                let (mut stream, _) = bank.accept().expect("a charge");
                let mut line = String::new();
                BufReader::new(&stream).read_line(&mut line).expect("a line");
                writeln!(stream, "{answer}").expect("it listens");
                line
            })
        });
        let app = App::builder().module(charge::MODULE).config("BANK", &address).start().expect("starts");
        let post = || app.invoke(Invoke::http("POST", "/").body("7"));
        let first = post();
        assert_eq!((first.status(), first.text().as_str()), (201, "r-1"));
        assert_eq!(post().failed.expect("it is refused").kind, "Charge.Refused");
        assert_eq!(heard.join().expect("it has heard"), ["charge - 7\n", "charge - 7\n"]);
    }
}
