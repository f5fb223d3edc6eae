//! Configs of policies, with every setting.

use core::time::Duration;

use crate::breaker;
use crate::endpoints::{EndpointOrder, EndpointsConfig};
use crate::heartbeat::{HeartbeatConfig, Liveness};
use crate::policy::{
    Config, CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn,
    RestoreConfig, ResumeConfig,
};
use crate::presets;
use crate::ratio::Ratio;

use super::Script;

const HALF: Ratio = Ratio::new_const(1, 2);

/// Five failures, a minute.
const BREAKER: breaker::Config = breaker::Config::new(5, Duration::from_secs(60)).build_const();

impl Script<'_> {
    /// A valid config: every setting of it, over its whole range, or, in one of four cases, a [preset](crate::presets).
    ///
    /// [`longest_wait`](crate::testing::longest_wait) tells what such a config can bring about.
    pub fn config(&mut self) -> Config {
        if self.choices.one_in(4) {
            return *self.choices.pick(presets::ALL, ("recommended", &presets::RECOMMENDED)).1;
        }
        let mut config = presets::RECOMMENDED;
        config = Config::new(self.backoff()).build().unwrap_or(config);
        self.outage(&mut config);
        self.limits(&mut config);
        self.connection(&mut config);
        self.host_settings(&mut config);
        config
    }

    /// What delays a dial.
    fn outage(&mut self, config: &mut Config) {
        let classifier = self.classifier();
        *config = config.to_builder().classifier(classifier).build().unwrap_or(*config);
        if self.choices.flag() {
            let held = self.duration();
            *config = config.to_builder().reset_after_stable(held).build().unwrap_or(*config);
        }
        if self.choices.one_in(3) {
            let apart = self.duration();
            *config = config.to_builder().min_interval(apart).build().unwrap_or(*config);
        }
        if self.choices.one_in(4) {
            let (after, backoff) = (self.duration(), self.backoff());
            *config = config.to_builder().long_outage(after, backoff).build().unwrap_or(*config);
        }
        let (from_dial, longest) = (self.choices.one_in(4), self.duration());
        let spread = self.choices.pick(&[Ratio::ZERO, Ratio::ONE, Ratio::TWO, HALF], Ratio::ZERO);
        *config = config
            .to_builder()
            .wait_from_dial(from_dial)
            .retry_after_max(longest)
            .retry_after_spread(spread)
            .build()
            .unwrap_or(*config);
        let endpoints = self.endpoints();
        *config = config.to_builder().endpoints(endpoints).build().unwrap_or(*config);
        let hops = self.choices.pick(&[5, 0, 1, 255], 5);
        *config = config.to_builder().redirects(hops).build().unwrap_or(*config);
        if self.choices.flag() {
            let breaker = self.breaker();
            *config = config.to_builder().breaker(Some(breaker)).build().unwrap_or(*config);
        }
    }

    pub(in crate::testing) fn endpoints(&mut self) -> EndpointsConfig {
        let order = self
            .choices
            .pick(&[EndpointOrder::PrimaryFirst, EndpointOrder::LeastFailed], EndpointOrder::PrimaryFirst);
        let mut endpoints = EndpointsConfig::DEFAULT;
        let (sticky, low, high, half_life) =
            (self.duration(), self.duration(), self.duration(), self.duration());
        endpoints = endpoints.to_builder().order(order).sticky(sticky).build().unwrap_or(endpoints);
        endpoints = endpoints.to_builder().gap(low, high).build().unwrap_or(endpoints);
        endpoints = endpoints.to_builder().half_life(half_life).build().unwrap_or(endpoints);
        endpoints
    }

    /// A valid breaker that counts failures in a row.
    pub fn breaker(&mut self) -> breaker::Config {
        let (open, longest, lease) = (self.duration(), self.duration(), self.duration());
        let mut breaker = BREAKER;
        let failures = self.choices.below(6).saturating_add(1);
        breaker = breaker::Config::new(failures, open).build().unwrap_or(breaker);
        let factor = self.ratio();
        breaker = breaker.to_builder().growth(factor, longest).build().unwrap_or(breaker);
        if self.choices.flag() {
            let share = self.ratio();
            breaker = breaker.to_builder().jitter(share).build().unwrap_or(breaker);
        }
        let probes = self.choices.pick(&[1, 2, 3, 16], 1);
        breaker = breaker.to_builder().probes(probes).build().unwrap_or(breaker);
        breaker = breaker.to_builder().lease(lease).build().unwrap_or(breaker);
        breaker
    }

    /// How many attempts and how much time an outage may take.
    fn limits(&mut self, config: &mut Config) {
        if self.choices.one_in(4) {
            let attempts = self.maybe_count();
            *config = config.to_builder().max_attempts(attempts).build().unwrap_or(*config);
        }
        if self.choices.one_in(4) {
            let elapsed = self.maybe_duration();
            *config = config.to_builder().max_elapsed(elapsed).build().unwrap_or(*config);
        }
        if self.choices.one_in(4) {
            let (attempts, elapsed) = (self.maybe_count(), self.maybe_duration());
            *config = config.to_builder().initial_limits(attempts, elapsed).build().unwrap_or(*config);
        }
    }

    fn maybe_count(&mut self) -> Option<u32> {
        if self.choices.flag() { Some(self.choices.byte().into()) } else { None }
    }

    /// What a connection goes through.
    fn connection(&mut self, config: &mut Config) {
        if self.choices.flag() {
            let timeout = self.duration();
            *config = config.to_builder().connect_timeout(timeout).build().unwrap_or(*config);
        }
        let growing = self.choices.one_in(4);
        *config = config.to_builder().connect_timeout_growing(growing).build().unwrap_or(*config);
        if self.choices.flag() {
            let timeout = self.maybe_duration();
            *config = config.to_builder().greeting(None).build().unwrap_or(*config);
            *config = config.to_builder().greeting(timeout).build().unwrap_or(*config);
        }
        let timeout = self.maybe_duration();
        *config = config.to_builder().ready_timeout(timeout).build().unwrap_or(*config);
        let establish = if self.choices.flag() { Establish::OnOpen } else { Establish::OnReady };
        let (resume, heartbeat) = (self.resume(), self.heartbeat());
        let (restore, credential) = (self.restore(), self.credential());
        *config = config
            .to_builder()
            .establish(establish)
            .resume(resume)
            .heartbeat(heartbeat)
            .restore(restore)
            .credential(credential)
            .build()
            .unwrap_or(*config);
        let (spread, age, early) = (self.maybe_duration(), self.maybe_duration(), self.duration());
        *config = config.to_builder().requested_spread(spread).build().unwrap_or(*config);
        *config = config.to_builder().max_age(age, early).build().unwrap_or(*config);
        let code = self.between(3_000, 4_999);
        *config = config.to_builder().close_code(code).build().unwrap_or(*config);
    }

    pub(in crate::testing) fn resume(&mut self) -> ResumeConfig {
        let (enabled, needed, failures) = (!self.choices.one_in(4), self.choices.flag(), self.choices.byte());
        let (low, high) = (self.duration(), self.duration());
        let (dials, after) = (self.choices.byte(), self.duration());
        let mut resume = ResumeConfig::DEFAULT;
        resume = resume
            .to_builder()
            .enabled(enabled)
            .sequence_needed(needed)
            .endpoint_fallback(dials, after)
            .build()
            .unwrap_or(resume);
        resume = resume.to_builder().failures_max(failures).build().unwrap_or(resume);
        resume = resume.to_builder().invalid_wait(low, high).build().unwrap_or(resume);
        resume
    }

    pub(in crate::testing) fn heartbeat(&mut self) -> HeartbeatConfig {
        let mut heartbeat = HeartbeatConfig::DEFAULT;
        let (first_jitter, required) = (self.choices.flag(), self.choices.one_in(4));
        let liveness = if self.choices.flag() { Liveness::AnyTraffic } else { Liveness::Ack };
        heartbeat = heartbeat
            .to_builder()
            .first_jitter(first_jitter)
            .required(required)
            .liveness(liveness)
            .build()
            .unwrap_or(heartbeat);
        if self.choices.flag() {
            let interval = self.duration();
            heartbeat = heartbeat.to_builder().interval(interval).build().unwrap_or(heartbeat);
        }
        let (missed, within) = (self.choices.byte(), self.maybe_duration());
        heartbeat = heartbeat.to_builder().missed(missed).build().unwrap_or(heartbeat);
        heartbeat = heartbeat.to_builder().answer_within(within).build().unwrap_or(heartbeat);
        heartbeat
    }

    pub(in crate::testing) fn restore(&mut self) -> RestoreConfig {
        let (enabled, authentication) = (!self.choices.one_in(4), self.choices.flag());
        let (batch, interval) = (self.choices.pick(&[1, 2, 3, 50, 65_535, 0], 1), self.duration());
        let timeout = self.maybe_duration();
        let mut restore = RestoreConfig::DEFAULT;
        restore =
            restore.to_builder().enabled(enabled).authentication(authentication).build().unwrap_or(restore);
        restore = restore.to_builder().batches(batch, interval).build().unwrap_or(restore);
        restore = restore.to_builder().confirm_timeout(timeout).build().unwrap_or(restore);
        restore
    }

    pub(in crate::testing) fn credential(&mut self) -> CredentialConfig {
        let refresh_on =
            self.choices.pick(&[RefreshOn::Auth, RefreshOn::Dial, RefreshOn::Never], RefreshOn::Auth);
        let rejections = if self.choices.flag() { Some(self.choices.byte()) } else { None };
        let (lead, spread, timeout) = (self.duration(), self.duration(), self.duration());
        let in_band = self.choices.flag();
        let mut credential = CredentialConfig::DEFAULT;
        credential = credential
            .to_builder()
            .refresh_on(refresh_on)
            .rejections_max(rejections)
            .lead(lead, spread)
            .in_band(in_band)
            .build()
            .unwrap_or(credential);
        credential = credential.to_builder().timeout(timeout).build().unwrap_or(credential);
        credential
    }

    /// What events of the host do.
    fn host_settings(&mut self, config: &mut Config) {
        let on_down = self.choices.pick(
            &[OnNetworkDown::Park, OnNetworkDown::Drop, OnNetworkDown::Ignore, OnNetworkDown::Probe],
            OnNetworkDown::Park,
        );
        let on_change = self.choices.pick(
            &[OnNetworkChange::Probe, OnNetworkChange::Drop, OnNetworkChange::Ignore],
            OnNetworkChange::Probe,
        );
        let on_wake = if self.choices.flag() { OnWake::Probe } else { OnWake::Redial };
        let on_visible = if self.choices.flag() { OnVisible::Probe } else { OnVisible::Nothing };
        let (spread, restart, defer) = (self.duration(), self.choices.one_in(4), !self.choices.one_in(3));
        *config = config
            .to_builder()
            .network(on_down, spread)
            .on_network_change(on_change)
            .on_wake(on_wake)
            .on_visible(on_visible)
            .restart_on_network_up(restart)
            .defer_while_hidden(defer)
            .build()
            .unwrap_or(*config);
    }
}
