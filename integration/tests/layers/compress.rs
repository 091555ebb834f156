//! `layer-compress` through each platform's front, unpacked by the gzip that others wrote.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use std::io::Write;
use std::process::{Command, Stdio};

integration::both![a_reply_is_smaller_and_the_same, a_reply_in_pieces_is_packed_on_its_way];

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut gzip =
        Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip is there");
    // A pipe holds as much as is written here.
    gzip.stdin.take().expect("it is piped").write_all(packed).expect("gzip reads");
    let output = gzip.wait_with_output().expect("it ends");
    assert!(output.status.success(), "it is no gzip");
    output.stdout
}

fn a_reply_is_smaller_and_the_same(runtime: &Runtime) {
    for platform in ALL {
        let front = Front::start(platform, runtime, Deployment::of("faulty").layer("compress"), "faulty");
        let plain = front.get("/?do=reply&bytes=5000", &[]);
        assert_eq!(
            (plain.body.len(), plain.header("vary")),
            (5000, (platform != Platform::Azure).then_some("Accept-Encoding")),
            "{platform:?}"
        );
        let packed = front.get("/?do=reply&bytes=5000", &[("Accept-Encoding", "br;q=0.1, gzip")]);
        if platform == Platform::Azure {
            // No bytes get through in the host's envelope.
            assert_eq!((packed.header("content-encoding"), &packed.body), (None, &plain.body));
            continue;
        }
        assert_eq!((packed.status, packed.header("content-encoding")), (200, Some("gzip")), "{platform:?}");
        assert!(packed.body.len() < 1000, "{platform:?}: {}", packed.body.len());
        assert_eq!(unpacked(&packed.body), plain.body, "{platform:?}");
        assert_eq!(packed.header("content-type"), plain.header("content-type"));
        let refused = front.get("/?do=reply&bytes=5000", &[("Accept-Encoding", "gzip;q=0, *;q=0")]);
        assert_eq!((refused.body.len(), refused.header("content-encoding")), (5000, None), "{platform:?}");
        let head = front.call("HEAD", "/?do=reply&bytes=5000", &[("Accept-Encoding", "gzip")], b"");
        assert_eq!((head.status, head.header("content-encoding")), (200, None), "{platform:?}");
        let failed = front.get("/?do=error&status=409", &[("Accept-Encoding", "gzip")]);
        assert_eq!((failed.status, failed.header("content-encoding")), (409, None), "{platform:?}");
    }
}

fn a_reply_in_pieces_is_packed_on_its_way(runtime: &Runtime) {
    const TARGET: &str = "/?chunks=3&bytes=2000";
    for platform in ALL {
        let front = Front::start(platform, runtime, Deployment::of("stream").layer("compress"), "stream");
        let plain = front.get(TARGET, &[]);
        assert_eq!((plain.body.len(), plain.header("content-encoding")), (6000, None), "{platform:?}");
        let packed = front.get(TARGET, &[("Accept-Encoding", "gzip")]);
        if platform == Platform::Azure {
            // There the pieces are collected, and no bytes get through.
            assert_eq!((packed.header("content-encoding"), &packed.body), (None, &plain.body));
            continue;
        }
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{platform:?}");
        assert_eq!(packed.header("vary"), Some("Accept-Encoding"), "{platform:?}");
        assert!(packed.body.len() < 300, "{platform:?}: {}", packed.body.len());
        assert_eq!(unpacked(&packed.body), plain.body, "{platform:?}");
    }
}
