//! Issue 15, item 2: what users have in hand becomes a cause, and what the server asked to wait for. The errors are those of real
//! sockets, handshakes and servers; what no server says on demand is written as its documentation has it. A real Redis and a real
//! MQTT broker: `examples/beside/tests`.

mod codes;
#[cfg(feature = "http")]
mod headers;
mod lookups;
#[cfg(feature = "redis")]
mod redis;
mod sockets;
#[cfg(all(feature = "tokio", feature = "tungstenite"))]
mod supervised;
// With the cryptography that this feature brings.
#[cfg(feature = "websocket")]
mod tls;
#[cfg(feature = "tungstenite")]
mod upgrades;

use std::env;
use std::ffi::OsStr;
use std::process::Command;

/// Whether this is the process that [`again`] has started.
fn is_child() -> bool {
    env::var_os("REDIAL_CAUSES_CHILD").is_some()
}

/// Runs this one test again, in a process that `before` starts in another environment.
fn again(before: &[&str], test: &str) {
    let words = before.iter().map(OsStr::new);
    let exe = env::current_exe().unwrap();
    let arguments = ["--exact", test, "--nocapture", "--test-threads=1"].map(OsStr::new);
    let mut words = words.chain([exe.as_os_str()]).chain(arguments);
    let mut command = Command::new(words.next().unwrap());
    let output = command.args(words).env("REDIAL_CAUSES_CHILD", "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{output:?}");
}
