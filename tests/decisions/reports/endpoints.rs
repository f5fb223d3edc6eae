//! Where the next dial goes: away from what does not hold, and to where a server says.

use redial::classify::Classifier;
use redial::classify::tables;
use redial::endpoints::{Endpoints, FixedEndpoints};
use redial::policy::Endpoint;
use redial::policy::{ResumeConfig, WaitReason};
use redial::{Cause, Config, Disposition, Event, Mode, Phase};
use redial::{Policy, SplitMix64};

use crate::harness::*;
use crate::reports::BASE;

type Walker = Harness<FixedEndpoints<4>>;

fn walker(config: Config, count: u8, seed: u64) -> Walker {
    let endpoints = FixedEndpoints::new(count).expect("room for them");
    let mut rig =
        Harness::of(Policy::from_parts(config, SplitMix64::new(seed), Default::default(), endpoints));
    rig.start();
    rig
}

/// The server names another endpoint; with the loss or the request that follows.
fn name<E: Bases>(rig: &mut Harness<E>, endpoint: &'static str, permanent: bool) {
    let epoch = rig.epoch();
    rig.event(Event::Redirected { epoch, endpoint, permanent });
}

/// Where the dial under way goes.
fn dialled<E: Bases>(rig: &Harness<E>) -> (Endpoint, Option<&'static str>) {
    assert_eq!(rig.phase(), Phase::Connecting, "{}", rig.told());
    (rig.told().endpoint, rig.policy.redirect().copied())
}

const BASE_DIAL: (Endpoint, Option<&str>) = (Endpoint::Base, None);

fn at(name: &'static str) -> (Endpoint, Option<&'static str>) {
    (Endpoint::Redirect, Some(name))
}

/// Report 06 (nats-io/nats.py#868): a server in lame-duck mode asks its clients to leave while two others are healthy, and
/// the clients came back to the dying one. The next round begins with another server.
#[test]
fn report_06_a_server_that_asks_to_be_left_is_left() {
    for seed in 0..30 {
        let mut rig = walker(BASE.to_builder().resume(ResumeConfig::DISABLED).build_const(), 3, seed);
        let mut left = Vec::new();
        for _ in 0..3 {
            rig.establish();
            rig.advance(secs(60));
            left.push(rig.policy.endpoints().current());
            rig.reconnect_requested();
            assert_eq!(rig.waits(), secs(1), "a round of its own");
            rig.redial();
            assert_ne!(Some(&rig.policy.endpoints().current()), left.last(), "seed {seed}");
        }
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2], "seed {seed}: each was tried before one was tried again");
    }
}

/// Report 14 (porsager/postgres#815, HikariCP#1802): the first host of the list accepts and is useless, and the others were
/// never tried. An endpoint whose connections don't last is left, and one whose do is kept.
#[test]
fn report_14_an_endpoint_whose_connections_do_not_last_is_left() {
    for seed in 0..30 {
        let mut rig = walker(BASE.to_builder().resume(ResumeConfig::DISABLED).build_const(), 3, seed);
        let mut visited = Vec::new();
        for wait in [1, 2, 4] {
            rig.establish();
            visited.push(rig.policy.endpoints().current());
            rig.advance(ms(500));
            rig.code(1011);
            assert_eq!(rig.waits(), secs(wait), "they are one service, and the wait grows");
            rig.redial();
        }
        visited.sort_unstable();
        assert_eq!(visited, [0, 1, 2], "seed {seed}");
        rig.establish();
        rig.advance(secs(60));
        let good = rig.policy.endpoints().current();
        rig.code(1011);
        rig.redial();
        assert_eq!(rig.policy.endpoints().current(), good, "seed {seed}");
    }
}

/// Report 20 (profanity-im/profanity#1628, FluuxIO/go-xmpp#84): a stream error names another host during the login, and the
/// client reported a failed login. The next dial goes there, again and again, and after that host's connection home.
#[test]
fn report_20_a_login_is_sent_to_another_host() {
    let mut rig = Harness::started(BASE);
    for (host, wait) in [("b.example:5222", 1), ("c.example:5222", 2)] {
        rig.opened();
        name(&mut rig, host, false);
        rig.reconnect_requested();
        assert_eq!(rig.redial(), secs(wait));
        assert_eq!(dialled(&rig), at(host));
    }
    rig.establish();
    rig.advance(secs(60));
    rig.lose();
    rig.redial();
    assert_eq!(dialled(&rig), BASE_DIAL);
    // A verdict that comes with a host is the way there, and no end.
    let mut rig = Harness::started(BASE);
    name(&mut rig, "b.example:5222", false);
    assert_eq!(gave_up(&rig.refuse(301, None)), None);
    rig.redial();
    assert_eq!(dialled(&rig), at("b.example:5222"));
}

