//! The last events of a policy in a fixed ring of bytes, behind the state that they began with.

use core::fmt;
use core::marker::PhantomData;

use crate::codec::{CheckpointError, FromName, Named, Names, Reader, Store, Writer, crc32, impossible};
use crate::handover::{Decider, EventOf};
use crate::policy::Event;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::event::{self, TIMEOUT};

const MAGIC: u8 = 0xd3;
const VERSION: u8 = 1;

/// Keeps the last events of a [`Policy`](crate::Policy) or a [`Handover`](crate::handover::Handover), and the state that they
/// began with, in `BYTES` bytes and a second policy: no heap, and a few microseconds an event. After an incident [`dump`](Self::dump) writes both for `replay --flight`, which takes the
/// decisions again and prints them.
///
/// A heartbeat and its answer are about ten bytes, so 4 KiB hold the last hours of an idle connection or the last minutes of
/// a busy one. When the ring is full the oldest event is told to the second policy, which so is always where the ring begins;
/// an event that is larger than the ring moves it there at once.
///
/// Tell it every call, before or after the policy, with the very `now` of the call. Names are kept as they are, here as in the
/// policy, and are hashed in the dump.
///
/// ```
/// use redial::record::{Flight, FlightRecorder, Names};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let mut recorder = FlightRecorder::<_, 1_024>::new(&policy).with_set_up(r#"{"preset": "recommended"}"#);
///
/// let now = Instant::from_micros(1_500);
/// recorder.event(now, &Event::Start);
/// let _open = policy.handle_event(now, Event::Start);
///
/// let mut bytes = [0; 2_048];
/// let length = recorder.dump(Names::Shown, &mut bytes)?;
/// let flight = Flight::decode(&bytes[..length])?;
/// assert_eq!(flight.set_up(), r#"{"preset": "recommended"}"#);
/// assert_eq!(flight.steps::<(), u8>().next(), Some(Ok((now, Some(Event::Start)))));
/// # Ok::<(), redial::record::CheckpointError>(())
/// ```
#[derive(Clone)]
pub struct FlightRecorder<Q, const BYTES: usize> {
    /// As it was before the oldest event of the ring.
    begin: Q,
    /// When that was left, and when the newest event was.
    began_at: Instant,
    newest_at: Instant,
    set_up: &'static str,
    ring: Ring<BYTES>,
    /// How many events are not in the ring any more.
    gone: u64,
    /// What can't be told to the second policy: nothing can be said of its state since.
    broken: Option<CheckpointError>,
}

impl<Q: Clone, const BYTES: usize> FlightRecorder<Q, BYTES> {
    /// One that begins with this policy as it is now.
    #[must_use]
    pub fn new(policy: &Q) -> Self {
        Self {
            begin: policy.clone(),
            began_at: Instant::ZERO,
            newest_at: Instant::ZERO,
            set_up: "",
            ring: Ring::NEW,
            gone: 0,
            broken: None,
        }
    }

    /// With the set-up line for the replay, which says what config the policy runs on: `{"preset": "recommended"}` for a preset
    /// as it is; otherwise `{"config": …}` around the serialized config (feature `serde`), or the first line of a log that a
    /// `Recorder` (feature `record`) wrote for a policy with this config. Firmware has it written at build time, as a constant.
    ///
    /// Without it `replay --flight` reads the line from standard input. By default there is none.
    #[must_use]
    pub const fn with_set_up(mut self, set_up: &'static str) -> Self {
        self.set_up = set_up;
        self
    }

    /// How many events it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ring.count
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ring.count == 0
    }

    /// How many events it has held and had to let go.
    #[must_use]
    pub const fn gone(&self) -> u64 {
        self.gone
    }
}

impl<Q, const BYTES: usize> FlightRecorder<Q, BYTES>
where
    Q: Decider<Token: Clone + Named + FromName, Subscriptions: Subscriptions<Key: Named + FromName>>,
{
    /// A call of [`handle_event`](Decider::handle_event) with this `now` and this event.
    pub fn event(&mut self, now: Instant, event: &EventOf<Q>) {
        self.step(now, Some(event));
    }

    /// A call of [`handle_timeout`](Decider::handle_timeout) with this `now`.
    pub fn timeout(&mut self, now: Instant) {
        self.step(now, None);
    }

    /// Either of them, from a driver's notice.
    pub fn step(&mut self, now: Instant, event: Option<&EventOf<Q>>) {
        loop {
            let mut writer = Writer::new(self.ring.free(), Names::Shown);
            match store(&mut writer, self.newest_at, now, event) {
                Ok(()) => {
                    let length = writer.length();
                    self.ring.push(length);
                    self.newest_at = now;
                    return;
                }
                Err(_) if self.ring.turn() => {}
                Err(_) if self.ring.count > 0 => self.let_go(),
                // It is larger than the ring.
                Err(_) => return self.pass(now, event.cloned()),
            }
        }
    }

    /// Tells the oldest event to the second policy.
    fn let_go(&mut self) {
        let mut from = Reader::new(self.ring.oldest());
        let before = from.rest().len();
        let step = load(&mut from, self.began_at);
        let length = before.saturating_sub(from.rest().len());
        match step {
            Ok((at, event)) => {
                self.ring.pop(length);
                self.began_at = at;
                self.tell(at, event);
            }
            Err(error) => {
                self.broken = Some(error);
                self.ring = Ring::NEW;
                self.began_at = self.newest_at;
            }
        }
    }

    fn tell(&mut self, at: Instant, event: Option<EventOf<Q>>) {
        self.gone = self.gone.saturating_add(1);
        // They were executed long ago.
        let _actions = match event {
            Some(event) => self.begin.handle_event(at, event),
            None => self.begin.handle_timeout(at),
        };
    }

    /// Tells an event that the empty ring can't hold to the second policy.
    fn pass(&mut self, now: Instant, event: Option<EventOf<Q>>) {
        (self.began_at, self.newest_at) = (now, now);
        self.tell(now, event);
    }
}

