//! What a plain WebSocket server does, and what is asked of a client: to connect, to stay connected, and to be no burden.

use std::time::{Duration, SystemTime};

use super::judges::{echoed, one_at_a_time, ponged, quiet, subscribed};
use super::{Move, Play, Script, Serve, Upgrade, frames};
use crate::fault::{Away, Fault, Feature, Script as AnyScript};
use crate::judge::{
    LONG_OUTAGE, back, back_or_ended, both, ends, obeys, returns, slows, sparing, spreads, stays,
};
use crate::timeline::Seen;
use crate::verdict::Verdict;

/// RFC 6455 has a client come back after a loss, with a wait that is random and grows.
const RECOVER: &str =
    "RFC 6455 §7.2.3 (reconnect with a backoff); a client that stays away has given up silently";
const BACKOFF: &str =
    "RFC 6455 §7.2.3: subsequent attempts SHOULD be delayed by increasingly longer amounts of time";
const FAIL_FRAME: &str = "RFC 6455 §7.1.7 with the section named: the client MUST fail the connection";
const STATUS: &str =
    "RFC 9110 §15: the same request gets the same answer; asking at a rate is a burden and no cure";

fn script(first: impl IntoIterator<Item = Play>, then: Play) -> AnyScript {
    AnyScript::Web(Script::new(first, then))
}

/// The first connection meets this, later ones a server in order.
fn once(play: Play) -> AnyScript {
    script([play], serve([]))
}

/// Every connection meets this.
fn every(play: Play) -> AnyScript {
    script([], play)
}

fn serve(moves: impl IntoIterator<Item = Move>) -> Play {
    Play::Serve(Serve::doing(moves))
}

fn upgrade(upgrade: Upgrade) -> Play {
    Play::Serve(Serve { upgrade, ..Serve::default() })
}

/// The first connection is in order for a while; then this happens.
fn later(moves: impl IntoIterator<Item = Move>) -> Play {
    serve([Move::Wait(700), Move::Fault].into_iter().chain(moves))
}

/// A server that does nothing wrong.
pub(crate) fn in_order() -> AnyScript {
    every(serve([]))
}

pub(crate) fn all() -> Vec<Fault> {
    let mut all = losses();
    all.extend(refusals());
    all.extend(handshakes());
    all.extend(paces());
    all.extend(wrong_frames());
    all.extend(manners());
    all
}

