//! The configs under attack: everything that can be "at once", each by itself and together.

use super::*;

/// A config under attack.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) config: Config,
    pub(crate) endpoints: u8,
    /// A connection ends its outage as soon as it is established.
    pub(crate) trusts_at_once: bool,
}

const LADDER: BackoffConfig =
    BackoffConfig::exponential(SECOND, Ratio::TWO, Duration::from_secs(8)).build_const();

/// Everything that can be "at once", each by itself and together.
pub(crate) fn nasty() -> Vec<Case> {
    static ZEROS: [Duration; 4] =
        [Duration::ZERO, Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10)];
    static NOTHING: [Duration; 9] = [Duration::ZERO; 9];
    let base = Config::new(LADDER).build_const();
    let zeros = base
        .to_builder()
        .backoff(BackoffConfig::table(&ZEROS, AfterTable::RepeatLast).build_const())
        .build_const();
    let gapless = EndpointsConfig::new().gap(Duration::ZERO, Duration::ZERO).build_const();
    let at_once = zeros
        .to_builder()
        .requested_spread(Some(Duration::ZERO))
        .endpoints(gapless)
        .reset_after_stable(Duration::ZERO)
        .build_const();
    let credential = |refresh_on| {
        zeros
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(refresh_on).in_band(true).build_const())
            .build_const()
    };
    let list: [(&'static str, Config, u8, bool); 19] = [
        ("zeros", zeros, 1, false),
        ("zeros, two endpoints", zeros.to_builder().endpoints(gapless).build_const(), 2, false),
        ("zeros, three endpoints", zeros.to_builder().endpoints(gapless).build_const(), 3, false),
        ("zeros, five endpoints", zeros.to_builder().endpoints(gapless).build_const(), 5, false),
        (
            "nothing but zeros",
            zeros
                .to_builder()
                .backoff(BackoffConfig::table(&NOTHING, AfterTable::GiveUp).build_const())
                .build_const(),
            1,
            false,
        ),
        (
            "first at once",
            base.to_builder()
                .backoff(LADDER.to_builder().first_delay(Duration::ZERO).build_const())
                .build_const(),
            1,
            false,
        ),
        (
            "full jitter",
            base.to_builder().backoff(LADDER.to_builder().jitter(Jitter::Full).build_const()).build_const(),
            1,
            false,
        ),
        (
            "decorrelated",
            base.to_builder()
                .backoff(LADDER.to_builder().jitter(Jitter::Decorrelated).build_const())
                .build_const(),
            1,
            false,
        ),
        (
            "wait from the dial",
            zeros.to_builder().wait_from_dial(true).endpoints(gapless).build_const(),
            2,
            false,
        ),
        (
            "requested at once",
            zeros.to_builder().requested_spread(Some(Duration::ZERO)).build_const(),
            1,
            false,
        ),
        ("ready at once", at_once, 1, true),
        ("open at once", at_once.to_builder().establish(Establish::OnOpen).build_const(), 1, true),
        (
            "open at once, two endpoints",
            at_once.to_builder().establish(Establish::OnOpen).build_const(),
            2,
            true,
        ),
        (
            "renewed before each dial",
            credential(RefreshOn::Dial).to_builder().restart_on_network_up(true).build_const(),
            1,
            false,
        ),
        (
            "renewed when rejected",
            credential(RefreshOn::Auth).to_builder().restart_on_network_up(true).build_const(),
            1,
            false,
        ),
        (
            "never renewed",
            credential(RefreshOn::Never).to_builder().restart_on_network_up(true).build_const(),
            1,
            false,
        ),
        (
            "dropping",
            zeros
                .to_builder()
                .network(OnNetworkDown::Drop, Duration::ZERO)
                .on_network_change(OnNetworkChange::Drop)
                .on_visible(OnVisible::Probe)
                .establish(Establish::OnOpen)
                .build_const(),
            1,
            false,
        ),
        (
            "old in a moment",
            zeros.to_builder().max_age(Some(Duration::from_millis(1)), Duration::ZERO).build_const(),
            1,
            false,
        ),
        (
            "led around",
            zeros.to_builder().redirects(u8::MAX).requested_spread(Some(Duration::ZERO)).build_const(),
            2,
            false,
        ),
    ];
    let case = |(name, config, endpoints, trusts_at_once)| Case { name, config, endpoints, trusts_at_once };
    list.into_iter().map(case).collect()
}

pub(crate) fn all() -> Vec<Case> {
    let preset = |(name, config): &(&'static str, &'static Config)| Case {
        name,
        config: **config,
        endpoints: 1,
        trusts_at_once: false,
    };
    presets::ALL.iter().map(preset).chain(nasty()).collect()
}

impl Case {
    /// The first wait that is not 0, or a second: [`Config`]'s own guard.
    pub(crate) fn first_wait(&self) -> u64 {
        let backoff = self.config.backoff();
        let table = match backoff.curve() {
            Curve::Table(delays, _) => delays.iter().copied().find(|delay| !delay.is_zero()),
            _ => None,
        };
        let first = Some(backoff.initial_delay()).filter(|first| !first.is_zero()).or(table);
        first.unwrap_or(SECOND).as_micros() as u64
    }
}
