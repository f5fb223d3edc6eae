//! A recording as text: one JSON object a line, as the `replay` program reads it.

use alloc::string::String;
use core::fmt::{self, Write as _};
use core::time::Duration;

use crate::classify::Cause;
use crate::codec::{CheckpointError, Name, NameTable, Named, Names, Store, Writer};
use crate::handover::Decider;
use crate::policy::{Event, RetryAfter};
use crate::time::Instant;
use crate::words::words;

/// Why a line could not be written. The lines before it are a whole recording; go on with a new [`Recorder`] and its
/// [set-up line](Recorder::set_up) in a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordError {
    /// More than 65,536 different names, or more than 16 MiB of them: a recorder that numbers names has to keep them.
    TooManyNames,
    /// The state of the policy is larger than 64 MiB.
    TooLarge,
    /// The config classifies by a table that is the program's own: it has no name by which a replay could find it.
    OwnTable,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyNames => "too many different names to number; begin another recording",
            Self::TooLarge => "the state of the policy is too large for a line",
            Self::OwnTable => {
                "the config has a classification table of its own, which a log can't name; use overrides"
            }
        })
    }
}

words!(as_str RecordError {
    TooManyNames => "too_many_names",
    TooLarge => "too_large",
    OwnTable => "own_table",
});

impl core::error::Error for RecordError {}

