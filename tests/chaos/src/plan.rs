//! Which cells there are.

use std::fmt;

use crate::client::Engine;
use crate::fault::{Possible, Route};
use crate::server::Kind;

/// Which server, which driver and which way: a kind of cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) number: u8,
    pub(crate) kind: Kind,
    pub(crate) engine: Engine,
    pub(crate) route: Route,
}

impl Plan {
    /// All of them, for these servers. The numbers of faults are dealt out to them in this order.
    pub(crate) fn all(kinds: &[Kind], has_links: bool) -> Vec<Self> {
        use Engine::{Handover, Smol, Threads, Tokio, Websocket};
        use Route::{Direct, Proxied};
        let ways = |kind| match kind {
            Kind::Redis => [(Tokio, Direct), (Smol, Proxied), (Threads, Direct)],
            Kind::Nats => [(Smol, Direct), (Tokio, Proxied), (Threads, Direct)],
            Kind::Mosquitto => [(Threads, Direct), (Smol, Proxied), (Tokio, Direct)],
            Kind::Nginx => [(Websocket, Direct), (Websocket, Proxied), (Handover, Direct)],
        };
        let of_kinds = |way: usize| kinds.iter().map(move |kind| (*kind, ways(*kind)[way]));
        let plan = |(number, (kind, (engine, route))): (u8, _)| {
            let route = if has_links { route } else { Route::ProxyAlone };
            Self { number, kind, engine, route }
        };
        (0..).zip((0..3).flat_map(of_kinds)).map(plan).collect()
    }
}

impl Plan {
    pub(crate) const fn possible(&self) -> Possible {
        Possible { route: self.route, announces: self.kind.announces() }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.route {
            Route::Direct => "over a link",
            Route::Proxied => "over a link and a proxy",
            Route::ProxyAlone => "over a proxy",
        };
        write!(f, "{} with {} {way}", self.kind.name(), self.engine.name())
    }
}
