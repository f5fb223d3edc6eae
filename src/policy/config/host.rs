//! Settings of the host: the network, sleep and the page.

use core::time::Duration;

use super::super::options::{OnNetworkChange, OnNetworkDown, OnVisible, OnWake};
use super::Config;
use crate::builder::Builder;
use crate::time::Micros;

impl Builder<Config> {
    /// What happens when the network goes down, and the time over which the dial after its return is spread. Default
    /// [`OnNetworkDown::Park`] and zero.
    pub const fn network(mut self, on_down: OnNetworkDown, spread: Duration) -> Self {
        self.config.on_network_down = on_down;
        self.config.network_spread = Micros::from_duration(spread);
        self
    }

    /// Whether a dial in progress is restarted when the network returns, since it may have begun on the network that is gone (Ably
    /// RTN20c). Default false.
    pub const fn restart_on_network_up(mut self, on: bool) -> Self {
        self.config.restart_on_network_up = on;
        self
    }

    /// What happens to an open connection when the default route changes, or when the network returns that was down meanwhile.
    /// Default [`OnNetworkChange::Probe`].
    pub const fn on_network_change(mut self, on_change: OnNetworkChange) -> Self {
        self.config.on_network_change = on_change;
        self
    }

    /// What happens to an open connection after a sleep of the host. Default [`OnWake::Redial`].
    pub const fn on_wake(mut self, on_wake: OnWake) -> Self {
        self.config.on_wake = on_wake;
        self
    }

    /// What happens to an open connection when the page becomes visible. Default [`OnVisible::Nothing`].
    pub const fn on_visible(mut self, on_visible: OnVisible) -> Self {
        self.config.on_visible = on_visible;
        self
    }

    /// Whether dials wait until a hidden page is visible again. Default true; it has no effect on a host that never reports
    /// [`Event::Hidden`](crate::Event::Hidden).
    pub const fn defer_while_hidden(mut self, on: bool) -> Self {
        self.config.defer_while_hidden = on;
        self
    }
}

impl Config {
    /// What happens when the network goes down, and the spread after its return.
    #[must_use]
    pub const fn network(&self) -> (OnNetworkDown, Duration) {
        (self.on_network_down, self.network_spread.to_duration())
    }

    /// Whether a dial in progress is restarted when the network returns.
    #[must_use]
    pub const fn restart_on_network_up(&self) -> bool {
        self.restart_on_network_up
    }

    /// What happens to an open connection when the default route changes.
    #[must_use]
    pub const fn on_network_change(&self) -> OnNetworkChange {
        self.on_network_change
    }

    /// What happens to an open connection after a sleep of the host.
    #[must_use]
    pub const fn on_wake(&self) -> OnWake {
        self.on_wake
    }

    /// What happens to an open connection when the page becomes visible.
    #[must_use]
    pub const fn on_visible(&self) -> OnVisible {
        self.on_visible
    }

    /// Whether dials wait until a hidden page is visible again.
    #[must_use]
    pub const fn defer_while_hidden(&self) -> bool {
        self.defer_while_hidden
    }
}
