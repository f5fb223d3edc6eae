//! Scenarios as TOML. The README of this package says what each key means.

use std::fmt;
use std::time::Duration;

use redial::Ratio;
use redial::sim::{Failure, Hints, Loss, Model, Scenario};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use toml::Spanned;

use crate::fault::Fault;

/// Most clients of a scenario: they take 3 GB.
pub(crate) const MOST_CLIENTS: u32 = 10_000_000;

/// More than any server takes a second.
const MOST_PER_SECOND: u32 = 1_000_000_000;

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

/// A whole number; whether it fits is said with its key.
#[derive(Clone, Copy, Debug)]
struct Whole(i64);

/// Any number.
#[derive(Clone, Copy, Debug)]
struct Number(f64);

/// Reads one kind of value, and says what it should have been.
macro_rules! read {
    ($kind:ident, $expecting:literal, $($visit:ident: |$found:ident: $type:ty| $read:expr),+) => {
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;

                impl Visitor<'_> for Reader {
                    type Value = $kind;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    $(fn $visit<E: Error>(self, $found: $type) -> Result<$kind, E> {
                        $read.map($kind).map_err(E::custom)
                    })+
                }

                deserializer.deserialize_any(Reader)
            }
        }
    };
}

read!(Span, "a duration such as \"30s\"", visit_str: |text: &str| span(text));
read!(Whole, "a whole number", visit_i64: |number: i64| Ok::<_, String>(number));
read!(
    Number,
    "a number",
    visit_i64: |number: i64| Ok::<_, String>(number as f64),
    visit_f64: |number: f64| Ok::<_, String>(number)
);

/// Reads a duration.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let wrong = |_| format!("{text:?} is no duration; write one such as \"30s\", \"250ms\" or \"1m 30s\"");
    humantime::parse_duration(text).map_err(wrong)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    clients: Option<Spanned<Whole>>,
    ideal: Option<Spanned<Span>>,
    per_second: Option<Spanned<Whole>>,
    outage: Option<Span>,
    #[serde(default)]
    server: Server,
    #[serde(default)]
    failure: Answer,
    patience: Option<Span>,
    network: Option<Spanned<(Span, Span)>>,
    #[serde(default)]
    hints: Help,
    heeded: Option<Spanned<Number>>,
    sessions: Option<bool>,
    identify_cost: Option<Spanned<Number>>,
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

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Help {
    #[default]
    None,
    Constant(Span),
    Appointments(Spanned<Number>),
    Window,
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
    zone: Option<Spanned<(Whole, Whole)>>,
    warned: Option<Spanned<Span>>,
    window: Option<Spanned<Span>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    region: Option<Spanned<Whole>>,
    from: Option<Span>,
    share: Spanned<Number>,
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
        let stated = whole(self.clients.as_ref(), "clients", (1, MOST_CLIENTS))?.unwrap_or(10_000);
        let per_second = whole(self.per_second.as_ref(), "per_second", (1, MOST_PER_SECOND))?;
        let clients = clients.unwrap_or(stated);
        let full = match (&self.ideal, per_second) {
            (Some(ideal), Some(_)) => {
                return Err(wrong(
                    ideal,
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
            (None, Some(number)) => f64::from(number) * f64::from(clients) / f64::from(stated),
            (None, None) => f64::INFINITY,
        };
        let mut scenario = Scenario::new(clients, rate(full, 1.0));
        for step in &self.capacity {
            let region = whole(step.region.as_ref(), "region", (0, 3))?.unwrap_or(0) as u8;
            let Number(share) = *step.share.get_ref();
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
            .hints(match &self.hints {
                Help::None => Hints::None,
                Help::Constant(Span(wait)) => Hints::Constant(*wait),
                Help::Appointments(overbooking) => Hints::Appointments(overbooked(overbooking)?),
                Help::Window => Hints::Window,
            })
            .patience(self.patience.map(|Span(patience)| patience))
            .sessions(self.sessions.unwrap_or(true)))
    }
}

impl Lost {
    fn loss(&self) -> Result<Loss, Wrong> {
        let mut loss = Loss::at(or_zero(self.at)).over(or_zero(self.over));
        if let Some(place) = &self.zone {
            let (Whole(zone), Whole(of)) = *place.get_ref();
            let fits = u32::try_from(zone).ok().zip(u32::try_from(of).ok()).filter(|(zone, of)| zone < of);
            let Some((zone, of)) = fits else {
                let message = "zone must be a number and of how many, such as [0, 4] for the first of 4";
                return Err(wrong(place, message));
            };
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

/// How many appointments a server gives for each client that it can take.
fn overbooked(number: &Spanned<Number>) -> Result<Ratio, Wrong> {
    let Number(overbooking) = *number.get_ref();
    if !(0.1..=4.0).contains(&overbooking) {
        return Err(wrong(
            number,
            "appointments must be how far the server overbooks, from 0.1 to 4, such as 1.5",
        ));
    }
    ratio(number, "appointments", 4.0)
}

/// Reads hints as the command line has them: `none`, `window`, `appointments=1.5` or `constant=30s`.
pub(crate) fn hints(text: &str) -> Result<Hints, String> {
    const LEAST: Ratio = Ratio::new_const(1, 10);
    const MOST: Ratio = Ratio::new_const(4, 1);
    let fits = |overbooking: &Ratio| !overbooking.is_below(LEAST) && !MOST.is_below(*overbooking);
    match text.split_once('=') {
        None if text == "none" => Ok(Hints::None),
        None if text == "window" => Ok(Hints::Window),
        Some(("constant", wait)) => span(wait).map(Hints::Constant),
        Some(("appointments", text)) => {
            let overbooking = text.parse().ok().filter(fits).map(Hints::Appointments);
            overbooking
                .ok_or_else(|| format!("{text:?} is not how far a server overbooks: a number from 0.1 to 4"))
        }
        _ => Err("write none, window, appointments=1.5 or constant=30s".to_owned()),
    }
}

/// What a server takes a second. 1 at least, unless it is down.
fn rate(full: f64, share: f64) -> u32 {
    if share == 0.0 { 0 } else { (full * share).round().max(1.0) as u32 }
}

/// A whole number within a range.
fn whole(place: Option<&Spanned<Whole>>, key: &str, (least, most): (u32, u32)) -> Result<Option<u32>, Wrong> {
    let Some(place) = place else { return Ok(None) };
    let number = u32::try_from(place.get_ref().0).ok().filter(|number| (least..=most).contains(number));
    number.map(Some).ok_or_else(|| wrong(place, format!("{key} must be from {least} to {most}")))
}

/// A number as the ratio that it is to four places.
fn ratio(place: &Spanned<Number>, key: &str, most: f64) -> Result<Ratio, Wrong> {
    const PLACES: u32 = 10_000;
    let Number(number) = *place.get_ref();
    let fits = Some(number).filter(|number| (0.0..=most).contains(number));
    fits.and_then(|number| Ratio::new((number * f64::from(PLACES)).round() as u32, PLACES).ok())
        .ok_or_else(|| wrong(place, format!("{key} must be a number from 0 to {most}")))
}