impl<Q, const BYTES: usize> FlightRecorder<Q, BYTES>
where
    Q: Decider<Token: Named + FromName, Subscriptions: Subscriptions<Key: Named + FromName>> + Store,
{
    /// Writes what it holds to the beginning of `out`, and returns how many bytes that took: those of a
    /// [checkpoint](crate::Policy::checkpoint), of the set-up line and of the events. Nothing changes.
    ///
    /// # Errors
    /// [`CheckpointError::Full`]. [`CheckpointError::Unfit`]: a token, an endpoint or a key could not be made from its own
    /// name.
    pub fn dump(&self, names: Names, out: &mut [u8]) -> Result<usize, CheckpointError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let mut to = Writer::new(out, names);
        to.bytes(&[MAGIC, VERSION])?;
        to.number(self.set_up.len() as u64)?;
        to.bytes(self.set_up.as_bytes())?;
        to.number(self.gone)?;
        to.instant(self.began_at)?;
        let place = to.length();
        to.bytes(&[0; 4])?;
        let begin = to.length();
        self.begin.store(&mut to)?;
        let checksum = crc32(to.written().get(begin..).unwrap_or_default());
        to.bytes(&checksum.to_le_bytes())?;
        let length = u32::try_from(to.length().saturating_sub(begin)).map_err(|_| CheckpointError::Full)?;
        to.replace(place, &length.to_le_bytes());
        let mut at = self.began_at;
        for part in self.ring.parts() {
            let mut from = Reader::new(part);
            while !from.rest().is_empty() {
                let (next, event): (_, Option<EventOf<Q>>) = load(&mut from, at)?;
                store(&mut to, at, next, event.as_ref())?;
                at = next;
            }
        }
        to.sealed()
    }
}

impl<Q, const BYTES: usize> fmt::Debug for FlightRecorder<Q, BYTES> {
    /// Without the events: they hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightRecorder")
            .field("len", &self.ring.count)
            .field("gone", &self.gone)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// The dump of a [`FlightRecorder`], read where it lies.
///
/// ```
/// use redial::record::{Flight, FlightRecorder, Names};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let mut recorder = FlightRecorder::<_, 256>::new(&policy);
/// recorder.event(Instant::ZERO, &Event::Start);
/// recorder.timeout(Instant::from_millis(10_000));
/// let mut bytes = [0; 1_024];
/// let length = recorder.dump(Names::Shown, &mut bytes)?;
///
/// let flight = Flight::decode(&bytes[..length])?;
/// assert_eq!(flight.gone(), 0);
/// for step in flight.steps::<(), u8>() {
///     let (at, event) = step?;
///     println!("{} ms: {}", at.as_millis(), event.map_or("timeout", |event| event.as_str()));
/// }
/// # Ok::<(), redial::record::CheckpointError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Flight<'a> {
    set_up: &'a str,
    gone: u64,
    began_at: Instant,
    checkpoint: &'a [u8],
    steps: Reader<'a>,
}

