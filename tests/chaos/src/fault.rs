//! What is done to a connection: values, drawn from the seed.

use std::fmt;
use std::time::Duration;

use crate::draw::Draw;

/// Which way a client takes to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Over a link that loses, delays and cuts.
    Direct,
    /// The same, with a proxy at its end.
    Proxied,
    /// A proxy on the loopback, where there are no links.
    ProxyAlone,
}

/// What a cell allows to be done to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Possible {
    pub(crate) route: Route,
    /// Whether its server can ask for a reconnect and go on.
    pub(crate) announces: bool,
}

/// Which packets of a link are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hole {
    Both,
    ToServer,
    ToClient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// SIGKILL.
    Kill,
    /// The end that the server has for itself, announced where it can announce one.
    Restart,
    /// The server asks for another connection, and ends none.
    Announce,
    /// SIGSTOP: its sockets stay, and nobody answers.
    Freeze,
    /// The server is away for so long that dials are refused.
    Refuse,
    /// The server is stopped and the queue of its listening socket is full, so that a dial gets no answer.
    Backlog,
    /// A link that carries nothing: a half-open connection.
    Hole(Hole),
    /// A link that loses so many of 1,000 packets, and delays the others by so many milliseconds, up to `jitter` more.
    Lossy { permille: u16, delay: u16, jitter: u16 },
    /// The connection is reset within a message, after so many bytes.
    Reset { after: u16 },
    /// What the server says comes a byte at a time, with so many milliseconds between two; `afresh`: on connections that are new, since
    /// the old ones are reset.
    Drip { pause: u16, afresh: bool },
    /// Connections are reset, and new ones accepted and never answered.
    Mute,
}

impl What {
    /// What it disturbs: two at once disturb different things.
    const fn place(self) -> Place {
        match self {
            Self::Kill | Self::Restart | Self::Announce | Self::Freeze | Self::Refuse | Self::Backlog => {
                Place::Process
            }
            Self::Hole(_) | Self::Lossy { .. } => Place::Link,
            Self::Reset { .. } | Self::Drip { .. } | Self::Mute => Place::Proxy,
        }
    }

    /// Whether no connection outlives it.
    pub(crate) const fn ends_connections(self) -> bool {
        use What::{Announce, Drip, Kill, Mute, Refuse, Reset, Restart};
        matches!(self, Kill | Restart | Announce | Refuse | Reset { .. } | Mute | Drip { afresh: true, .. })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Announce => "reconnect request",
            Self::Freeze => "freeze",
            Self::Refuse => "refused port",
            Self::Backlog => "full accept queue",
            Self::Hole(Hole::Both) => "black hole",
            Self::Hole(Hole::ToServer) => "black hole to the server",
            Self::Hole(Hole::ToClient) => "black hole to the client",
            Self::Lossy { .. } => "loss and delay",
            Self::Reset { .. } => "reset within a message",
            Self::Drip { .. } => "a byte at a time",
            Self::Mute => "accepted, never answered",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Process,
    Link,
    Proxy,
}

/// Something that is done for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disturbance {
    pub(crate) what: What,
    pub(crate) hold: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    One(Disturbance),
    /// Both begin in one moment.
    Together(Disturbance, Disturbance),
    /// The second begins so long after the end of the first.
    InRecovery(Disturbance, Duration, Disturbance),
}

impl Fault {
    /// Of those that are possible.
    pub(crate) fn draw(draw: &mut Draw, possible: Possible) -> Self {
        let first = Disturbance::draw(draw, possible, |_| true);
        match draw.below(10) {
            // What is reset by the next message needs a connection.
            0 | 1 if !matches!(first.what, What::Reset { .. }) => {
                let other =
                    |what: What| what.place() != first.what.place() && !matches!(what, What::Reset { .. });
                Self::Together(first, Disturbance::draw(draw, possible, other))
            }
            2 | 3 => {
                let after = Duration::from_millis(draw.between(0, 400));
                Self::InRecovery(first, after, Disturbance::draw(draw, possible, |_| true))
            }
            _ => Self::One(first),
        }
    }
}

impl Disturbance {
    fn draw(draw: &mut Draw, possible: Possible, allowed: impl Fn(What) -> bool) -> Self {
        loop {
            let what = What::draw(draw, possible);
            if allowed(what) {
                return Self { what, hold: Duration::from_millis(what.hold(draw)) };
            }
        }
    }
}

