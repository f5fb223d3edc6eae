//! What an MQTT server does, and what is asked of a client: to connect, to subscribe to `a` and `b`, and to stay.

use super::judges::{
    acknowledges, finds_out, keeps_alive, refuses_session, resubscribed, subscribed_or_kept, version_5,
};
use super::{Connack, Move, Play, Script, Serve};
use crate::fault::{Away, Fault, Script as AnyScript};
use crate::judge::{LONG_OUTAGE, back, back_or_leaves, both, ends, obeys, slows, sparing, spreads};
use crate::timeline::Seen;
use crate::verdict::Verdict;

const RECOVER: &str = "MQTT 5 §4.1 and 3.1.1 §3.1.2.4: without a session on the server the client subscribes anew; one that stays away has given up silently";
const BACKOFF: &str = "AWS IoT Device Advisor, \"Device connect retries with exponential backoff\"; AWS, \"Exponential Backoff And Jitter\"";
const JITTER: &str = "AWS IoT Device Advisor, \"Device connect retries with jitter backoff\"; AWS, \"Exponential Backoff And Jitter\"";
const REFUSED: &str =
    "MQTT 5 §3.2.2.2, 3.1.1 §3.2.2.3: the server does not accept this client; asking at a rate is no cure";

const BACK: u64 = 45_000;

fn script(first: impl IntoIterator<Item = Play>, then: Play) -> AnyScript {
    AnyScript::Mqtt(Script { first: first.into_iter().collect(), then })
}

fn serve(moves: impl IntoIterator<Item = Move>) -> Play {
    Play::Serve(Serve { moves: moves.into_iter().collect(), ..Serve::default() })
}

fn once(moves: impl IntoIterator<Item = Move>) -> AnyScript {
    script([serve([Move::Wait(900), Move::Fault].into_iter().chain(moves))], serve([]))
}

fn every(play: Play) -> AnyScript {
    script([], play)
}

fn connack(connack: Connack) -> Play {
    Play::Serve(Serve { connack, moves: vec![Move::Fault] })
}

fn refuse(reason: u8, code: u8) -> Play {
    connack(Connack { reason, code, ..Connack::default() })
}

/// A server that does nothing wrong.
pub(crate) fn in_order() -> AnyScript {
    every(serve([]))
}

pub(crate) fn all() -> Vec<Fault> {
    let mut all = losses();
    all.extend(refusals());
    all.extend(disconnects());
    all.extend(sessions());
    all.extend(keep_alives());
    all.extend(paces());
    all.extend(wrong_packets());
    all
}

fn losses() -> Vec<Fault> {
    let recovered = || both(back(BACK), resubscribed);
    vec![
        Fault::new("fin", "ends the connection", RECOVER, once([Move::Fin])).judged(BACK, recovered()),
        Fault::new("reset", "resets the connection", RECOVER, once([Move::Reset])).judged(BACK, recovered()),
        Fault::new(
            "reset-in-packet",
            "resets the connection in the middle of a PUBLISH",
            RECOVER,
            once([Move::Raw(vec![0x30, 100, 0, 1, b'a']), Move::Wait(50), Move::Reset]),
        )
        .judged(BACK, recovered()),
        Fault::new("port-closed", "resets the connection and refuses dials for 6 s", RECOVER, once([Move::Reset]))
            .away(Away::AfterFault(6_000))
            .judged(60_000, both(back(60_000), resubscribed)),
        Fault::new(
            "outage",
            "resets the connection, and the next two dials as soon as they are accepted",
            RECOVER,
            script(
                [
                    serve([Move::Wait(900), Move::Fault, Move::Reset]),
                    Play::Reset,
                    Play::Reset,
                ],
                serve([]),
            ),
        )
        .judged(90_000, both(back(90_000), resubscribed)),
        Fault::new("long-outage", "resets the connection and refuses dials for 40 s", LONG_OUTAGE, once([Move::Reset]))
            .away(Away::AfterFault(40_000))
            .judged(140_000, both(back(140_000), resubscribed)),
        Fault::new("down-at-start", "refuses dials for the first 5 s", RECOVER, every(serve([])))
            .away(Away::AtStart(5_000))
            .judged(BACK, |seen: &Seen<'_>| match seen.exit() {
                Some((_, Some(1..))) => {
                    Some(Verdict::not_applicable("a failed first dial ends the client, and its status says so"))
                }
                _ => both(back(BACK), resubscribed)(seen),
            }),
        Fault::new(
            "no-connack",
            "accepts the first connection and never answers the CONNECT",
            "MQTT 5 §3.2: a client that gets no CONNACK in a reasonable time SHOULD close the connection; here: 70 s",
            script([Play::Stall], serve([])),
        )
        .judged(75_000, back(75_000)),
        Fault::new(
            "late-connack",
            "answers the CONNECT after 3 s",
            "plain harm: two connections with one client id take each other over (MQTT 5 §3.1.4)",
            every(connack(Connack { late: 3_000, ..Connack::default() })),
        )
        .judged(12_000, calm),
    ]
}

