//! Bodies in pieces, of any size in little memory: `count` adds one up, `mirror` sends one back while it comes, `first`
//! takes a part and leaves the rest, `ignore` waits and takes nothing.
#![forbid(unsafe_code)]

use handlers_sdk::{AsyncSink, BodyReader, BodyStream, Error, FaasContext, Reply, function};
use std::io::Read;

/// A checksum that is FNV-1a of 64 bits, added up part by part.
struct Checksum(u64);

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    }
}

/// Counts the bytes of the body and adds them up, on its thread: `5 bytes, a430d84680aabd0b`.
#[function(blocking)]
pub fn count(ctx: FaasContext, mut body: BodyReader) -> Result<Reply, Error> {
    let (mut bytes, mut sum, mut part) = (0, Checksum(0xcbf2_9ce4_8422_2325), vec![0; 32 << 10]);
    loop {
        match body.read(&mut part) {
            Ok(0) => return Ok(Reply::value(format!("\"{bytes} bytes, {:016x}\"", sum.0))),
            Ok(read) => {
                bytes += read;
                sum.add(&part[..read]);
            }
            Err(error) => {
                ctx.warn(format_args!("the body ended after {bytes} bytes: {error}"));
                return Err(error.into());
            }
        }
    }
}

/// Sends back the body while it comes.
#[function(stream)]
pub async fn mirror(mut body: BodyStream, mut reply: AsyncSink) -> Result<(), Error> {
    reply.header("content-type", "application/octet-stream")?.begin()?;
    while let Some(part) = body.next().await {
        reply.write(&part?).await?;
    }
    Ok(())
}

/// Counts the bytes of the body as they come: `"5 bytes"`.
#[function]
pub async fn count_async(mut body: BodyStream) -> Result<String, Error> {
    let mut bytes = 0;
    while let Some(part) = body.next().await {
        bytes += part?.len();
    }
    Ok(format!("{bytes} bytes"))
}

/// Takes the first part, and answers without the rest.
#[function]
pub async fn first(mut body: BodyStream) -> Result<String, Error> {
    let part = body.next().await.transpose()?;
    Ok(if part.is_some() { "there is one" } else { "there is none" }.to_owned())
}

/// Says that it has begun, takes nothing of the body, and waits until it is cancelled.
#[function]
pub async fn ignore(ctx: FaasContext, body: BodyStream) -> Result<String, Error> {
    ctx.info(format_args!("begun"));
    std::future::pending::<()>().await;
    drop(body);
    Ok("never".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{count, count_async, first, mirror};
    use handlers_sdk::abi::{E_CANCELLED, E_TOO_BIG};
    use handlers_sdk::testing::Invoke;

    fn post() -> Invoke {
        Invoke::http("POST", "/")
    }

    #[test]
    fn a_body_is_counted_whole_and_in_parts() {
        for (invoke, expected) in [
            (post().body("hello"), "\"5 bytes, a430d84680aabd0b\""),
            (post().body_in_parts(["he", "l", "lo"]), "\"5 bytes, a430d84680aabd0b\""),
            (post(), "\"0 bytes, cbf29ce484222325\""),
        ] {
            assert_eq!(invoke.run(count::MODULE).text(), expected);
        }
        assert_eq!(post().body_in_parts(["he", "llo"]).run(count_async::MODULE).text(), "5 bytes");
    }

    #[test]
    fn what_comes_is_sent_back_in_the_parts_it_came_in() {
        let answer = post().body_in_parts(["one", "two"]).slow_peer().run(mirror::MODULE);
        assert_eq!(answer.chunks, Some(vec![b"one".to_vec(), b"two".to_vec()]));
    }

    #[test]
    fn a_body_without_an_end_is_told_by_what_became_of_it() {
        let answer = post().body_in_parts(["he"]).body_ends_with(E_TOO_BIG).run(count_async::MODULE);
        assert_eq!(answer.status(), 413);
        let answer = post().body_in_parts(["he"]).body_ends_with(E_CANCELLED).run(count_async::MODULE);
        assert_eq!(answer.failed.expect("the client is gone").kind, "StreamError");
        assert_eq!(post().body_in_parts(["one", "two"]).run(first::MODULE).text(), "there is one");
    }
}
