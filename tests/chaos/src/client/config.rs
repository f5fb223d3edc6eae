//! The policy of the clients: waits that are short, so that an outage takes a second and not a minute.

use core::time::Duration;

use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::RestoreConfig;
use redial::{BackoffConfig, Config, Jitter, Ratio};

/// The first wait, of which the jitter leaves at least the half.
pub(crate) const FIRST: Duration = Duration::from_millis(60);
/// The longest wait.
pub(crate) const CAP: Duration = Duration::from_millis(500);
/// A connection that has lived for so long starts the backoff over.
pub(crate) const STABLE: Duration = Duration::from_millis(300);

const HALF_TO_ALL: Jitter = Jitter::Window(Ratio::new_const(1, 2), Ratio::ONE);

/// Also for the servers whose protocol says when a session is there.
pub(crate) const CONFIG: Config =
    Config::new(BackoffConfig::exponential(FIRST, Ratio::TWO, CAP).jitter(HALF_TO_ALL).build_const())
        .connect_timeout(Duration::from_millis(600))
        .ready_timeout(Some(Duration::from_millis(800)))
        .reset_after_stable(STABLE)
        .heartbeat(
            HeartbeatConfig::new()
                .interval(Duration::from_millis(250))
                .liveness(Liveness::AnyTraffic)
                .answer_within(Some(Duration::from_millis(400)))
                .build_const(),
        )
        .restore(
            RestoreConfig::new()
                .batches(5, Duration::from_millis(2))
                .confirm_timeout(Some(Duration::from_millis(800)))
                .build_const(),
        )
        .build_const();