/// Report 21 (Teekeks/pyTwitchAPI#286, twitch-rs/twitch_api#501): the server gives a URL to move to and a time for it, and
/// clients that closed first and came without it lost events and were refused. The connection is kept at first, then the
/// session is resumed at that URL, and what was subscribed is not sent again. With a handover the old socket lives until the
/// new one is welcomed.
#[test]
fn report_21_a_session_moves_to_the_url_it_is_given() {
    for seed in 0..30 {
        let mut rig = Harness::seeded(BASE, seed);
        rig.subscribe("follow");
        rig.start();
        assert_eq!(restores(&rig.establish()), 1);
        let epoch = rig.epoch();
        rig.event(Event::SubscriptionConfirmed { epoch, key: "follow", send: None });
        rig.advance(secs(60));
        name(&mut rig, "wss://cell-a.example/ws", false);
        rig.event(Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(secs(30)) });
        let (kept, reason) = rig.due().expect("a plan");
        assert_eq!((rig.phase(), reason), (Phase::Online, WaitReason::Requested));
        assert!(kept <= secs(15), "{kept:?}");
        hear_until(&mut rig, kept);
        assert_eq!((dialled(&rig), rig.told().mode), (at("wss://cell-a.example/ws"), Mode::Resume));
        assert_eq!((restores(&rig.establish()), rig.policy.stats().losses), (0, 0));
    }
}

/// Events still come until the old connection is closed.
fn hear_until(rig: &mut Harness, kept: core::time::Duration) {
    assert!(rig.advance(kept / 2).is_empty());
    rig.sequence(2);
    assert_eq!((rig.disposition(), rig.policy.session().sequence()), (Disposition::Applied, Some(2)));
    assert!(keeps_session(&rig.advance(kept - kept / 2)));
}

/// Report 61 (faststream-community/zMQTT#90, moscajs/aedes#1115): MQTT 5 has "use another server" and "server moved", each
/// with a name, and clients dialled the old one forever. It is dialled, for once or until a stop; not in a circle.
#[test]
fn report_61_another_server_for_now_or_for_good() {
    let config = BASE
        .to_builder()
        .classifier(Classifier::new(&tables::MQTT5).build_const())
        .redirects(2)
        .build_const();
    // For now.
    let mut rig = Harness::started(config);
    rig.opened();
    name(&mut rig, "x.example", false);
    rig.code(156);
    rig.redial();
    assert_eq!(dialled(&rig), at("x.example"));
    rig.establish();
    rig.advance(secs(60));
    rig.lose();
    rig.redial();
    assert_eq!(dialled(&rig), BASE_DIAL);
    // For good: until a stop.
    rig.establish();
    rig.advance(secs(60));
    name(&mut rig, "y.example", true);
    rig.code(157);
    for _ in 0..3 {
        rig.redial();
        assert_eq!(dialled(&rig), at("y.example"));
        rig.establish();
        rig.advance(secs(60));
        rig.lose();
    }
    rig.stop(true);
    rig.start();
    assert_eq!(dialled(&rig), BASE_DIAL);
    // One that does not answer has had its turn, for good or not.
    name(&mut rig, "z.example", true);
    rig.code(157);
    rig.redial();
    assert_eq!(dialled(&rig), at("z.example"));
    rig.fail(REFUSED);
    rig.redial();
    assert_eq!(dialled(&rig), BASE_DIAL);
    // Two servers that send each other's clients on: two hops in one outage, then the configured one.
    let mut rig = Harness::started(config);
    let mut seen = Vec::new();
    for host in ["x.example", "y.example", "x.example", "y.example"] {
        name(&mut rig, host, false);
        rig.close(Cause::CloseFrame(156));
        rig.redial();
        seen.push(dialled(&rig));
    }
    assert_eq!(seen, [at("x.example"), at("y.example"), BASE_DIAL, BASE_DIAL]);
}
