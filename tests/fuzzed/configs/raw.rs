//! Raw numbers, and configs of them: no number is chosen with a thought to what it is for.

use core::time::Duration;

use arbitrary::Unstructured;
use redial::backoff::AfterTable;
use redial::classify::{Cause, Class, Classifier, Match, Rule, Scope, Verdict, tables};
use redial::endpoints::{EndpointOrder, EndpointsConfig};
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn, RestoreConfig,
    ResumeConfig,
};
use redial::{BackoffConfig, Config, ConfigError, Jitter, Ratio, breaker};

pub struct Raw<'b>(Unstructured<'b>);

static TABLES: [&[Duration]; 4] = [
    &[],
    &[Duration::ZERO],
    &[Duration::from_nanos(1), Duration::MAX],
    &[Duration::from_secs(3), Duration::ZERO, Duration::from_secs(1)],
];

impl<'b> Raw<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Zeros at the end.
    pub fn u64(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// Small, huge or any.
    pub fn u32(&mut self) -> u32 {
        match self.below(4) {
            0 => self.below(8),
            1 => u32::MAX - self.below(3),
            _ => self.0.arbitrary().unwrap_or(0),
        }
    }

    pub fn u16(&mut self) -> u16 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub fn u8(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub fn flag(&mut self) -> bool {
        self.0.arbitrary().unwrap_or(false)
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        self.0.int_in_range(0..=bound - 1).unwrap_or(0)
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u32) as usize]
    }

    /// Any number of seconds and nanoseconds, mostly few.
    pub fn duration(&mut self) -> Duration {
        match self.below(6) {
            0 => Duration::from_millis(self.u16().into()),
            1 => Duration::from_secs(self.u16().into()),
            2 => Duration::from_nanos(self.u32().into()),
            3 => Duration::from_micros(self.u64()),
            4 => Duration::new(self.u64(), self.below(1_000_000_000)),
            _ => self.pick(&[
                Duration::ZERO,
                Duration::MAX,
                Duration::from_nanos(1),
                Duration::from_secs(86_400),
            ]),
        }
    }

    pub fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(read(self)) } else { None }
    }

    pub fn ratio(&mut self) -> Result<Ratio, ConfigError> {
        Ratio::new(self.u32(), self.u32())
    }

    fn jitter(&mut self) -> Result<Jitter, ConfigError> {
        Ok(match self.below(11) {
            0 => Jitter::None,
            1 => Jitter::Full,
            2 => Jitter::Equal,
            3 => Jitter::Decorrelated,
            4 => Jitter::PlusMinus(self.ratio()?),
            5 => Jitter::Window(self.ratio()?, self.ratio()?),
            6 => Jitter::Minus(self.ratio()?),
            7 => Jitter::Plus(self.ratio()?),
            8 => Jitter::PlusFixed(self.duration(), self.duration()),
            9 => Jitter::AboveInitial,
            _ => Jitter::DecorrelatedV2,
        })
    }

    pub fn backoff(&mut self) -> Result<BackoffConfig, ConfigError> {
        let (initial, max) = (self.duration(), self.duration());
        let mut builder = match self.below(8) {
            0 => BackoffConfig::exponential(initial, self.ratio()?, max),
            1 => BackoffConfig::constant(initial),
            2 => BackoffConfig::linear(initial, max),
            3 => BackoffConfig::fibonacci(initial, max),
            4 => BackoffConfig::elapsed(self.ratio()?, initial, max),
            5 => BackoffConfig::quadratic(initial, self.duration(), max),
            6 if self.flag() => BackoffConfig::windows(initial, self.duration()).max_delay(max),
            6 => BackoffConfig::windows(initial, self.duration()).phase_bits(self.u8()),
            _ => {
                let after = if self.flag() { AfterTable::GiveUp } else { AfterTable::RepeatLast };
                BackoffConfig::table(self.pick(&TABLES), after)
            }
        };
        if self.flag() {
            builder = builder.jitter(self.jitter()?);
        }
        if self.flag() {
            builder = builder.floor(self.duration());
        }
        if self.flag() {
            builder = builder.first_delay(self.duration());
        }
        if self.flag() {
            builder = builder.exact_first();
        }
        if self.flag() {
            builder = builder.max_fresh(self.duration());
        }
        builder.build()
    }

    pub fn breaker(&mut self) -> Result<breaker::Config, ConfigError> {
        let mut builder = breaker::Config::new(self.u32(), self.duration());
        if self.flag() {
            builder = builder.growth(self.ratio()?, self.duration());
        }
        if self.flag() {
            builder = builder.jitter(self.ratio()?);
        }
        if self.flag() {
            builder = builder.probes(self.u8());
        }
        if self.flag() {
            builder = builder.lease(self.duration());
        }
        builder.build()
    }

    pub fn classifier(&mut self) -> Result<Classifier, ConfigError> {
        let mut builder = Classifier::new(self.pick(&tables::ALL));
        if self.flag() {
            builder = builder.default_class(self.pick(Class::ALL));
        }
        for _ in 0..self.below(20) {
            let matches = match self.below(5) {
                0 => Match::Is(Cause::CloseFrame(self.u16())),
                1 => Match::CloseRange(self.u16(), self.u16()),
                2 => Match::HttpRange(self.u16(), self.u16()),
                3 => Match::AnyIo,
                _ => Match::AnyTls,
            };
            let mut verdict = Verdict::new(self.pick(Class::ALL)).with_limit(self.u8());
            verdict = verdict.with_scope(self.pick(&[Scope::Client, Scope::Endpoint, Scope::Service]));
            let (low, high) = (self.duration(), self.duration());
            let waiting = verdict.with_wait(low, high)?;
            verdict = verdict.with_wait_const(low, high);
            assert_eq!(verdict, waiting);
            builder = builder.rule(Rule::new(matches, verdict));
        }
        builder.build()
    }

    pub fn endpoints(&mut self) -> Result<EndpointsConfig, ConfigError> {
        let order = if self.flag() { EndpointOrder::LeastFailed } else { EndpointOrder::PrimaryFirst };
        let builder = EndpointsConfig::new().order(order).gap(self.duration(), self.duration());
        builder.sticky(self.duration()).half_life(self.duration()).build()
    }

    pub fn heartbeat(&mut self) -> Result<HeartbeatConfig, ConfigError> {
        let liveness = if self.flag() { Liveness::AnyTraffic } else { Liveness::Ack };
        let mut builder = HeartbeatConfig::new().liveness(liveness).first_jitter(self.flag());
        if self.flag() {
            builder = builder.interval(self.duration());
        }
        builder.required(self.flag()).missed(self.u8()).answer_within(self.maybe(Self::duration)).build()
    }

    pub fn resume(&mut self) -> Result<ResumeConfig, ConfigError> {
        let builder = ResumeConfig::new().enabled(self.flag()).sequence_needed(self.flag());
        let builder = builder.failures_max(self.u8()).invalid_wait(self.duration(), self.duration());
        builder.endpoint_fallback(self.u8(), self.duration()).build()
    }

    pub fn restore(&mut self) -> Result<RestoreConfig, ConfigError> {
        let builder = RestoreConfig::new().enabled(self.flag()).batches(self.u16(), self.duration());
        builder.confirm_timeout(self.maybe(Self::duration)).authentication(self.flag()).build()
    }

    pub fn credential(&mut self) -> Result<CredentialConfig, ConfigError> {
        let refresh_on = self.pick(&[RefreshOn::Auth, RefreshOn::Dial, RefreshOn::Never]);
        let builder = CredentialConfig::new().refresh_on(refresh_on).rejections_max(self.maybe(Self::u8));
        builder.timeout(self.duration()).lead(self.duration(), self.duration()).in_band(self.flag()).build()
    }

    /// A few settings each time, for with all of them hardly any config would be valid.
    pub fn config(&mut self) -> Result<Config, ConfigError> {
        let mut builder = Config::new(self.backoff()?);
        for _ in 0..self.below(8) {
            builder = match self.below(33) {
                0 => builder.classifier(self.classifier()?),
                1 => builder.reset_after_stable(self.duration()),
                2 => builder.stability_by_cap(),
                3 => builder.min_interval(self.duration()),
                4 => builder.max_attempts(self.maybe(Self::u32)),
                5 => builder.max_elapsed(self.maybe(Self::duration)),
                6 => builder.initial_limits(self.maybe(Self::u32), self.maybe(Self::duration)),
                7 => builder.wait_from_dial(self.flag()),
                8 => builder.long_outage(self.duration(), self.backoff()?),
                9 => builder.without_long_outage(),
                10 => builder.retry_after_max(self.duration()),
                11 => builder.retry_after_spread(self.ratio()?),
                12 => builder.breaker(Some(self.breaker()?)),
                13 => builder.endpoints(self.endpoints()?),
                14 => builder.redirects(self.u8()),
                15 => builder.connect_timeout(self.duration()),
                16 => builder.connect_timeout_growing(self.flag()),
                17 => builder.greeting(self.maybe(Self::duration)),
                18 => builder.without_greeting(),
                19 => builder.ready_timeout(self.maybe(Self::duration)),
                20 => builder.establish(if self.flag() { Establish::OnOpen } else { Establish::OnReady }),
                21 => builder.resume(self.resume()?),
                22 => builder.requested_spread(self.maybe(Self::duration)),
                23 => builder.heartbeat(self.heartbeat()?),
                24 => builder.restore(self.restore()?),
                25 => builder.credential(self.credential()?),
                26 => builder.max_age(self.maybe(Self::duration), self.duration()),
                27 => builder.close_code(self.u16()),
                28 => {
                    let on_down = [
                        OnNetworkDown::Park,
                        OnNetworkDown::Drop,
                        OnNetworkDown::Probe,
                        OnNetworkDown::Ignore,
                    ];
                    builder.network(self.pick(&on_down), self.duration())
                }
                29 => builder.restart_on_network_up(self.flag()),
                30 => {
                    let on_change = [OnNetworkChange::Probe, OnNetworkChange::Drop, OnNetworkChange::Ignore];
                    builder.on_network_change(self.pick(&on_change))
                }
                31 => builder.on_wake(if self.flag() { OnWake::Probe } else { OnWake::Redial }),
                _ => {
                    let visible = if self.flag() { OnVisible::Probe } else { OnVisible::Nothing };
                    builder.on_visible(visible).defer_while_hidden(self.flag())
                }
            };
        }
        builder.build()
    }
}
