//! Log lines of modules: from any thread, with fields of two kinds, out of release and drop functions.

use crate::calls::{assert_says, c_module};
use integration::artifacts::Runtime;
use integration::both;
use integration::on_http::OnHttp;

both!(
    a_thread_beside_a_writer_logs_with_the_request_id,
    a_field_that_is_json_is_a_value_in_a_line_of_json,
    what_is_released_or_dropped_may_log,
    parts_of_a_stream_that_are_released_may_log,
);

fn a_thread_beside_a_writer_logs_with_the_request_id(runtime: &Runtime) {
    let run = OnHttp::start(runtime, c_module("talker").env("FAAS_LOG_FORMAT", "text"), "talker.beside");
    let reply = run.call("GET", "/", "X-Request-Id: one-of-mine\r\n", b"");
    assert_eq!((reply.status, reply.text().as_str()), (200, "said"), "{}", run.process.output());
    assert!(run.stop().success());
    let output = run.process.output();
    let lines: Vec<&str> = output.lines().filter(|line| line.contains("beside a writer")).collect();
    assert_eq!(lines.len(), 1000);
    assert!(lines.iter().all(|line| line.contains(" INFO one-of-mine function beside: ")), "{}", lines[0]);
}

fn a_field_that_is_json_is_a_value_in_a_line_of_json(runtime: &Runtime) {
    let run = OnHttp::start(runtime, c_module("talker").env("FAAS_LOG_FORMAT", "json"), "talker.fields");
    assert_eq!(run.get("/").status, 200);
    assert_says(
        &run,
        r#""message":"with fields","text":"3","number":3,"object":{"a": [1]},"broken":"{\"a\":","later":"{}"}"#,
    );
    let run = OnHttp::start(runtime, c_module("talker").env("FAAS_LOG_FORMAT", "text"), "talker.fields");
    assert_eq!(run.get("/").status, 200);
    assert_says(&run, r#"with fields text=3 number=3 object={"a":\n[1]} broken={"a": later={}"#);
}

fn what_is_released_or_dropped_may_log(runtime: &Runtime) {
    let run = OnHttp::start(runtime, c_module("talker"), "talker.drops");
    for _ in 0..3 {
        assert_eq!(run.get("/").text(), "second");
    }
    assert!(run.stop().success());
    let output = run.process.output();
    for line in ["the first reply is released", "the second reply is released", "the slot is dropped"] {
        assert_eq!(output.matches(line).count(), 3, "{line}: {output}");
    }
}

fn parts_of_a_stream_that_are_released_may_log(runtime: &Runtime) {
    let run = OnHttp::start(runtime, c_module("talker"), "talker.pours");
    for _ in 0..3 {
        let reply = run.get("/");
        assert_eq!((reply.status, reply.body.len()), (200, 3 * (64 << 10)));
    }
    assert!(run.stop().success());
    let output = run.process.output();
    assert_eq!(output.matches("a part of the stream is released").count(), 9, "{output}");
}
