//! What a client reports, for a test to wait for, and configs with waits of milliseconds.

use core::time::Duration;

use redial::websocket::{Close, Connect, Failure, Raw, Report, Upgraded, connect};
use redial::{BackoffConfig, Config, Ratio, presets};
use tokio::sync::mpsc;

use crate::server::soon;

/// [`presets::WEBSOCKET`] with waits of milliseconds.
pub(crate) const FAST: Config = fast(presets::WEBSOCKET);

pub(crate) const fn fast(config: Config) -> Config {
    let (first, longest) = (Duration::from_millis(10), Duration::from_millis(50));
    let backoff = BackoffConfig::exponential(first, Ratio::TWO, longest).build_const();
    config.to_builder().backoff(backoff).build_const()
}

/// The same, and no dial may take longer than this.
pub(crate) const fn fast_within(timeout: Duration) -> Config {
    FAST.to_builder().connect_timeout(timeout).build_const()
}

#[derive(Clone, Debug)]
pub(crate) enum Heard {
    Upgraded(Upgraded),
    DialFailed(Failure),
    Closed(Close),
    Lost(Failure),
    Other,
}

impl From<&Report<'_>> for Heard {
    fn from(report: &Report<'_>) -> Self {
        assert!(!report.to_string().contains('\n'), "{report}");
        match *report {
            Report::Upgraded(upgraded) => Self::Upgraded(upgraded.clone()),
            Report::DialFailed(failure) => Self::DialFailed(failure.clone()),
            Report::Closed(close) => Self::Closed(close.clone()),
            Report::Lost(failure) => Self::Lost(failure.clone()),
            _ => Self::Other,
        }
    }
}

pub(crate) type Reports = mpsc::UnboundedReceiver<Heard>;

/// A fast client whose reports are kept.
pub(crate) fn client(url: &str) -> (Connect<Raw>, Reports) {
    let (sender, reports) = mpsc::unbounded_channel();
    let connect = connect(url).config(FAST).on_report(move |_, report| {
        // The test may have seen enough.
        drop(sender.send(report.into()));
    });
    (connect, reports)
}

/// How the first dial failed.
pub(crate) async fn failure(connect: Connect<Raw>, mut reports: Reports) -> Failure {
    let _socket = connect.spawn().unwrap();
    match soon(reports.recv()).await {
        Some(Heard::DialFailed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}
