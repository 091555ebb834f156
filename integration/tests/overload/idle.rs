//! Connections that wait cost no time.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::kernel;
use integration::on_http::OnHttp;
use std::time::Duration;

integration::both![half_open_connections_cost_no_time];

fn half_open_connections_cost_no_time(runtime: &Runtime) {
    kernel::allow_open_files(4096);
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", "1h");
    let run = OnHttp::start(runtime, deployment, "echo");
    let mut clients: Vec<_> = (0..1000).map(|_| run.client()).collect();
    for client in &mut clients {
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").expect("it is open");
    }
    // All that was sent has been read, and whatever that started has ended.
    assert_eq!(run.get("/livez").status, 200);
    assert!(run.process.wait(Duration::from_millis(500)).is_err(), "it runs");
    let before = kernel::ticks(&run.process);
    assert!(run.process.wait(Duration::from_secs(1)).is_err(), "it runs");
    let spent = kernel::ticks(&run.process) - before;
    assert!(spent <= 3, "{spent} ticks of 10 ms in an idle second");
    clients[0].send(b" done.").expect("it is open");
    assert_eq!(clients[0].read().expect("an answer").body, b"half done.");
}
