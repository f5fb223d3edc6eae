//! The clock, and waits that are bounded.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that must come, on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "real servers take real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "real servers take real time")]
pub(crate) fn pause(span: Duration) {
    thread::sleep(span);
}

/// Asks again and again until the answer is `Ok`; the last `Err` where it never is.
pub(crate) fn eventually<T>(
    patience: Duration,
    mut ask: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let start = now();
    loop {
        match ask() {
            Err(last) if start.elapsed() >= patience => {
                return Err(format!("{last}, {} s later", start.elapsed().as_secs()));
            }
            Err(_) => pause(Duration::from_millis(10)),
            answer => return answer,
        }
    }
}