fn losses() -> Vec<Fault> {
    let mut losses: Vec<_> = [
        (1001, "going away"),
        (1006, "a code that may not be sent"),
        (1011, "internal error"),
        (3000, "a registered code of an application"),
        (4000, "a private code"),
        (4999, "the last private code"),
    ]
    .into_iter()
    .map(|(code, what)| {
        let fault = Fault::new(
            format!("close-{code}"),
            format!("closes with {code}, {what}"),
            RECOVER,
            once(later([Move::Close(Some(code))])),
        );
        match code {
            3000 => fault.judged(30_000, |seen: &Seen<'_>| match back(30_000)(seen) {
                Some(verdict) if verdict.outcome == crate::verdict::Outcome::Fail => {
                    Some(Verdict::not_applicable(format!(
                        "3000 is \"unauthorized\", which may be final: {}",
                        verdict.reason
                    )))
                }
                verdict => verdict,
            }),
            _ => fault.judged(45_000, back(45_000)),
        }
    })
    .collect();
    losses.extend([
        Fault::new("close-1000", "closes with 1000, normal closure", RECOVER, once(later([Move::Close(Some(1000))]))).judged(
            30_000,
            |seen: &Seen<'_>| match back(30_000)(seen) {
                Some(verdict) if verdict.outcome == crate::verdict::Outcome::Fail => Some(Verdict::not_applicable(
                    format!("RFC 6455 §7.4.1 leaves open what follows a 1000: {}", verdict.reason),
                )),
                verdict => verdict,
            },
        ),
        Fault::new("close-empty", "closes without a code", RECOVER, once(later([Move::Close(None)])))
            .judged(45_000, back(45_000)),
        Fault::new(
            "close-1012",
            "closes with 1012, service restart",
            "the registration of 1012 (IANA, hybi list 2012): reconnect with a randomized delay of 5 to 30 s",
            once(later([Move::Close(Some(1012))])),
        )
        .judged(60_000, returns(5_000, 60_000)),
        Fault::new(
            "close-1013",
            "closes with 1013, try again later",
            "the registration of 1013 (IANA, hybi list 2012): overloaded, to the same address only when the user asks; here: not within 10 s",
            once(later([Move::Close(Some(1013))])),
        )
        .judged(12_000, quiet(10_000)),
        Fault::new(
            "close-1008-always",
            "closes every connection at once with 1008, policy violation",
            "RFC 6455 §7.4.1: the client is not wanted as it is; dialling at a rate is no answer",
            every(serve([Move::Fault, Move::Close(Some(1008))])),
        )
        .judged(30_000, sparing(15)),
        Fault::new("fin", "ends the connection without a close frame", RECOVER, once(later([Move::Fin])))
            .judged(45_000, back(45_000)),
        Fault::new("reset", "resets the connection", RECOVER, once(later([Move::Reset]))).judged(45_000, back(45_000)),
        Fault::new(
            "reset-in-frame",
            "resets the connection in the middle of a frame",
            RECOVER,
            once(later([Move::Raw(vec![0x81, 100, b'a', b'b']), Move::Wait(50), Move::Reset])),
        )
        .judged(45_000, back(45_000)),
        Fault::new(
            "fin-in-message",
            "ends the connection between two fragments of a message",
            RECOVER,
            once(later([Move::Raw(frames::raw(0x01, b"half")), Move::Wait(50), Move::Fin])),
        )
        .judged(45_000, back(45_000)),
        Fault::new(
            "half-open",
            "answers nothing any more and closes nothing, as behind a router that lost its state",
            "RFC 6455 §5.5.2 (a ping may be a keepalive); without one the client is offline until TCP notices, which may be never; here: 60 s",
            once(later([Move::Mute])),
        )
        .judged(75_000, back(75_000)),
        Fault::new(
            "half-open-young",
            "answers nothing from the first moment after the upgrade",
            "as half-open",
            once(serve([Move::Fault, Move::Mute])),
        )
        .judged(75_000, back(75_000)),
        Fault::new(
            "port-closed",
            "resets the connection and refuses dials for 6 s",
            RECOVER,
            once(later([Move::Reset])),
        )
        .away(Away::AfterFault(6_000))
        .judged(60_000, back(60_000)),
        Fault::new("long-outage", "resets the connection and refuses dials for 40 s", LONG_OUTAGE, once(later([Move::Reset])))
            .away(Away::AfterFault(40_000))
            .judged(140_000, back(140_000)),
        Fault::new(
            "outage",
            "resets the connection, and the next two dials as soon as they are accepted",
            RECOVER,
            script([later([Move::Reset]), Play::Reset, Play::Reset], serve([])),
        )
        .judged(90_000, back(90_000)),
        Fault::new(
            "resubscribe",
            "resets a connection that had subscriptions",
            "plain harm: a client that is back without its subscriptions gets nothing and does not know it",
            once(later([Move::Reset])),
        )
        .needs(Feature::Subscriptions)
        .judged(45_000, both(back(45_000), subscribed)),
    ]);
    losses
}

