//! Which servers there are, and what each can do.

use clap::ValueEnum;

use crate::speech::{Mqtt, Nats, Redis, Speaker};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Redis,
    Nats,
    Mosquitto,
    /// As a reverse proxy of WebSockets
    Nginx,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Redis, Self::Nats, Self::Mosquitto, Self::Nginx];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Mosquitto => "mosquitto",
            Self::Nginx => "nginx",
        }
    }

    /// How clients speak to it. To nginx they do by a WebSocket client.
    pub(crate) fn speaker(self) -> Speaker {
        match self {
            Self::Redis | Self::Nginx => Redis::speaker(),
            Self::Nats => Nats::speaker(),
            Self::Mosquitto => Mqtt::speaker(),
        }
    }

    /// Whether a client may give subscriptions up: one that has a session keeps what it gives up while it is away.
    pub(crate) const fn may_unsubscribe(self) -> bool {
        matches!(self, Self::Redis | Self::Nats)
    }

    /// Whether it can ask its clients to reconnect, and go on.
    pub(crate) const fn announces(self) -> bool {
        matches!(self, Self::Nginx)
    }

    /// Whether it keeps what a client that is away misses.
    pub(crate) const fn keeps_sessions(self) -> bool {
        matches!(self, Self::Mosquitto | Self::Nginx)
    }

    /// Whether the program is there.
    pub(crate) fn is_installed(self) -> bool {
        let program = match self {
            Self::Redis => "redis-server",
            Self::Nats => "nats-server",
            Self::Mosquitto => "mosquitto",
            Self::Nginx => "nginx",
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    }
}
