//! Scenarios as TOML. `storm scenarios --format-help` is the documentation of the keys; see `format.txt`.

use std::time::Duration;

use redial::Ratio;
use redial::sim::{Failure, Hints, Loss, Model, Scenario};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use toml::Spanned;

use crate::fault::Fault;

/// Most clients of a scenario: they take 3 GB.
pub(crate) const MOST_CLIENTS: u32 = 10_000_000;

/// A scenario with its name.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) scenario: Scenario,
}

impl Case {
    /// Whether the servers ever take less than all that come, so that there is an ideal to compare with.
    pub(crate) fn is_limited(&self) -> bool {
        self.scenario.ideal(self.scenario.clients()).is_none_or(|ideal| ideal >= Duration::from_millis(1))
    }
}

/// A duration as text: "30s", "250ms", "1m 30s".
#[derive(Clone, Copy, Debug)]
struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        span(&text).map(Self).map_err(D::Error::custom)
    }
}

/// Reads a duration.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let wrong = |_| format!("{text:?} is no duration; write one such as \"30s\", \"250ms\" or \"1m 30s\"");
    humantime::parse_duration(text).map_err(wrong)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    clients: Option<Spanned<u32>>,
    ideal: Option<Spanned<Span>>,
    per_second: Option<Spanned<u32>>,
    outage: Option<Span>,
    #[serde(default)]
    server: Server,
    #[serde(default)]
    failure: Answer,
    patience: Option<Span>,
    network: Option<Spanned<(Span, Span)>>,
    #[serde(default)]
    hints: Help,
    heeded: Option<Spanned<f64>>,
    sessions: Option<bool>,
    identify_cost: Option<Spanned<f64>>,
    accepts_then_drops: Option<Drops>,
    measured_from: Option<Span>,
    horizon: Option<Span>,
    #[serde(default)]
    loss: Vec<Lost>,
    #[serde(default)]
    capacity: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Server {
    Bucket(Span),
    Queue(Span),
}