impl<'a> Flight<'a> {
    /// Reads what [`FlightRecorder::dump`] wrote.
    ///
    /// # Errors
    /// In this order: [`CheckpointError::NotAFlight`], [`CheckpointError::Version`], [`CheckpointError::Corrupt`],
    /// [`CheckpointError::Impossible`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, CheckpointError> {
        match bytes {
            [MAGIC, VERSION, ..] => {}
            [MAGIC, version, ..] => return Err(CheckpointError::Version(*version)),
            _ => return Err(CheckpointError::NotAFlight),
        }
        let mut from = Reader::unsealed(bytes).ok_or(CheckpointError::Corrupt)?;
        let [_, _] = from.array()?;
        let length = from.number()?;
        let set_up = core::str::from_utf8(from.bytes(length)?);
        let set_up = set_up.map_err(|_| impossible("a set-up line that is not UTF-8"))?;
        let (gone, began_at) = (from.number()?, from.instant()?);
        let length = usize::try_from(u32::from_le_bytes(from.array()?)).unwrap_or(usize::MAX);
        let checkpoint = from.bytes(length)?;
        Ok(Self { set_up, gone, began_at, checkpoint, steps: from })
    }

    /// The set-up line that the recorder was given; empty if it was given none.
    #[must_use]
    pub const fn set_up(&self) -> &'a str {
        self.set_up
    }

    /// How many events there were before the first one here.
    #[must_use]
    pub const fn gone(&self) -> u64 {
        self.gone
    }

    /// The state before the first event: for [`Policy::from_checkpoint`](crate::Policy::from_checkpoint), or where the recorder
    /// stood beside a handover for [`Handover::from_checkpoint`](crate::handover::Handover::from_checkpoint).
    #[must_use]
    pub const fn checkpoint(&self) -> &'a [u8] {
        self.checkpoint
    }

    /// The calls in their order: when, and the event, or `None` for a call of [`handle_timeout`](Decider::handle_timeout). It ends after an
    /// error, which is the last item.
    #[must_use]
    pub fn steps<T: FromName, K: FromName>(&self) -> Steps<'a, T, K> {
        Steps { from: self.steps.clone(), at: self.began_at, kinds: PhantomData }
    }
}

/// The calls that a [`Flight`] holds, from [`Flight::steps`].
#[derive(Debug)]
pub struct Steps<'a, T, K> {
    from: Reader<'a>,
    at: Instant,
    kinds: PhantomData<fn() -> (T, K)>,
}

impl<T: FromName, K: FromName> Iterator for Steps<'_, T, K> {
    type Item = Result<(Instant, Option<Event<T, K>>), CheckpointError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.from.rest().is_empty() {
            return None;
        }
        let step = load(&mut self.from, self.at);
        match &step {
            Ok((at, _)) => self.at = *at,
            Err(_) => self.from = Reader::new(&[]),
        }
        Some(step)
    }
}

impl<T: FromName, K: FromName> core::iter::FusedIterator for Steps<'_, T, K> {}

/// Writes a step that comes after one at `before`.
fn store<T: Named, K: Named>(
    to: &mut Writer<'_>,
    before: Instant,
    at: Instant,
    event: Option<&Event<T, K>>,
) -> Result<(), CheckpointError> {
    to.signed(at.as_micros().wrapping_sub(before.as_micros()) as i64)?;
    match event {
        Some(event) => event.store(to),
        None => to.bytes(&[TIMEOUT]),
    }
}

/// Reads it.
fn load<T: FromName, K: FromName>(
    from: &mut Reader<'_>,
    before: Instant,
) -> Result<(Instant, Option<Event<T, K>>), CheckpointError> {
    let at = Instant::from_micros(before.as_micros().wrapping_add(from.signed()? as u64));
    let event = match from.byte()? {
        TIMEOUT => None,
        kind => Some(event::load(kind, from)?),
    };
    Ok((at, event))
}

/// Steps one after the other, none of them cut in two: from `head` on to `tail`, or where the ring has turned to `top` and from
/// the beginning on to `tail`.
#[derive(Clone)]
struct Ring<const BYTES: usize> {
    bytes: [u8; BYTES],
    head: usize,
    tail: usize,
    /// Where the steps before the turn end, if it has turned.
    top: Option<usize>,
    count: usize,
}

impl<const BYTES: usize> Ring<BYTES> {
    const NEW: Self = Self { bytes: [0; BYTES], head: 0, tail: 0, top: None, count: 0 };

    /// Where the next step may go.
    fn free(&mut self) -> &mut [u8] {
        let end = if self.top.is_some() { self.head } else { BYTES };
        self.bytes.get_mut(self.tail..end).unwrap_or_default()
    }

    /// A step of so many bytes was written there.
    const fn push(&mut self, length: usize) {
        self.tail = self.tail.saturating_add(length);
        self.count = self.count.saturating_add(1);
    }

    /// The next step goes to the beginning. False if it does already, or nothing is there.
    const fn turn(&mut self) -> bool {
        let turns = self.top.is_none() && self.head > 0;
        if turns {
            self.top = Some(self.tail);
            self.tail = 0;
        }
        turns
    }

    /// The steps, the oldest ones first.
    fn parts(&self) -> [&[u8]; 2] {
        let part = |from, to| self.bytes.get(from..to).unwrap_or_default();
        match self.top {
            Some(top) => [part(self.head, top), part(0, self.tail)],
            None => [part(self.head, self.tail), &[]],
        }
    }

    fn oldest(&self) -> &[u8] {
        let [first, _] = self.parts();
        first
    }

    /// The oldest step, which has so many bytes, is gone.
    fn pop(&mut self, length: usize) {
        self.head = self.head.saturating_add(length);
        self.count = self.count.saturating_sub(1);
        if self.top == Some(self.head) {
            (self.head, self.top) = (0, None);
        }
        if self.count == 0 {
            (self.head, self.tail, self.top) = (0, 0, None);
        }
    }
}