/// Writes what a policy is told as a log that the `replay` program plays: the same decisions, to the microsecond.
///
/// It stands beside a driver or a loop of your own. First the [set-up line](Self::set_up), which holds the whole state of the
/// policy, so that a recording may begin at any moment; then one line for each call: [`event`](Self::event) for
/// [`handle_event`](Decider::handle_event), [`timeout`](Self::timeout) for [`handle_timeout`](Decider::handle_timeout), with the very `now` of the call. Every
/// line ends with a newline and is yours to store. In a driver, [`step`](Self::step)
/// makes the line of each notice that `Protocol::observe` is given.
///
/// Session tokens, endpoints and subscription keys are written as `#1`, `#2` … in the order in which they come: equal ones
/// stay equal, and nothing else can be told. Up to 65,536 different ones, which the recorder keeps;
/// [`showing_names`](Self::showing_names) writes them as they are instead, and keeps none.
///
/// ```
/// use redial::record::Recorder;
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let mut recorder = Recorder::new();
/// let mut log = String::from(recorder.set_up(&policy)?);
///
/// let now = Instant::from_micros(1_500);
/// log += recorder.event(now, &Event::<()>::Start)?;
/// let _open = policy.handle_event(now, Event::Start);
/// assert!(log.ends_with("{\"at_us\": 1500, \"event\": \"start\"}\n"));
/// # Ok::<(), redial::record::RecordError>(())
/// ```
///
/// Beside a driver, the set-up line is written before the run, and a line for each notice. `Protocol::observe` takes the
/// protocol by shared reference, so that the recorder stands behind a `Mutex`. The driver waits for `observe` to return: where
/// the file may be slow, send the lines to a thread of its own.
///
#[cfg_attr(feature = "tokio", doc = "```no_run")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use std::fs::File;
/// use std::io::Write;
/// use std::sync::{Mutex, PoisonError};
///
/// use redial::driver::{Driver, Notice, Protocol, Tokio};
/// use redial::record::Recorder;
/// use redial::{Policy, SplitMix64, presets};
/// # use redial::driver::{Command, Dial, DialError, Received, SendFailed};
/// # use redial::subscriptions::SubscriptionList;
/// # use redial::{Cause, Epoch};
///
/// struct Feed {
///     recorder: Mutex<Recorder>,
///     log: File,
/// }
///
/// impl Protocol for Feed {
///     // The types, `dial`, `receive` and `send` as without a recorder.
/// #     type Reader = ();
/// #     type Writer = ();
/// #     type Token = String;
/// #     type Key = String;
/// #     type Message = String;
/// #     type Incoming = String;
/// #     type Received = Option<Received<String, String, String>>;
/// #     async fn dial(&self, _: Dial<String>) -> Result<((), ()), DialError> {
/// #         std::future::pending().await
/// #     }
/// #     async fn receive(&self, _: &mut (), _: Epoch) -> Result<Self::Received, Cause> {
/// #         std::future::pending().await
/// #     }
/// #     async fn send(&self, _: &mut (), _: Command<String, String, String>) -> Result<(), SendFailed> {
/// #         Ok(())
/// #     }
///
///     fn observe(&self, notice: &Notice<'_, String, String>) {
///         let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
///         match recorder.step(notice.at, notice.event) {
///             Ok(line) => {
///                 if let Err(error) = (&self.log).write_all(line.as_bytes()) {
///                     eprintln!("the log lacks a line: {error}");
///                 }
///             }
///             Err(error) => eprintln!("{error}"),
///         }
///     }
/// }
///
/// # async fn recorded() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::from_os())
///     .with_session_type()
///     .with_subscriptions(SubscriptionList::new());
/// let (mut recorder, mut log) = (Recorder::new(), File::create("incident.jsonl")?);
/// log.write_all(recorder.set_up(&policy)?.as_bytes())?;
/// let mut driver = Driver::new(policy, Feed { recorder: Mutex::new(recorder), log }, Tokio::new());
/// println!("{:?}", driver.run().await);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    /// `None`: names are written as they are.
    names: Option<NameTable>,
    endpoints: String,
    line: String,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// One that numbers names.
    #[must_use]
    pub fn new() -> Self {
        Self { names: Some(NameTable::default()), ..Self::showing_names() }
    }

    /// One that writes names as they are. Its log holds session tokens: keep it like a password.
    #[must_use]
    pub const fn showing_names() -> Self {
        Self { names: None, endpoints: String::new(), line: String::new() }
    }

    /// Calls the policy's endpoints by these names in the replay. By default they are called by their numbers.
    #[must_use]
    pub fn with_endpoints(mut self, names: &[&str]) -> Self {
        self.endpoints.clear();
        for name in names {
            self.endpoints.push_str(if self.endpoints.is_empty() { "[" } else { ", " });
            self.endpoints.push_str(&quoted(name));
        }
        if !names.is_empty() {
            self.endpoints.push(']');
        }
        self
    }

    /// The first line: the [`Policy`](crate::Policy) or [`Handover`](crate::handover::Handover) as it is now, and its config.
    ///
    /// # Errors
    /// [`RecordError::TooManyNames`], [`RecordError::TooLarge`], [`RecordError::OwnTable`].
    pub fn set_up(&mut self, policy: &(impl Decider + Store)) -> Result<&str, RecordError> {
        let (checkpoint, generator) = self.checkpoint(policy)?;
        let config = serde_json::to_string(policy.config()).map_err(|_| RecordError::OwnTable)?;
        // A config is never an empty object.
        let config = config.strip_prefix('{').unwrap_or_default();
        self.line = String::from("{\"config\": {");
        if !self.endpoints.is_empty() {
            _ = write!(self.line, "\"endpoints\": {}, ", self.endpoints);
        }
        if let Some(handover) = policy.handover_config() {
            // It is always written.
            let handover = serde_json::to_string(handover).unwrap_or_default();
            _ = write!(self.line, "\"handover\": {handover}, ");
        }
        self.line.push_str(config);
        if let Some(generator) = generator {
            _ = write!(self.line, ", \"generator\": \"{generator}\"");
        }
        _ = writeln!(self.line, ", \"timers\": \"logged\", \"checkpoint\": \"{checkpoint}\"}}");
        Ok(&self.line)
    }

    /// The line of a call of [`handle_event`](Decider::handle_event) with this `now` and this event.
    ///
    /// # Errors
    /// [`RecordError::TooManyNames`].
    pub fn event<T: Named, K: Named>(
        &mut self,
        now: Instant,
        event: &Event<T, K>,
    ) -> Result<&str, RecordError> {
        let mut line = Line { out: &mut self.line, names: self.names.as_mut(), full: false };
        line.begin(now, event.as_str());
        line.fields(event);
        line.out.push_str("}\n");
        if line.full { Err(RecordError::TooManyNames) } else { Ok(&self.line) }
    }

    /// The line of a call of [`handle_timeout`](Decider::handle_timeout) with this `now`.
    pub fn timeout(&mut self, now: Instant) -> &str {
        let mut line = Line { out: &mut self.line, names: None, full: false };
        line.begin(now, "timeout");
        line.out.push_str("}\n");
        &self.line
    }

    /// Either of them, from a driver's notice: the line of a step.
    ///
    /// # Errors
    /// [`RecordError::TooManyNames`].
    pub fn step<T: Named, K: Named>(
        &mut self,
        now: Instant,
        event: Option<&Event<T, K>>,
    ) -> Result<&str, RecordError> {
        match event {
            Some(event) => self.event(now, event),
            None => Ok(self.timeout(now)),
        }
    }

    /// The state in hexadecimal digits, and the name of its generator.
    fn checkpoint(&mut self, policy: &impl Store) -> Result<(String, Option<&'static str>), RecordError> {
        const MOST: usize = 64 << 20;
        let mut buffer = alloc::vec![0; 512];
        loop {
            let mut writer = match &mut self.names {
                Some(table) => Writer::numbering(&mut buffer, table),
                None => Writer::new(&mut buffer, Names::Shown),
            };
            let length = match policy.store(&mut writer) {
                Ok(()) => writer.sealed(),
                Err(error) => Err(error),
            };
            if let Ok(length) = length {
                let bytes = buffer.get(..length).unwrap_or_default();
                return Ok((hex(bytes), crate::policy::generator_of(bytes)));
            }
            if length == Err(CheckpointError::Full) && self.names.as_ref().is_some_and(NameTable::is_full) {
                return Err(RecordError::TooManyNames);
            }
            if buffer.len() >= MOST {
                return Err(RecordError::TooLarge);
            }
            buffer.resize(buffer.len().saturating_mul(2), 0);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    bytes.iter().for_each(|byte| _ = write!(text, "{byte:02x}"));
    text
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    // A text is always written.
    serde_json::to_string(text).unwrap_or_default()
}

/// A span in milliseconds: an integer, or where that is not exact a text with decimals.
fn millis(span: Duration) -> String {
    let nanos = span.as_nanos();
    let whole = nanos.checked_div(1_000_000).unwrap_or_default();
    let rest = nanos.checked_rem(1_000_000).unwrap_or_default();
    match (u64::try_from(whole), rest) {
        (Ok(whole), 0) => alloc::format!("{whole}"),
        _ => {
            let text = alloc::format!("{whole}.{rest:06}");
            alloc::format!("\"{}\"", text.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

/// A line that is being written.
struct Line<'a> {
    out: &'a mut String,
    names: Option<&'a mut NameTable>,
    /// A name had no place in the table.
    full: bool,
}

impl Line<'_> {
    fn begin(&mut self, now: Instant, word: &str) {
        self.out.clear();
        _ = write!(self.out, "{{\"at_us\": {}, \"event\": \"{word}\"", now.as_micros());
    }

    fn field(&mut self, key: &str, value: impl fmt::Display) {
        _ = write!(self.out, ", \"{key}\": {value}");
    }

    fn optional(&mut self, key: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.field(key, value);
        }
    }

    fn span(&mut self, key: &str, span: Option<Duration>) {
        self.optional(key, span.map(millis));
    }

    fn name<N: Named>(&mut self, key: &str, name: Option<&N>) {
        let Some(name) = name else { return };
        let text = name.with_name(|name| match (&mut self.names, name) {
            (Some(table), name) => table.shown(name),
            (None, Name::Text(text)) => Some(text.into()),
            (None, Name::Number(number)) => Some(alloc::format!("{number}")),
        });
        match text {
            Some(text) => self.field(key, quoted(&text)),
            None => self.full = true,
        }
    }

    fn cause(&mut self, cause: Cause, retry_after: Option<RetryAfter>) {
        let (key, value) = match cause {
            Cause::NoCloseFrame => ("ws", "null".into()),
            Cause::CloseFrame(code) => ("ws", alloc::format!("{code}")),
            Cause::Http(status) => ("http", alloc::format!("{status}")),
            Cause::Io(kind) => ("io", quoted(kind.as_str())),
            Cause::Tls(kind) => ("tls", quoted(kind.as_str())),
            Cause::Class(class) => ("class", quoted(class.as_str())),
            Cause::Timeout => ("timeout", "true".into()),
            other => ("kind", alloc::format!("\"{other}\"")),
        };
        let hint = retry_after.map_or_else(String::new, |wait| {
            alloc::format!(", \"{}\": {}", wait.as_str(), millis(wait.duration()))
        });
        self.field("cause", format_args!("{{\"{key}\": {value}{hint}}}"));
    }

    fn fields<T: Named, K: Named>(&mut self, event: &Event<T, K>) {
        self.optional("epoch", event.epoch());
        match event {
            Event::Start
            | Event::RetryNow
            | Event::NetworkDown
            | Event::NetworkUp
            | Event::Hidden
            | Event::Visible
            | Event::NetworkChanged
            | Event::Redial
            | Event::CredentialNew
            | Event::CredentialLost
            | Event::Opened { .. }
            | Event::SendFailed { .. }
            | Event::Resumed { .. }
            | Event::HeartbeatAcked { .. }
            | Event::Drained { .. }
            | Event::HeartbeatRequested { .. }
            | Event::Received { .. }
            | Event::AuthOk { .. } => {}
            Event::Stop { keep } => self.field("keep", keep),
            Event::Hold(reason) | Event::Release(reason) => {
                self.field("reason", format_args!("\"{}\"", reason.get()));
            }
            Event::HostResumed { gap, counted } => {
                self.span("gap", Some(*gap));
                self.field("counted", counted);
            }
            Event::BackoffHint { base } => self.span("base", Some(*base)),
            Event::OpenFailed { cause, retry_after, .. } => self.cause(*cause, *retry_after),
            Event::NotNow { retry_after, .. } => self.span("after", *retry_after),
            Event::Closed { cause, .. } => self.cause(*cause, None),
            Event::Greeting { heartbeat, .. } => self.span("heartbeat", *heartbeat),
            Event::Ready { token, endpoint, sequence, ttl, .. } => {
                self.name("id", token.as_ref());
                self.optional("seq", *sequence);
                self.name("endpoint", endpoint.as_ref());
                self.span("ttl", *ttl);
            }
            Event::Sequence { sequence, .. } => self.field("n", sequence),
            Event::ReconnectRequested { retry_after, deadline, .. } => {
                let key = match retry_after {
                    None | Some(RetryAfter::AtLeast(_)) => "after",
                    Some(other) => other.as_str(),
                };
                self.span(key, retry_after.map(RetryAfter::duration));
                self.span("deadline", *deadline);
            }
            Event::Redirected { endpoint, permanent, .. } => {
                self.name("endpoint", Some(endpoint));
                self.field("permanent", permanent);
            }
            Event::Cursor { token, .. } => self.name("id", Some(token)),
            Event::KeepAlive { interval, .. } => self.span("interval", Some(*interval)),
            Event::SessionInvalid { resumable, .. } => self.field("resumable", resumable),
            Event::CredentialOk { request, ttl } => {
                self.optional("request", *request);
                self.span("ttl", *ttl);
            }
            Event::CredentialFailed { request, fatal } => {
                self.optional("request", *request);
                self.field("fatal", fatal);
            }
            Event::AuthFailed { fatal, .. } => self.field("fatal", fatal),
            Event::Subscribe { key, priority } => {
                self.name("key", Some(key));
                self.field("priority", priority);
            }
            Event::Unsubscribe { key } | Event::SubscriptionLost { key, .. } => self.name("key", Some(key)),
            Event::SubscriptionConfirmed { key, send, .. } => {
                self.name("key", Some(key));
                self.optional("send", *send);
            }
            Event::SubscriptionFailed { key, send, retryable, .. } => {
                self.name("key", Some(key));
                self.optional("send", *send);
                self.field("retryable", retryable);
            }
        }
    }
}