impl What {
    fn draw(draw: &mut Draw, Possible { route, announces }: Possible) -> Self {
        let places = match route {
            Route::Direct => &[Place::Process, Place::Process, Place::Link][..],
            Route::Proxied => &[Place::Process, Place::Link, Place::Proxy, Place::Proxy],
            Route::ProxyAlone => &[Place::Process, Place::Proxy],
        };
        match draw.pick(places) {
            Place::Process if announces && draw.percent(30) => Self::Announce,
            Place::Process => match draw.below(6) {
                0 | 1 => Self::Kill,
                2 => Self::Restart,
                3 => Self::Freeze,
                // Before a proxy there is no other queue than its own.
                4 if route == Route::Direct => Self::Backlog,
                _ => Self::Refuse,
            },
            Place::Link if draw.percent(50) => {
                Self::Hole(*draw.pick(&[Hole::Both, Hole::ToServer, Hole::ToClient]))
            }
            Place::Link => Self::Lossy {
                permille: draw.between(50, 400) as u16,
                delay: draw.between(0, 150) as u16,
                jitter: draw.between(0, 60) as u16,
            },
            Place::Proxy => match draw.below(3) {
                0 => Self::Reset { after: draw.between(1, 1_500) as u16 },
                1 => Self::Drip { pause: draw.between(5, 50) as u16, afresh: draw.percent(60) },
                _ => Self::Mute,
            },
        }
    }

    /// For how many milliseconds. Some are too short for a heartbeat to notice, and some are noticed twice.
    fn hold(self, draw: &mut Draw) -> u64 {
        match self {
            Self::Kill => draw.between(0, 400),
            // Longer than the time that the server gives for it.
            Self::Announce => draw.between(400, 800),
            Self::Restart => draw.between(0, 250),
            Self::Refuse => draw.between(400, 1_200),
            Self::Backlog => draw.between(700, 1_500),
            Self::Reset { .. } => draw.between(50, 200),
            Self::Mute | Self::Drip { .. } => draw.between(300, 1_200),
            Self::Freeze | Self::Hole(_) | Self::Lossy { .. } => draw.between(100, 1_500),
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what.name())?;
        match self.what {
            What::Lossy { permille, delay, jitter } => {
                write!(f, " ({}.{} %, {delay} to {} ms)", permille / 10, permille % 10, delay + jitter)?;
            }
            What::Reset { after } => write!(f, " (after {after} bytes)")?,
            What::Drip { pause, afresh } => {
                let which = if afresh { ", after a reset" } else { "" };
                write!(f, " (every {pause} ms{which})")?;
            }
            _ => {}
        }
        write!(f, " for {} ms", self.hold.as_millis())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => one.fmt(f),
            Self::Together(first, second) => write!(f, "{first}, and at once {second}"),
            Self::InRecovery(first, after, second) => {
                write!(f, "{first}, and {} ms after it {second}", after.as_millis())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Disturbance, Fault, Place, Possible, Route, What};
    use crate::draw::Draw;

    /// What faults consist of.
    fn parts(fault: &Fault) -> Vec<Disturbance> {
        match *fault {
            Fault::One(one) => vec![one],
            Fault::Together(first, second) | Fault::InRecovery(first, _, second) => vec![first, second],
        }
    }

    fn drawn(route: Route, announces: bool) -> Vec<Fault> {
        let possible = Possible { route, announces };
        (0..2_000).map(|number| Fault::draw(&mut Draw::new(1, number), possible)).collect()
    }

    #[test]
    fn a_way_has_the_faults_that_it_allows() {
        let kinds = |route, announces| {
            let faults = drawn(route, announces);
            let mut names: Vec<_> = faults.iter().flat_map(parts).map(|part| part.what.name()).collect();
            names.sort_unstable();
            names.dedup();
            names.len()
        };
        assert_eq!(kinds(Route::Direct, false), 9);
        assert_eq!(kinds(Route::Direct, true), 10);
        assert_eq!(kinds(Route::Proxied, false), 11);
        assert_eq!(kinds(Route::ProxyAlone, true), 8);
    }

    #[test]
    fn two_at_once_disturb_different_things() {
        let mut pairs = 0;
        for fault in drawn(Route::Proxied, true) {
            if let Fault::Together(first, second) = fault {
                pairs += 1;
                assert_ne!(first.what.place(), second.what.place(), "{fault}");
            }
            let longest = parts(&fault).iter().map(|part| part.hold).max();
            assert!(longest <= Some(Duration::from_millis(1_500)), "{fault}");
        }
        assert!(pairs > 100);
    }

    #[test]
    fn a_reset_needs_a_proxy_and_ends_connections() {
        let reset = What::Reset { after: 1 };
        assert!(reset.place() == Place::Proxy && reset.ends_connections());
        assert!(!What::Freeze.ends_connections());
    }
}