/// One dial, or another once the first is given up; that they don't overlap is asked of every client.
fn calm(seen: &Seen<'_>) -> Option<Verdict> {
    sparing(3)(seen)
}

fn refusals() -> Vec<Fault> {
    let always = [
        (0x86, 4, "bad-credentials", "bad user name or password"),
        (0x87, 5, "not-authorized", "not authorized"),
        (0x85, 2, "client-id", "client identifier not valid"),
        (0x84, 1, "protocol-version", "unsupported protocol version"),
        (0x8A, 5, "banned", "banned (3.1.1: not authorized)"),
    ];
    let always = always.into_iter().map(|(reason, code, name, what)| {
        let about = format!("refuses every CONNECT: {what}");
        Fault::new(format!("connack-{name}"), about, REFUSED, every(refuse(reason, code)))
            .judged(25_000, sparing(12))
    });
    let passing = [
        (0x88, 3, "unavailable", "server unavailable"),
        (0x89, 3, "busy", "server busy (3.1.1: server unavailable)"),
        (0x97, 3, "quota", "quota exceeded (3.1.1: server unavailable)"),
        (0x9F, 3, "rate", "connection rate exceeded (3.1.1: server unavailable)"),
    ];
    let passing = passing.into_iter().map(|(reason, code, name, what)| {
        let about = format!("refuses the first CONNECT: {what}");
        Fault::new(format!("connack-{name}"), about, RECOVER, script([refuse(reason, code)], serve([])))
            .judged(150_000, both(back_or_leaves(150_000), resubscribed))
    });
    let busy = Fault::new(
        "connack-busy-always",
        "refuses every CONNECT for 40 s: server busy (3.1.1: server unavailable)",
        BACKOFF,
        every(refuse(0x89, 3)),
    )
    .judged(40_000, |seen: &Seen<'_>| match sparing(2)(seen) {
        Some(verdict) if verdict.outcome == crate::verdict::Outcome::Pass => Some(verdict),
        _ => slows()(seen),
    });
    let elsewhere = [(0x9C, "another-server", "use another server"), (0x9D, "moved", "server moved")];
    let elsewhere = elsewhere.into_iter().map(|(reason, name, what)| {
        let connack = Connack { reason, code: 3, elsewhere: true, ..Connack::default() };
        let play = Play::Serve(Serve { connack, moves: vec![] });
        Fault::new(
            format!("connack-{name}"),
            format!("refuses every CONNECT: {what}, with a reference to a port that says the same"),
            "MQTT 5 §4.11: a client may follow the reference or not; asking at a rate is no cure",
            every(play),
        )
        .judged(25_000, version_5(sparing(12)))
    });
    always.chain(passing).chain([busy]).chain(elsewhere).collect()
}

