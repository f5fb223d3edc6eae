//! What is played, and how it is judged.

use std::fmt;

use crate::mqtt;
use crate::timeline::Seen;
use crate::verdict::Verdict;
use crate::web;

/// A verdict, or none while more is to be seen.
pub(crate) type Judge = Box<dyn Fn(&Seen<'_>) -> Option<Verdict> + Send + Sync>;

/// The kinds of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Shape {
    Websocket,
    Discord,
    Mqtt,
}

impl Shape {
    pub(crate) fn faults(self) -> Vec<Fault> {
        match self {
            Self::Websocket => web::faults::all(),
            Self::Discord => crate::discord::faults::all(),
            Self::Mqtt => mqtt::faults::all(),
        }
    }

    /// Servers that do nothing wrong.
    pub(crate) fn in_order(self) -> Script {
        match self {
            Self::Websocket => web::faults::in_order(),
            Self::Discord => crate::discord::faults::in_order(),
            Self::Mqtt => mqtt::faults::in_order(),
        }
    }

    /// How its URLs begin.
    pub(crate) const fn scheme(self) -> &'static str {
        match self {
            Self::Websocket | Self::Discord => "ws",
            Self::Mqtt => "mqtt",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Websocket => "websocket",
            Self::Discord => "discord",
            Self::Mqtt => "mqtt",
        })
    }
}

/// What a client can do that not every client is made to do; told on the command line, since nobody can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Feature {
    /// Sends `SUB a` and `SUB b` on every connection (websocket).
    Subscriptions,
    /// Dials the `resume_gateway_url` (discord); a client that is set up with a fixed URL does not.
    ResumeUrl,
}

/// What the servers do.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    Web(web::Script),
    Mqtt(mqtt::Script),
}

/// When the port is closed, so that a dial is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Away {
    /// For so many milliseconds before the first dial can succeed.
    AtStart(u64),
    /// For so many milliseconds from the fault on.
    AfterFault(u64),
}

/// What happens beside the servers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stage {
    pub(crate) away: Option<Away>,
    /// How many clients are started; 0 counts as 1.
    pub(crate) clients: usize,
    /// SIGTERM to the clients so many milliseconds after the fault.
    pub(crate) signal: Option<u64>,
}

/// One fault.
pub(crate) struct Fault {
    pub(crate) name: String,
    /// What the server does.
    pub(crate) about: String,
    /// What a client must do, and who says so.
    pub(crate) source: &'static str,
    pub(crate) script: Script,
    pub(crate) stage: Stage,
    /// Milliseconds from the fault on.
    pub(crate) watch: u64,
    pub(crate) needs: Option<Feature>,
    pub(crate) judge: Judge,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("name", &self.name).field("about", &self.about).finish_non_exhaustive()
    }
}

impl Fault {
    pub(crate) fn new(
        name: impl Into<String>,
        about: impl Into<String>,
        source: &'static str,
        script: Script,
    ) -> Self {
        let judge: Judge = Box::new(|_| None);
        let (name, about, stage) = (name.into(), about.into(), Stage::default());
        Self { name, about, source, script, stage, watch: 30_000, needs: None, judge }
    }

    pub(crate) fn judged(
        mut self,
        watch: u64,
        judge: impl Fn(&Seen<'_>) -> Option<Verdict> + Send + Sync + 'static,
    ) -> Self {
        (self.watch, self.judge) = (watch, Box::new(judge));
        self
    }

    pub(crate) const fn needs(mut self, feature: Feature) -> Self {
        self.needs = Some(feature);
        self
    }

    pub(crate) const fn away(mut self, away: Away) -> Self {
        self.stage.away = Some(away);
        self
    }

    pub(crate) const fn clients(mut self, clients: usize) -> Self {
        self.stage.clients = clients;
        self
    }

    pub(crate) const fn signal(mut self, after: u64) -> Self {
        self.stage.signal = Some(after);
        self
    }
}