impl Default for Server {
    fn default() -> Self {
        Self::Bucket(Span(Duration::from_secs(1)))
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    #[default]
    Refused,
    Silent,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Help {
    #[default]
    None,
    Constant(Span),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drops {
    until: Span,
    after: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lost {
    at: Option<Span>,
    over: Option<Span>,
    zone: Option<Spanned<(u32, u32)>>,
    warned: Option<Spanned<Span>>,
    window: Option<Spanned<Span>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    region: Option<Spanned<u8>>,
    from: Option<Span>,
    share: Spanned<f64>,
}

/// Reads a scenario. `clients` takes the place of the file's number of clients; the servers then take as many times more or less
/// a second, so that the ideal stays.
pub(crate) fn parse(file: &str, name: &str, text: &str, clients: Option<u32>) -> Result<Case, Fault> {
    let read: File = toml::from_str(text)
        .map_err(|error| Fault::at(file, text, error.span().map(|span| span.start), error.message()))?;
    let scenario =
        read.scenario(clients).map_err(|(offset, message)| Fault::at(file, text, Some(offset), &message))?;
    Ok(Case { name: name.to_owned(), title: read.title, scenario })
}

/// Where it is wrong, and why.
type Wrong = (usize, String);

fn wrong<T>(place: &Spanned<T>, message: impl Into<String>) -> Wrong {
    (place.span().start, message.into())
}

impl File {
    fn scenario(&self, clients: Option<u32>) -> Result<Scenario, Wrong> {
        let stated = match &self.clients {
            Some(number) if !(1..=MOST_CLIENTS).contains(number.get_ref()) => {
                return Err(wrong(number, format!("clients must be from 1 to {MOST_CLIENTS}")));
            }
            Some(number) => *number.get_ref(),
            None => 10_000,
        };
        let clients = clients.unwrap_or(stated);
        let full = match (&self.ideal, &self.per_second) {
            (Some(_), Some(number)) => {
                return Err(wrong(
                    number,
                    "both ideal and per_second say what the servers take; leave one out",
                ));
            }
            (Some(ideal), None) if ideal.get_ref().0.is_zero() => {
                return Err(wrong(
                    ideal,
                    "ideal must be above 0; leave it out for servers that take all that come",
                ));
            }
            (Some(ideal), None) => f64::from(clients) / ideal.get_ref().0.as_secs_f64(),
            (None, Some(number)) if *number.get_ref() == 0 => {
                return Err(wrong(
                    number,
                    "per_second must be above 0; a server that is down is an outage or a share of 0",
                ));
            }
            (None, Some(number)) => f64::from(*number.get_ref()) * f64::from(clients) / f64::from(stated),
            (None, None) => f64::INFINITY,
        };
        let mut scenario = Scenario::new(clients, rate(full, 1.0));
        for step in &self.capacity {
            let region = step.region.as_ref().map_or(0, |region| *region.get_ref());
            if let Some(place) = step.region.as_ref().filter(|_| region > 3) {
                return Err(wrong(place, "region must be from 0 to 3"));
            }
            let share = *step.share.get_ref();
            if !(0.0..=1_000.0).contains(&share) {
                return Err(wrong(&step.share, "share must be from 0, where the server is down, to 1000"));
            }
            scenario = scenario.capacity(region, or_zero(step.from), rate(full, share));
        }
        if let Some(Span(outage)) = self.outage {
            scenario = scenario.outage(outage);
        }
        if let Some(Span(from)) = self.measured_from {
            scenario = scenario.measured_from(from);
        }
        if let Some(Span(horizon)) = self.horizon {
            scenario = scenario.horizon(horizon);
        }
        if let Some(network) = &self.network {
            let (Span(shortest), Span(longest)) = *network.get_ref();
            if longest < shortest || longest < Duration::from_millis(1) {
                return Err(wrong(
                    network,
                    "network must be the shortest and the longest time one way, such as [\"5ms\", \"60ms\"]; the longest at least 1ms",
                ));
            }
            scenario = scenario.network(shortest, longest);
        }
        if let Some(drops) = &self.accepts_then_drops {
            scenario = scenario.accepts_then_drops(drops.until.0, drops.after.0);
        }
        if let Some(share) = &self.heeded {
            scenario = scenario.heeded(ratio(share, "heeded", 1.0)?);
        }
        if let Some(dials) = &self.identify_cost {
            scenario = scenario.identify_cost(ratio(dials, "identify_cost", 10_000.0)?);
        }
        if !self.loss.is_empty() {
            let losses = self.loss.iter().map(Lost::loss).collect::<Result<_, _>>()?;
            scenario = scenario.losses(losses);
        }
        Ok(scenario
            .model(match self.server {
                Server::Bucket(Span(burst)) => Model::Bucket { burst },
                Server::Queue(Span(backlog)) => Model::Queue { backlog },
            })
            .failure(match self.failure {
                Answer::Refused => Failure::Refused,
                Answer::Silent => Failure::Silent,
            })
            .hints(match self.hints {
                Help::None => Hints::None,
                Help::Constant(Span(wait)) => Hints::Constant(wait),
            })
            .patience(self.patience.map(|Span(patience)| patience))
            .sessions(self.sessions.unwrap_or(true)))
    }
}

impl Lost {
    fn loss(&self) -> Result<Loss, Wrong> {
        let mut loss = Loss::at(or_zero(self.at)).over(or_zero(self.over));
        if let Some(place) = &self.zone {
            let (zone, of) = *place.get_ref();
            if zone >= of {
                return Err(wrong(
                    place,
                    "zone must be a number and of how many, such as [0, 4] for the first of 4",
                ));
            }
            loss = loss.zone(zone, of);
        }
        match (&self.warned, &self.window) {
            (Some(before), window) => {
                let window = window.as_ref().map(|window| window.get_ref().0);
                Ok(loss.warned(before.get_ref().0, window))
            }
            (None, Some(window)) => Err(wrong(
                window,
                "a window is told with a warning; say how long before the loss with warned",
            )),
            (None, None) => Ok(loss),
        }
    }
}

fn or_zero(span: Option<Span>) -> Duration {
    span.map_or(Duration::ZERO, |Span(span)| span)
}

/// What a server takes a second. 1 at least, unless it is down.
fn rate(full: f64, share: f64) -> u32 {
    if share == 0.0 { 0 } else { (full * share).round().max(1.0) as u32 }
}

/// A number as the ratio that it is to four places.
fn ratio(place: &Spanned<f64>, key: &str, most: f64) -> Result<Ratio, Wrong> {
    const PLACES: u32 = 10_000;
    let number = *place.get_ref();
    let fits = Some(number).filter(|number| (0.0..=most).contains(number));
    fits.and_then(|number| Ratio::new((number * f64::from(PLACES)).round() as u32, PLACES).ok())
        .ok_or_else(|| wrong(place, format!("{key} must be a number from 0 to {most}")))
}