fn disconnects() -> Vec<Fault> {
    let reasons = [
        (0x80, "unspecified", "unspecified error"),
        (0x89, "busy", "server busy"),
        (0x8B, "shutting-down", "server shutting down"),
        (0x8D, "keep-alive", "keep alive timeout"),
        (0x97, "quota", "quota exceeded"),
        (0x98, "administrative", "administrative action"),
        (0xA0, "connect-time", "maximum connect time"),
    ];
    let mut disconnects: Vec<_> = reasons
        .into_iter()
        .map(|(reason, name, what)| {
            Fault::new(
                format!("disconnect-{name}"),
                format!("sends DISCONNECT: {what}"),
                RECOVER,
                once([Move::Disconnect(reason, false)]),
            )
            .judged(150_000, version_5(both(back(150_000), resubscribed)))
        })
        .collect();
    disconnects.extend([
        Fault::new(
            "taken-over-always",
            "ends each connection after 200 ms as taken over by another client with its id, for 40 s",
            "MQTT 5 §3.1.4, §4.13: two clients that come back at once take each other over without end",
            every(serve([Move::Fault, Move::Wait(200), Move::Disconnect(0x8E, false)])),
        )
        .judged(40_000, |seen: &Seen<'_>| match sparing(2)(seen) {
            // One that stays away leaves the session to the other.
            Some(verdict) if verdict.outcome == crate::verdict::Outcome::Pass => Some(verdict),
            _ => slows()(seen),
        }),
        Fault::new(
            "disconnect-moved",
            "sends DISCONNECT: server moved, with a reference to another port",
            "MQTT 5 §4.11: a client may follow the reference or not; one that does neither has given up silently",
            once([Move::Disconnect(0x9D, true)]),
        )
        .judged(90_000, version_5(back(90_000))),
        Fault::new(
            "disconnect-another-server",
            "sends DISCONNECT: use another server, with a reference to another port",
            "MQTT 5 §4.11: a client may follow the reference or not; one that does neither has given up silently",
            once([Move::Disconnect(0x9C, true)]),
        )
        .judged(90_000, version_5(back(90_000))),
    ]);
    disconnects
}

fn sessions() -> Vec<Fault> {
    let present = || connack(Connack { session_present: true, ..Connack::default() });
    vec![
        Fault::new(
            "session-lost",
            "resets the connection and has no session at the next CONNECT",
            "MQTT 5 §3.2.2.1.1, 3.1.1 §3.2.2.2: session present 0: the subscriptions are gone",
            once([Move::Reset]),
        )
        .judged(BACK, both(back(BACK), resubscribed)),
        Fault::new(
            "session-kept",
            "resets the connection and has the session at the next CONNECT",
            "MQTT 5 §3.2.2.1.1: a client that has the session as well goes on",
            script(
                [serve([Move::Wait(900), Move::Fault, Move::Reset])],
                Play::Serve(Serve {
                    connack: Connack { session_present: true, ..Connack::default() },
                    moves: vec![],
                }),
            ),
        )
        .judged(BACK, |seen: &Seen<'_>| {
            // One that asked for a clean start must not believe it; that is the next fault.
            match refuses_session(seen) {
                Some(verdict) if verdict.outcome == crate::verdict::Outcome::NotApplicable => {
                    both(back(BACK), subscribed_or_kept)(seen)
                }
                _ => Some(Verdict::not_applicable("the client asks for a clean start")),
            }
        }),
        Fault::new(
            "session-unasked",
            "says in the first CONNACK that it has a session, to a client that asked for a clean start",
            "MQTT 5 [MQTT-3.2.2-4]: the client MUST close the connection",
            every(present()),
        )
        .judged(10_000, version_5(refuses_session)),
        Fault::new(
            "publish",
            "sends a PUBLISH with QoS 1",
            "MQTT 5 [MQTT-4.3.2-4], 3.1.1 [MQTT-4.3.2-2]: the receiver MUST respond with a PUBACK",
            every(serve([Move::Wait(700), Move::Fault, Move::Publish])),
        )
        .judged(5_000, acknowledges),
    ]
}

