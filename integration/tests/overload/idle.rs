//! Connections that wait cost no time, and those of HTTP/2 do not wait for ever.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::kernel;
use integration::on_http::OnHttp;
use platform_emulators::h2c;
use std::time::Duration;

integration::both![half_open_connections_cost_no_time, an_idle_connection_of_http_2_is_told_to_go];

fn half_open_connections_cost_no_time(runtime: &Runtime) {
    kernel::allow_open_files(4096);
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", "1h");
    let run = OnHttp::start(runtime, deployment, "echo");
    let mut clients: Vec<_> = (0..1000).map(|_| run.client()).collect();
    for client in &mut clients {
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").expect("it is open");
    }
    // All bytes that were sent have been read, and the work they started has ended.
    assert_eq!(run.get("/livez").status, 200);
    assert!(run.process.wait(Duration::from_millis(500)).is_err(), "it runs");
    let before = kernel::ticks(&run.process);
    assert!(run.process.wait(Duration::from_secs(1)).is_err(), "it runs");
    let spent = kernel::ticks(&run.process) - before;
    assert!(spent <= 3, "{spent} ticks of 10 ms in an idle second");
    clients[0].send(b" done.").expect("it is open");
    assert_eq!(clients[0].read().expect("an answer").body, b"half done.");
}

fn an_idle_connection_of_http_2_is_told_to_go(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo").env("FAAS_READ_TIMEOUT", "500ms"), "echo");
    let mut stream = run.connect();
    let answer = h2c::head(&mut stream, "/livez", "x");
    assert_eq!(answer.is_ok(), runtime.speaks_http2(), "{answer:?}");
    if runtime.speaks_http2() {
        assert_eq!(h2c::farewell(&mut stream).expect("it is told, and the connection ends"), 0);
    }
}
