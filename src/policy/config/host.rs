//! What the network, the host and the page do to a connection.

use core::time::Duration;

use super::super::options::{OnNetworkChange, OnNetworkDown, OnVisible, OnWake};
use super::Config;
use crate::builder::Builder;
use crate::time::Micros;

impl Builder<Config> {
    /// What the network's coming and going does. After it came back a dial is spread over `spread`. Default
    /// [`OnNetworkDown::Park`] and zero.
    pub const fn network(mut self, on_down: OnNetworkDown, spread: Duration) -> Self {
        self.config.on_network_down = on_down;
        self.config.network_spread = Micros::from_duration(spread);
        self
    }

    /// Whether the network's return restarts a dial that is under way: it may have begun on the network that is
    /// gone (Ably RTN20c). Default false.
    pub const fn restart_on_network_up(mut self, on: bool) -> Self {
        self.config.restart_on_network_up = on;
        self
    }

    /// What a move of the default route does to an open connection, and the network's return to one that was open while it was
    /// down. Default [`OnNetworkChange::Probe`].
    pub const fn on_network_change(mut self, on_change: OnNetworkChange) -> Self {
        self.config.on_network_change = on_change;
        self
    }

    /// What a sleep of the host does to an open connection. Default [`OnWake::Redial`].
    pub const fn on_wake(mut self, on_wake: OnWake) -> Self {
        self.config.on_wake = on_wake;
        self
    }

    /// What the page's return does to an open connection. Default [`OnVisible::Nothing`].
    pub const fn on_visible(mut self, on_visible: OnVisible) -> Self {
        self.config.on_visible = on_visible;
        self
    }

    /// Whether dials wait until a hidden page is visible again. Default true; a host without pages never says
    /// "hidden".
    pub const fn defer_while_hidden(mut self, on: bool) -> Self {
        self.config.defer_while_hidden = on;
        self
    }
}

impl Config {
    /// What the loss of the network does, and the spread after its return.
    #[must_use]
    pub const fn network(&self) -> (OnNetworkDown, Duration) {
        (self.on_network_down, self.network_spread.to_duration())
    }

    /// Whether the network's return restarts a dial that is under way.
    #[must_use]
    pub const fn restart_on_network_up(&self) -> bool {
        self.restart_on_network_up
    }

    /// What a move of the default route does to an open connection.
    #[must_use]
    pub const fn on_network_change(&self) -> OnNetworkChange {
        self.on_network_change
    }

    /// What a sleep of the host does to an open connection.
    #[must_use]
    pub const fn on_wake(&self) -> OnWake {
        self.on_wake
    }

    /// What the page's return does to an open connection.
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
