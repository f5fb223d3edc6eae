//! `retry`, run as a user runs it.

use std::process::Command;

#[test]
fn it_heeds_the_server_and_stops_where_it_makes_no_sense() {
    let output = Command::new(env!("CARGO_BIN_EXE_retry")).output().expect("the example runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("busy, retry after None: again in "), "{text}");
    assert_eq!(
        lines[1], "busy, retry after Some(90ms): again in 90ms",
        "longer than any wait of the backoff"
    );
    assert_eq!(lines[2..], ["async: Ok(42) after 3 calls", "blocking: Err(Forbidden) after 4 calls"]);
}
