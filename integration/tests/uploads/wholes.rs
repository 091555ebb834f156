//! A function in C that reads by the contract alone: it has the same answer for a body in whole and for one in pieces.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use platform_emulators::aws_lambda::Options;

integration::both![
    a_whole_body_is_read_as_one_part_and_its_end,
    a_streamed_body_is_read_as_it_comes,
    an_event_is_read_as_one_part_whatever_the_function_wants,
];

const HELLO: &str = "refused=-1 bytes=5 sum=532 end=0";

fn a_whole_body_is_read_as_one_part_and_its_end(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("reader"), "reader.whole");
    assert_eq!(run.call("POST", "/", "", b"hello").text(), format!("streamed=0 body=5 {HELLO}"));
    assert_eq!(run.get("/").text(), "streamed=0 body=0 refused=-1 bytes=0 sum=0 end=0");
}

fn a_streamed_body_is_read_as_it_comes(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("reader"), "reader.streamed");
    assert_eq!(run.call("POST", "/", "", b"hello").text(), format!("streamed=1 body=0 {HELLO}"));
    let mut client = run.client();
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").expect("it is open");
    for chunk in ["2\r\nhe\r\n", "2\r\nll\r\n", "1\r\no\r\n", "0\r\n\r\n"] {
        client.send(chunk.as_bytes()).expect("it is open");
        assert_eq!(run.get("/").text(), "streamed=0 body=0 refused=-1 bytes=0 sum=0 end=0");
    }
    assert_eq!(client.read().expect("an answer").text(), format!("streamed=1 body=0 {HELLO}"));
}

fn an_event_is_read_as_one_part_whatever_the_function_wants(runtime: &Runtime) {
    for function in ["whole", "streamed"] {
        let deployment = Deployment::of("reader");
        let run = OnAws::launch(runtime, deployment, &format!("reader.{function}"), Options::default()).polling();
        let answer = run.call("hello");
        assert_eq!(answer.text(), format!("streamed=0 body=5 {HELLO}"), "{function}");
        run.assert_clean();
    }
}
