//! A recorder's app: the cases that its hand-written loops met.

use redial::Instant;
use redial_migration::omi::after::{Capture, DEVICE_READY, Order, SIGNED_IN};

/// The host: a clock, and the one timer.
struct App {
    capture: Capture,
    now: Instant,
}

impl App {
    fn start(seed: u64) -> Self {
        let mut app = Self { capture: Capture::new(seed), now: Instant::ZERO };
        assert_eq!(app.capture.start(app.now), [Order::Dial { epoch: 1 }]);
        app
    }

    /// Lets the timer fire.
    fn wait(&mut self) -> Vec<Order> {
        self.now = self.capture.timer().expect("a timer runs");
        self.capture.tick(self.now)
    }

    /// Opens this connection and closes it with this code; the order that follows and how long it took, in milliseconds.
    fn opened_and_closed(&mut self, epoch: u32, code: Option<u16>) -> (Vec<Order>, u64) {
        assert_eq!(self.capture.opened(self.now, epoch), []);
        let at = self.now;
        let orders = self.capture.closed(self.now, epoch, code);
        let orders = if orders.is_empty() { self.wait() } else { orders };
        (orders, self.now.as_millis() - at.as_millis())
    }
}

#[test]
fn a_precondition_that_is_missing_ends_no_chain() {
    let mut app = App::start(1);
    assert_eq!(app.capture.closed(app.now, 1, None), []);
    assert_eq!(app.capture.precondition(app.now, SIGNED_IN, false), []);
    assert_eq!(app.capture.precondition(app.now, DEVICE_READY, false), []);
    if app.capture.timer().is_some() {
        assert_eq!(app.wait(), []);
    }
    assert_eq!(app.capture.precondition(app.now, SIGNED_IN, true), []);
    let mut orders = app.capture.precondition(app.now, DEVICE_READY, true);
    if orders.is_empty() {
        orders = app.wait();
    }
    assert_eq!(orders, [Order::Dial { epoch: 2 }]);
}

#[test]
fn an_error_and_the_close_that_follows_are_one_loss() {
    let mut app = App::start(2);
    assert_eq!(app.capture.opened(app.now, 1), []);
    assert_eq!(app.capture.closed(app.now, 1, None), []);
    let timer = app.capture.timer();
    assert_eq!(app.capture.closed(app.now, 1, Some(1006)), []);
    assert_eq!(app.capture.timer(), timer);
}

#[test]
fn close_codes_mean_what_the_server_says() {
    let (orders, wait) = App::start(3).opened_and_closed(1, Some(1012));
    assert!(orders == [Order::Dial { epoch: 2 }] && (5_000..=15_000).contains(&wait), "{wait} ms");
    let (orders, wait) = App::start(4).opened_and_closed(1, Some(1013));
    assert!(orders == [Order::Dial { epoch: 2 }] && (30_000..=120_000).contains(&wait), "{wait} ms");
    assert_eq!(App::start(5).opened_and_closed(1, Some(4002)).0, [Order::StopRecording]);
    assert_eq!(App::start(6).opened_and_closed(1, Some(4004)).0, [Order::StopRecording]);
    let mut app = App::start(7);
    let (orders, _) = app.opened_and_closed(1, Some(4001));
    let [Order::RefreshToken { request }] = orders[..] else { panic!("{orders:?}") };
    let mut orders = app.capture.token_refreshed(app.now, request);
    if orders.is_empty() {
        orders = app.wait();
    }
    assert_eq!(orders, [Order::Dial { epoch: 2 }]);
}

#[test]
fn a_day_of_failures_neither_ends_nor_exceeds_the_cap() {
    let mut app = App::start(8);
    let mut epoch = 1;
    while app.now < Instant::from_millis(86_400_000) {
        assert_eq!(app.capture.dial_failed(app.now, epoch, Some(502)), []);
        let at = app.now;
        assert_eq!(app.wait(), [Order::Dial { epoch: epoch + 1 }]);
        assert!(app.now.as_millis() - at.as_millis() <= 120_000);
        epoch += 1;
    }
    assert!(epoch > 1_024, "{epoch}");
}