fn refusals() -> Vec<Fault> {
    let http = |status: u16, headers: &[(&'static str, &str)]| {
        Play::Http(status, headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    };
    #[expect(clippy::disallowed_methods, reason = "a server has a calendar")]
    let now = SystemTime::now();
    let date = httpdate::fmt_http_date(now + Duration::from_secs(3_600));
    let mut refusals = vec![
        Fault::new(
            "http-429",
            "answers the upgrade with 429 and Retry-After: 8",
            "RFC 6585 §4 and RFC 9110 §10.2.3: how long to wait before a new request",
            once(http(429, &[("Retry-After", "8")])),
        )
        .judged(75_000, returns(8_000, 75_000)),
        Fault::new(
            "http-503",
            "answers the upgrade with 503 and Retry-After: 8",
            "RFC 9110 §15.6.4 and §10.2.3: how long the service is expected to be unavailable",
            once(http(503, &[("Retry-After", "8")])),
        )
        .judged(75_000, returns(8_000, 75_000)),
        Fault::new(
            "http-503-date",
            "answers the upgrade with 503 and a Retry-After that is a date an hour ahead",
            "RFC 9110 §10.2.3: Retry-After is seconds or a date",
            every(Play::Http(503, vec![("Retry-After", date)])),
        )
        .judged(20_000, sparing(0)),
    ];
    refusals.extend([502, 503, 504].map(|status| {
        let name = if status == 503 { "http-503-plain".to_owned() } else { format!("http-{status}") };
        Fault::new(name, format!("answers the first upgrade with {status}"), RECOVER, once(http(status, &[])))
            .judged(45_000, back(45_000))
    }));
    refusals.extend([401, 403, 404, 410].map(|status| {
        Fault::new(
            format!("http-{status}-always"),
            format!("answers every upgrade with {status}"),
            STATUS,
            every(http(status, &[])),
        )
        .judged(25_000, sparing(12))
    }));
    refusals.extend([
        Fault::new(
            "http-200-always",
            "answers every upgrade with 200 and a page, as a captive portal does",
            "RFC 6455 §4.1: any status but 101 is no WebSocket; dialling at a rate is no cure",
            every(http(200, &[])),
        )
        .judged(25_000, sparing(12)),
        Fault::new(
            "http-302-loop",
            "redirects every upgrade to its own other port, and that again to itself",
            "RFC 6455 §4.1: a client MAY follow redirects; RFC 9110 §15.4: it SHOULD detect a loop",
            every(http(302, &[("Location", "{second}")])),
        )
        .judged(25_000, sparing(30)),
    ]);
    refusals
}

fn handshakes() -> Vec<Fault> {
    const TIMEOUT: &str =
        "plain harm: without a timeout of its own a dial that hangs is the last one; here: 70 s";
    vec![
        Fault::new("stalled-dial", "accepts the first connection and never answers the upgrade", TIMEOUT, once(Play::Stall))
            .judged(75_000, back(75_000)),
        Fault::new("slow-loris", "answers the first upgrade a byte at a time, without end", TIMEOUT, once(Play::Loris))
            .judged(75_000, back(75_000)),
        Fault::new(
            "late-upgrade",
            "answers the upgrade after 3 s",
            "RFC 6455 §4.1: no more than one connection in the state CONNECTING; a client may wait or begin anew, but not both",
            every(upgrade(Upgrade::Late(3_000))),
        )
        .judged(15_000, one_at_a_time),
        Fault::new(
            "trickled-upgrade",
            "answers the upgrade four bytes at a time",
            "RFC 9112 §2.2: a message is what its bytes say, however they arrive",
            every(upgrade(Upgrade::Trickle)),
        )
        .judged(5_000, stays()),
        Fault::new(
            "glued-frame",
            "sends its first message in the same segment as the upgrade",
            "RFC 6455 §4.1: the connection is open as soon as the answer is there",
            every(upgrade(Upgrade::Glued)),
        )
        .judged(4_000, stays()),
        Fault::new(
            "wrong-accept",
            "answers the first upgrade with the Sec-WebSocket-Accept of another key",
            "RFC 6455 §4.1: the client MUST fail the connection",
            once(upgrade(Upgrade::WrongKey)),
        )
        .judged(45_000, both(ends(10_000), back_or_ended(45_000))),
        Fault::new(
            "half-an-upgrade",
            "ends the first connection in the middle of the answer to the upgrade",
            RECOVER,
            once(Play::Broken("HTTP/1.1 101 Switching Protocols\r\nUpgr")),
        )
        .judged(45_000, back(45_000)),
        Fault::new(
            "no-http",
            "answers the first upgrade with the greeting of another protocol",
            "RFC 6455 §4.1: the client MUST fail the connection; whether it comes back is its own to say, and not to be silent about",
            once(Play::Broken("220 mail.example ESMTP\r\n")),
        )
        .judged(45_000, back_or_ended(45_000)),
        Fault::new(
            "down-at-start",
            "refuses dials for the first 5 s",
            RECOVER,
            every(serve([])),
        )
        .away(Away::AtStart(5_000))
        .judged(45_000, |seen: &Seen<'_>| match seen.exit() {
            Some((_, Some(1..))) => Some(Verdict::not_applicable("a failed first dial ends the client, and its status says so")),
            _ => back(45_000)(seen),
        }),
    ]
}

fn paces() -> Vec<Fault> {
    vec![
        Fault::new(
            "backoff-refused",
            "resets every connection as soon as it is accepted, for 40 s",
            BACKOFF,
            every(Play::Reset),
        )
        .judged(40_000, slows()),
        Fault::new(
            "backoff-unavailable",
            "answers every upgrade with 503, for 40 s",
            BACKOFF,
            every(Play::Http(503, vec![])),
        )
        .judged(40_000, slows()),
        Fault::new(
            "flapping",
            "accepts every upgrade and ends the connection at once, for 40 s",
            "RFC 6455 §7.2.3; plain harm: a wait that starts over at each upgrade never grows, and the server pays for every one",
            every(serve([Move::Fault, Move::Fin])),
        )
        .judged(40_000, slows()),
        Fault::new(
            "flapping-slowly",
            "accepts every upgrade and resets the connection after half a second, for 40 s",
            "as flapping",
            every(serve([Move::Fault, Move::Wait(500), Move::Reset])),
        )
        .judged(40_000, slows()),
        Fault::new(
            "flapping-close",
            "accepts every upgrade and closes with 1011 at once, for 40 s",
            "as flapping",
            every(serve([Move::Fault, Move::Close(Some(1011))])),
        )
        .judged(40_000, slows()),
        Fault::new(
            "herd",
            "ends the connections of 20 clients (--herd) in one moment",
            "RFC 6455 §7.2.3: the first reconnect attempt SHOULD be delayed by a random amount of time",
            script([], serve([Move::WaitForAll, Move::Fault, Move::Fin])),
        )
        .clients(HERD)
        .judged(20_000, spreads()),
        Fault::new(
            "herd-restart",
            "closes the connections of 20 clients (--herd) in one moment with 1001, going away",
            "RFC 6455 §7.2.3: the first reconnect attempt SHOULD be delayed by a random amount of time",
            script([], serve([Move::WaitForAll, Move::Fault, Move::Close(Some(1001))])),
        )
        .clients(HERD)
        .judged(20_000, spreads()),
        Fault::new("stop-waiting", "is away while the client is asked to end", "plain harm: a wait must not hold up the end of a program", every(Play::Reset))
            .signal(3_000)
            .judged(10_000, obeys(3_000)),
        Fault::new("stop-connected", "is in order while the client is asked to end", "as stop-waiting", every(later([])))
            .signal(1_000)
            .judged(10_000, obeys(5_000)),
    ]
}

/// How many processes a herd has. Enough to tell a spread from none, and started on two cores in a few seconds.
pub(crate) const HERD: usize = 20;

fn wrong_frames() -> Vec<Fault> {
    let wrong: [(&str, &str, Vec<u8>); 8] = [
        ("masked-frame", "sends a masked frame (§5.1)", frames::masked("hello")),
        ("invalid-utf8", "sends a text message that is not UTF-8 (§8.1)", frames::raw(0x81, &[0xC3, 0x28])),
        ("reserved-bit", "sends a frame with a reserved bit (§5.2)", frames::raw(0xC1, b"hello")),
        ("reserved-opcode", "sends a frame with the opcode 0x3 (§5.2)", frames::raw(0x83, b"hello")),
        ("long-ping", "sends a ping of 126 bytes (§5.5)", frames::raw(0x89, &[b'a'; 126])),
        ("fragmented-ping", "sends a ping that is a fragment (§5.5)", frames::raw(0x09, b"hello")),
        ("lone-continuation", "sends a continuation of nothing (§5.4)", frames::raw(0x80, b"hello")),
        ("oversize", "announces a message of 4 EiB (§10.4: limits)", frames::oversize()),
    ];
    let mut faults: Vec<_> = wrong
        .into_iter()
        .map(|(name, about, bytes)| {
            Fault::new(name, about, FAIL_FRAME, once(later([Move::Raw(bytes)])))
                .judged(75_000, both(ends(60_000), back(75_000)))
        })
        .collect();
    faults.push(
        Fault::new(
            "wrong-close-code",
            "closes with the code 999 (§7.4.2)",
            "RFC 6455 §7.4.2: not used; whatever it is taken for, the connection is over",
            once(later([Move::Close(Some(999))])),
        )
        .judged(75_000, back(75_000)),
    );
    faults
}

fn manners() -> Vec<Fault> {
    vec![
        Fault::new(
            "ping",
            "sends a ping",
            "RFC 6455 §5.5.2: a pong MUST follow, as soon as is practical, with the same data (§5.5.3)",
            every(later([Move::Ping("are you there?")])),
        )
        .judged(5_000, ponged),
        Fault::new(
            "pong-unasked",
            "sends a pong that nobody asked for",
            "RFC 6455 §5.5.3: a response to an unsolicited pong is not expected",
            every(later([Move::Raw(frames::raw(0x8A, b"hello"))])),
        )
        .judged(4_000, stays()),
        Fault::new(
            "fragments",
            "sends a message in three fragments with a ping between them",
            "RFC 6455 §5.4: control frames MAY be injected in the middle of a fragmented message",
            every(later([
                Move::Raw(frames::raw(0x01, b"one ")),
                Move::Ping("are you there?"),
                Move::Raw(frames::raw(0x00, b"two ")),
                Move::Raw(frames::raw(0x80, b"three")),
            ])),
        )
        .judged(4_000, both(ponged, stays())),
        Fault::new(
            "close-answered",
            "closes with 1001 and waits for the answer",
            "RFC 6455 §5.5.1: the client MUST send a close frame in response",
            once(later([Move::Close(Some(1001))])),
        )
        .judged(6_000, echoed),
        Fault::new(
            "close-hangs",
            "closes with 1001 and never ends the TCP connection",
            "RFC 6455 §7.1.1: a client MAY close the TCP connection itself; one that waits without end is offline; here: 60 s",
            once(later([Move::CloseAndWait(1001)])),
        )
        .judged(75_000, back(75_000)),
    ]
}

#[cfg(test)]
mod tests {
    use crate::fault::Shape;

    #[test]
    fn there_are_many_faults_and_each_has_a_name_and_a_source() {
        let mut total = 0;
        for shape in [Shape::Websocket, Shape::Discord, Shape::Mqtt] {
            let faults = shape.faults();
            let mut names: Vec<_> = faults.iter().map(|fault| fault.name.clone()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), faults.len(), "two faults of {shape} have one name");
            assert!(faults.iter().all(|fault| !fault.about.is_empty() && fault.source.len() > 5));
            total += faults.len();
        }
        assert!(total >= 60, "{total}");
    }
}