fn keep_alives() -> Vec<Fault> {
    vec![
        Fault::new(
            "keep-alive",
            "says nothing by itself for 20 s",
            "MQTT 5 [MQTT-3.1.2-20], 3.1.1 [MQTT-3.1.2-23]: no longer than the keep alive between two packets; servers cut at 1.5 times",
            every(serve([Move::Fault])),
        )
        .judged(20_000, keeps_alive(None)),
        Fault::new(
            "server-keep-alive",
            "asks in the CONNACK for a keep alive of 3 s",
            "MQTT 5 [MQTT-3.2.2-21]: the client MUST use this value",
            every(connack(Connack { keep_alive: Some(3), ..Connack::default() })),
        )
        .judged(14_000, version_5(keeps_alive(Some(3)))),
        Fault::new(
            "half-open",
            "answers nothing any more, PINGREQ included",
            "MQTT 5 §3.1.2.10: without a PINGRESP in a reasonable time the client SHOULD close the connection; here: three keep alives and 5 s",
            once([Move::Mute]),
        )
        .judged(75_000, both(finds_out, back(75_000))),
    ]
}

fn paces() -> Vec<Fault> {
    vec![
        Fault::new("backoff-refused", "resets every connection as soon as it is accepted, for 40 s", BACKOFF, every(Play::Reset))
            .judged(40_000, slows()),
        Fault::new(
            "flapping",
            "accepts every CONNECT and ends the connection at once, for 40 s",
            "AWS, \"Exponential Backoff And Jitter\"; plain harm: a wait that starts over at each CONNACK never grows",
            every(serve([Move::Fault, Move::Fin])),
        )
        .judged(40_000, slows()),
        Fault::new(
            "flapping-slowly",
            "accepts every CONNECT and resets the connection after half a second, for 40 s",
            "as flapping",
            every(serve([Move::Fault, Move::Wait(500), Move::Reset])),
        )
        .judged(40_000, slows()),
        Fault::new(
            "herd",
            "ends the connections of 20 clients (--herd) in one moment",
            JITTER,
            every(serve([Move::WaitForAll, Move::Fault, Move::Fin])),
        )
        .clients(crate::web::faults::HERD)
        .judged(20_000, spreads()),
        Fault::new("stop-waiting", "is away while the client is asked to end", "plain harm: a wait must not hold up the end of a program", every(Play::Reset))
            .signal(3_000)
            .judged(10_000, obeys(3_000)),
        Fault::new("stop-connected", "is in order while the client is asked to end", "as stop-waiting", every(serve([Move::Wait(300), Move::Fault])))
            .signal(1_000)
            .judged(10_000, obeys(5_000)),
    ]
}

fn wrong_packets() -> Vec<Fault> {
    const WRONG: &str = "MQTT 5 §4.13.1: the client SHOULD close the connection; 3.1.1 [MQTT-4.8.0-1]: MUST";
    let wrong = [
        ("packet-type-0", "sends a packet of the reserved type 0", vec![0x00, 0x00]),
        (
            "packet-length",
            "sends a packet whose length has five bytes",
            vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        ),
        ("packet-flags", "sends a PUBLISH with QoS 3", vec![0x36, 5, 0, 1, b'a', 0, 1]),
        ("second-connack", "sends a second CONNACK", vec![0x20, 3, 0, 0, 0]),
    ];
    wrong
        .into_iter()
        .map(|(name, about, bytes)| {
            let fault = Fault::new(name, about, WRONG, once([Move::Raw(bytes)]));
            if name == "second-connack" {
                return fault.judged(60_000, version_5(both(ends(10_000), back(60_000))));
            }
            fault.judged(60_000, both(ends(10_000), back(60_000)))
        })
        .collect()
}
