//! A config that the compiler knows: what it does not use costs nothing, and nothing else changes. Policies on one, and with
//! parts left out, beside whole ones.

use core::hash::Hash;
use core::marker::PhantomData;
use core::time::Duration;

use crate::harness::{KEYS, TestEvent};
use rand_core::Rng;
use redial::breaker;
use redial::endpoints::{Endpoints, FixedEndpoints};
use redial::heartbeat::{Heartbeat, HeartbeatConfig};
use redial::policy::{ConfigSource, OptionalPart, POLICY_STATE_BYTES, ResumeConfig};
use redial::subscriptions::{FixedSubscriptions, NoSubscriptions};
use redial::testing::Script;
use redial::{
    Actions, BackoffConfig, CircuitBreaker, Config, Event, Explanation, Instant, Policy, Ratio, SessionState,
    SplitMix64, Stats, fixed_config, presets,
};

const LADDER: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
const BREAKER: breaker::Config = breaker::Config::new(5, Duration::from_secs(60)).build_const();

/// Bytes of a policy beside a reference to its config and its generator.
const fn state<T, C: ConfigSource>() -> usize {
    size_of::<Policy<SplitMix64, T, NoSubscriptions, C>>() - size_of::<&Config>() - size_of::<SplitMix64>()
}

/// A config of the test's run, for policies without the parts that are `()`: what a fixed config is to the compiler.
struct Without<B, H, D>(&'static Config, Parts<B, H, D>);
type Parts<B, H, D> = PhantomData<fn() -> (B, H, D)>;

/// Whether there are sessions.
trait Sessions {
    type Of<T>: OptionalPart<SessionState<T>>;
}

impl Sessions for SessionState {
    type Of<T> = SessionState<T>;
}

impl Sessions for () {
    type Of<T> = ();
}

impl<B, H, D> redial::policy::fixed::Sealed for Without<B, H, D> {}

impl<B, H, D> ConfigSource for Without<B, H, D>
where
    B: OptionalPart<CircuitBreaker> + Clone + Eq + Hash,
    H: OptionalPart<Heartbeat> + Clone + Eq + Hash,
    D: Sessions,
{
    type Breaker = B;
    type Heartbeat = H;
    type Session<T> = D::Of<T>;

    fn config(&self) -> &Config {
        self.0
    }
}

type NoBreaker = Without<(), Heartbeat, SessionState>;
type NoHeartbeat = Without<CircuitBreaker, (), SessionState>;
type NoSession = Without<CircuitBreaker, Heartbeat, ()>;
type Leanest = Without<(), (), ()>;

const PLAIN: Config = Config::new(LADDER).resume(ResumeConfig::DISABLED).build_const();
const EVERY_SECOND: HeartbeatConfig = HeartbeatConfig::new().interval(Duration::from_secs(1)).build_const();

fixed_config!(struct Whole = PLAIN.to_builder().breaker(Some(BREAKER)).heartbeat(EVERY_SECOND).resume(ResumeConfig::DEFAULT).build_const());
fixed_config!(struct Nothing = PLAIN);
fixed_config!(struct Breaker = PLAIN.to_builder().breaker(Some(BREAKER)).build_const());
fixed_config!(struct Beats = PLAIN.to_builder().heartbeat(EVERY_SECOND).build_const());
fixed_config!(struct Greets = PLAIN.to_builder().greeting(None).build_const());
fixed_config!(struct MustBeat = PLAIN.to_builder().heartbeat(HeartbeatConfig::new().required(true).build_const()).build_const());
fixed_config!(struct Resumes = PLAIN.to_builder().resume(ResumeConfig::DEFAULT).build_const());

/// Issues 3 and 12: the state is small, and what a config that the compiler knows does not use costs no byte of it.
#[test]
fn what_is_not_used_takes_no_byte() {
    // A fixed config takes no byte either.
    let fixed = |bytes: usize| bytes + size_of::<&Config>();
    let whole = state::<(), &Config>();
    assert_eq!(whole, POLICY_STATE_BYTES);
    assert_eq!(fixed(state::<(), Whole>()), whole);
    let (breaker, heartbeat) = (size_of::<CircuitBreaker>(), size_of::<Heartbeat>());
    let session = size_of::<SessionState<()>>();
    let lean = whole - breaker - heartbeat - session;
    assert_eq!(fixed(state::<(), Nothing>()), lean);
    assert!(lean <= 176, "{lean}");
    assert_eq!(fixed(state::<(), Breaker>()), lean + breaker);
    for beats in [state::<(), Beats>(), state::<(), Greets>(), state::<(), MustBeat>()] {
        assert_eq!(fixed(beats), lean + heartbeat);
    }
    assert_eq!(fixed(state::<(), Resumes>()), lean + session);
    // The name of an endpoint that a server may give is the caller's storage.
    assert_eq!(fixed(state::<String, Nothing>()), lean + size_of::<Option<String>>());
}

/// What a caller can see of a policy.
#[derive(Debug, PartialEq)]
struct Seen {
    actions: Actions,
    explanation: Explanation,
    deadline: Option<Instant>,
    stats: Stats,
    subscriptions: FixedSubscriptions<u8, KEYS>,
    endpoint: u8,
    snapshot: Option<redial::policy::Snapshot<u8>>,
}

type Of<C> = Policy<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, C, FixedEndpoints<3>>;

fn see<C: ConfigSource>(policy: &mut Of<C>, now: Instant, event: Option<TestEvent<u8>>) -> Seen {
    let actions = match event {
        Some(event) => policy.handle_event(now, event),
        None => policy.handle_timeout(now),
    };
    Seen {
        actions,
        explanation: policy.explain(),
        deadline: policy.poll_timeout(),
        stats: policy.stats(),
        subscriptions: policy.subscriptions().clone(),
        endpoint: policy.endpoints().current(),
        snapshot: policy.snapshot(now),
    }
}

/// The same script twice: with the config itself, and with a source that leaves out what it does not use.
/// Returns how many events and timeouts that was.
fn side_by_side<C: ConfigSource>(
    bytes: &[u8],
    plain: fn(Config) -> Config,
    lean: fn(&'static Config) -> C,
) -> usize {
    let mut script = Script::from_bytes(bytes);
    let config: &Config = Box::leak(Box::new(plain(script.config())));
    let seed = SplitMix64::new(script.seed());
    let endpoints = FixedEndpoints::new(1 + script.below(3) as u8).expect("1 to 3 endpoints");
    let lent = crate::harness::Lent(config);
    let mut whole = Policy::from_parts(lent, seed.clone(), FixedSubscriptions::new(), endpoints.clone());
    let lender = lean(config);
    let mut lean: Of<C> = Policy::from_parts(lender, seed, FixedSubscriptions::new(), endpoints);
    let (mut now, mut steps) = (Instant::ZERO, 0);
    while let (Some(step), true) = (script.next_step(&whole, now), steps < 2_000) {
        let event = step.event;
        now = step.at;
        let beats = <C::Heartbeat as OptionalPart<Heartbeat>>::NEW.get().is_some();
        if let (false, Some(Event::Greeting { .. } | Event::KeepAlive { .. })) = (beats, &event) {
            continue;
        }
        let expected = see(&mut whole, now, event.clone());
        let mut seen = see(&mut lean, now, event.clone());
        if let (false, Some(Event::HeartbeatAcked { .. })) = (beats, &event) {
            // The answer to a heartbeat that the server asked for concerns a heartbeat alone.
            assert!(seen.actions.is_empty() && expected.actions.is_empty());
            seen.actions = expected.actions;
        }
        assert_eq!(seen, expected, "{} us: {event:?}", now.as_micros());
        steps += 1;
    }
    steps
}

/// Many scripts; enough of them get somewhere.
fn same<C: ConfigSource>(plain: fn(Config) -> Config, lean: fn(&'static Config) -> C) {
    let (mut rng, stories) = (SplitMix64::new(20), crate::harness::cases(500));
    let mut steps = 0;
    for _story in 0..stories {
        let mut bytes = [0; 1_200];
        rng.fill_bytes(&mut bytes);
        steps += side_by_side(&bytes, plain, lean);
    }
    assert!(steps > 100 * stories as usize, "{steps}");
}

const fn without_breaker(config: &'static Config) -> NoBreaker {
    Without(config, PhantomData)
}

const fn without_heartbeat(config: &'static Config) -> NoHeartbeat {
    Without(config, PhantomData)
}

const fn without_session(config: &'static Config) -> NoSession {
    Without(config, PhantomData)
}

const fn without_any(config: &'static Config) -> Leanest {
    Without(config, PhantomData)
}

#[test]
fn a_policy_without_a_breaker_decides_the_same() {
    same(|config| config.to_builder().breaker(None).build_const(), without_breaker);
}

#[test]
fn a_policy_without_a_heartbeat_decides_the_same() {
    let plain = |config: Config| {
        config.to_builder().heartbeat(HeartbeatConfig::DEFAULT).without_greeting().build_const()
    };
    same(plain, without_heartbeat);
}

#[test]
fn a_policy_without_a_session_decides_the_same() {
    same(|config| config.to_builder().resume(ResumeConfig::DISABLED).build_const(), without_session);
}

#[test]
fn a_policy_without_any_of_them_decides_the_same() {
    let plain = |config: Config| {
        let config = config.to_builder().heartbeat(HeartbeatConfig::DEFAULT).without_greeting().build_const();
        config.to_builder().breaker(None).resume(ResumeConfig::DISABLED).build_const()
    };
    same(plain, without_any);
}

/// Each of these presets as a type.
macro_rules! fixed_presets {
    ($($name:ident = $preset:ident,)*) => {
        $(fixed_config!(struct $name = presets::$preset);)*

        const FIXED: &[fn() -> (Config, Config)] = &[$(|| (*$name.config(), presets::$preset),)*];
    };
}

fixed_presets! {
    Recommended = RECOMMENDED,
    Websocket = WEBSOCKET,
    Fleet = FLEET,
    Eager = EAGER,
    Few = FEW,
    Battery = BATTERY,
    DiscordGateway = DISCORD_GATEWAY,
    Carbon = CARBON,
    Twilight = TWILIGHT,
    Omi = OMI,
    WebsockexGuide = WEBSOCKEX_GUIDE,
    ZenWebsocket = ZEN_WEBSOCKET,
    Centrifuge = CENTRIFUGE,
    Ably = ABLY,
    Phoenix = PHOENIX,
    Signalr = SIGNALR,
    SocketIo = SOCKET_IO,
    RustSocketio = RUST_SOCKETIO,
    ReconnectingWebsocket = RECONNECTING_WEBSOCKET,
    Partysocket = PARTYSOCKET,
    GraphqlWs = GRAPHQL_WS,
    Pusher = PUSHER,
    MqttJs = MQTT_JS,
    PahoJava = PAHO_JAVA,
    Rumqttc = RUMQTTC,
    NatsGo = NATS_GO,
    NatsGoTls = NATS_GO_TLS,
    NatsJs = NATS_JS,
    AsyncNats = ASYNC_NATS,
    RedisRs = REDIS_RS,
    Fred = FRED,
    Grpc = GRPC,
    GrpcGo = GRPC_GO,
    Tonic = TONIC,
    K8sReflector = K8S_REFLECTOR,
    Libp2pGo = LIBP2P_GO,
    AwsFull = AWS_FULL,
    AwsEqual = AWS_EQUAL,
    AwsDecorrelated = AWS_DECORRELATED,
    StubbornIo = STUBBORN_IO,
    Tower = TOWER,
    Backon = BACKON,
    BackoffCrate = BACKOFF_CRATE,
    Polly = POLLY,
    PollyRetry = POLLY_RETRY,
    Ezsockets = EZSOCKETS,
}

#[test]
fn every_preset_can_be_known_to_the_compiler() {
    let fixed: Vec<_> = FIXED.iter().map(|of| of()).collect();
    for (fixed, preset) in &fixed {
        assert_eq!(fixed, preset);
    }
    for (name, preset) in presets::ALL {
        assert!(fixed.iter().any(|(fixed, _)| fixed == *preset), "{name} is not among them");
    }
}

/// The policies of some presets, in full: with all parts, without a breaker, and with none.
#[test]
fn a_policy_on_a_fixed_config_decides_the_same() {
    fixed_config!(struct None = PLAIN);
    same(|_| presets::DISCORD_GATEWAY, |_| DiscordGateway);
    same(|_| presets::RECOMMENDED, |_| Recommended);
    same(|_| PLAIN, |_| None);
}
