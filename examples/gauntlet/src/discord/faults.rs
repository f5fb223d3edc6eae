//! What a gateway does, and what Discord's documentation asks of its clients.

use serde_json::{Value, json};

use super::judges::{
    Begins, answers_request, begins, closes_resumably, first_heartbeats_spread, goes_to, identifies,
    numbered, query, regular,
};
use super::{Acks, Discord, Reply, event};
use crate::fault::{Away, Fault, Feature, Script as AnyScript};
use crate::judge::{LONG_OUTAGE, back, both, goes_on, obeys, slows, sparing, spreads, stays, stops};
use crate::web::{Move, Play, Script, Serve};

const CODES: &str = "Discord, \"Gateway Close Event Codes\": the column Reconnect";
const NEW_SESSION: &str =
    "Discord, \"Gateway Close Event Codes\": 4007 and 4009: reconnect and start a new session";
const RESUMING: &str =
    "Discord, \"Resuming\": session_id and the last sequence number, after a loss without a fatal code";
const HEARTBEATS: &str = "Discord, \"Sending Heartbeats\"";
const IDENTIFIES: &str =
    "Discord, \"Identifying\": 1000 identifies a day, or the token is reset; RFC 6455 §7.2.3";

/// Allowed for a connection to be back, unless something else is said: more than the longest wait that clients start with.
const BACK: u64 = 45_000;

fn gateway(discord: Discord, moves: impl IntoIterator<Item = Move>) -> Play {
    Play::Serve(Serve { discord: Some(discord), moves: moves.into_iter().collect(), ..Serve::default() })
}

/// A gateway in order.
fn good() -> Play {
    gateway(Discord::default(), [])
}

fn script(first: impl IntoIterator<Item = Play>, then: Play) -> AnyScript {
    AnyScript::Web(Script::new(first, then))
}

/// The first connection gets a session and three events, and then this happens.
fn once(moves: impl IntoIterator<Item = Move>) -> AnyScript {
    script([gateway(Discord::default(), events().chain(moves))], good())
}

/// Three events, a moment to take them, and the fault.
fn events() -> impl Iterator<Item = Move> {
    (0..3).map(|_| Move::Op(0, event())).chain([Move::Wait(700), Move::Fault])
}

/// A server that does nothing wrong.
pub(crate) fn in_order() -> AnyScript {
    script([], good())
}

pub(crate) fn all() -> Vec<Fault> {
    let mut all = codes();
    all.extend(losses());
    all.extend(requests());
    all.extend(heartbeats());
    all.extend(openings());
    all.extend(resumes());
    all.extend(paces());
    all
}

fn codes() -> Vec<Fault> {
    let again = [
        (4000, "unknown error", Begins::Resume),
        (4001, "unknown opcode", Begins::Either),
        (4002, "decode error", Begins::Either),
        (4003, "not authenticated", Begins::Either),
        (4005, "already authenticated", Begins::Either),
        (4007, "invalid seq", Begins::Identify),
        (4008, "rate limited", Begins::Either),
        (4009, "session timed out", Begins::Identify),
        (1001, "going away, which is no code of its own", Begins::Resume),
        (1011, "internal error, which is no code of its own", Begins::Resume),
    ];
    let fatal = [
        (4004, "authentication failed"),
        (4010, "invalid shard"),
        (4011, "sharding required"),
        (4012, "invalid API version"),
        (4013, "invalid intents"),
        (4014, "disallowed intents"),
    ];
    let again = again.into_iter().map(|(code, what, how)| {
        let source = if how == Begins::Identify { NEW_SESSION } else { CODES };
        Fault::new(
            format!("close-{code}"),
            format!("closes with {code}, {what}"),
            source,
            once([Move::Close(Some(code))]),
        )
        .judged(BACK, both(back(BACK), begins(how)))
    });
    let fatal = fatal.into_iter().map(|(code, what)| {
        let refusing = gateway(Discord { identify: Reply::Close(code), ..Discord::default() }, []);
        Fault::new(
            format!("close-{code}"),
            format!("closes with {code}, {what}, at the identify"),
            CODES,
            script([], refusing),
        )
        .judged(12_000, stops())
    });
    let mut codes: Vec<_> = again.chain(fatal).collect();
    codes.push(
        Fault::new(
            "close-4004-resume",
            "resets the connection, and closes with 4004 at the resume",
            CODES,
            script(
                [gateway(Discord::default(), [Move::Wait(700), Move::Reset])],
                gateway(
                    Discord {
                        resume: Reply::Close(4004),
                        identify: Reply::Close(4004),
                        ..Discord::default()
                    },
                    [],
                ),
            ),
        )
        .judged(20_000, stops()),
    );
    codes
}

fn losses() -> Vec<Fault> {
    vec![
        Fault::new("fin", "ends the connection without a close frame", RESUMING, once([Move::Fin]))
            .judged(BACK, both(back(BACK), begins(Begins::Resume))),
        Fault::new("reset", "resets the connection", RESUMING, once([Move::Reset]))
            .judged(BACK, both(back(BACK), begins(Begins::Resume))),
        Fault::new(
            "reset-in-frame",
            "resets the connection in the middle of an event",
            RESUMING,
            once([Move::Raw(vec![0x81, 100, b'{', b'"']), Move::Wait(50), Move::Reset]),
        )
        .judged(BACK, both(back(BACK), begins(Begins::Resume))),
        Fault::new("close-empty", "closes without a code", RESUMING, once([Move::Close(None)]))
            .judged(BACK, both(back(BACK), begins(Begins::Resume))),
        Fault::new(
            "long-outage",
            "resets the connection and refuses dials for 40 s",
            LONG_OUTAGE,
            once([Move::Reset]),
        )
        .away(Away::AfterFault(40_000))
        .judged(140_000, back(140_000)),
        Fault::new(
            "two-losses",
            "resets the connection, replays three events at the resume, and resets it again",
            "Discord, \"Resuming\": the sequence number of the last event received, replayed ones included",
            script(
                [
                    gateway(
                        Discord::default(),
                        (0..3).map(|_| Move::Op(0, event())).chain([Move::Wait(500), Move::Reset]),
                    ),
                    gateway(
                        Discord { resume: Reply::Replay(3), ..Discord::default() },
                        [Move::Wait(500), Move::Fault, Move::Reset],
                    ),
                ],
                good(),
            ),
        )
        .judged(BACK, both(back(BACK), begins(Begins::Resume))),
    ]
}

fn requests() -> Vec<Fault> {
    let reconnect = || Move::Op(7, Value::Null);
    vec![
        Fault::new(
            "reconnect",
            "asks the client to reconnect (op 7)",
            "Discord, \"Reconnect\": reconnect and resume immediately; here: within 45 s",
            once([reconnect()]),
        )
        .judged(BACK, both(back(BACK), begins(Begins::Resume))),
        Fault::new(
            "reconnect-code",
            "asks the client to reconnect (op 7), and looks at how it closes",
            "Discord, \"Initiating a Disconnect\": 1000 and 1001 end the session",
            once([reconnect()]),
        )
        .judged(20_000, closes_resumably),
        Fault::new(
            "reconnect-always",
            "asks the client to reconnect as soon as it has a session, for 20 s",
            "Discord asks for no wait after op 7; plain harm: more than two dials a second",
            script([], gateway(Discord::default(), [Move::Fault, reconnect()])),
        )
        .judged(20_000, sparing(40)),
        Fault::new(
            "invalid-session",
            "invalidates the session (op 9, false)",
            "Discord, \"Resuming\": the app should disconnect, and identify on a new connection to the cached URL",
            once([Move::Op(9, json!(false))]),
        )
        .judged(BACK, both(both(back(BACK), begins(Begins::Identify)), goes_to(0))),
        Fault::new(
            "invalid-session-resumable",
            "invalidates the session and says that it can be resumed (op 9, true)",
            "Discord, \"Resuming\": attempt to resume after op 9 with true; on which connection is left open",
            once([Move::Op(9, json!(true))]),
        )
        .judged(BACK, both(goes_on(BACK), begins(Begins::Resume))),
        Fault::new(
            "resume-refused",
            "resets the connection, and refuses the resume (op 9, false)",
            "Discord, \"Resuming\": the app should disconnect, and identify on a new connection to the cached URL",
            script(
                [
                    gateway(Discord::default(), [Move::Wait(700), Move::Reset]),
                    gateway(Discord { resume: Reply::Invalid(false), ..Discord::default() }, []),
                ],
                good(),
            ),
        )
        .judged(BACK, both(both(back(BACK), begins(Begins::Identify)), goes_to(0))),
        Fault::new(
            "resume-times-out",
            "resets the connection, and closes with 4009 at the resume",
            NEW_SESSION,
            script(
                [
                    gateway(Discord::default(), [Move::Wait(700), Move::Reset]),
                    gateway(Discord { resume: Reply::Close(4009), ..Discord::default() }, []),
                ],
                good(),
            ),
        )
        .judged(BACK, both(back(BACK), begins(Begins::Identify))),
        Fault::new(
            "unknown-message",
            "sends an opcode and an event that nobody knows",
            "plain harm: new opcodes and events come without a new version",
            script(
                [],
                gateway(
                    Discord::default(),
                    [
                        Move::Wait(500),
                        Move::Fault,
                        Move::Op(77, json!({ "new": true })),
                        Move::Op(0, json!({ "t": "BRAND_NEW_EVENT", "d": { "id": "1" } })),
                    ],
                ),
            ),
        )
        .judged(7_000, stays()),
    ]
}

fn heartbeats() -> Vec<Fault> {
    let beating = |interval, acks| Discord { interval: Some(interval), acks, ..Discord::default() };
    vec![
        Fault::new(
            "heartbeat",
            "asks for a heartbeat every 1.5 s",
            HEARTBEATS,
            script([], gateway(beating(1_500, Acks::Prompt), [Move::Fault])),
        )
        .judged(10_000, regular(1_500)),
        Fault::new(
            "heartbeat-sequence",
            "sends events between heartbeats, and messages without a number",
            "Discord, \"Heartbeat Interval\": the last sequence number received, non-null",
            script(
                [],
                gateway(
                    beating(1_000, Acks::Prompt),
                    [
                        Move::Fault,
                        Move::Wait(2_000),
                        Move::Op(0, event()),
                        Move::Op(0, event()),
                        Move::Op(11, Value::Null),
                        Move::Wait(2_500),
                        Move::Op(0, event()),
                    ],
                ),
            ),
        )
        .judged(8_000, numbered),
        Fault::new(
            "heartbeat-asked",
            "asks for a heartbeat now (op 1), in an interval of 45 s",
            "Discord, \"Heartbeat Requests\": immediately, without waiting the remainder of the interval",
            script([], gateway(beating(45_000, Acks::Prompt), [Move::Wait(500), Move::Fault, Move::Op(1, Value::Null)])),
        )
        .judged(3_000, answers_request),
        Fault::new(
            "heartbeat-jitter",
            "greets eight clients (--herd) with an interval of 3 s",
            "Discord, \"Heartbeat Interval\": the first heartbeat after heartbeat_interval * jitter",
            script([], gateway(beating(3_000, Acks::Prompt), [Move::WaitForAll, Move::Fault])),
        )
        .clients(8)
        .judged(4_500, first_heartbeats_spread(3_000)),
        Fault::new(
            "zombie",
            "acknowledges no heartbeat any more",
            "Discord, \"Heartbeat Interval\": no ack between two heartbeats: terminate, reconnect and attempt to resume; here: within 45 s",
            script([gateway(beating(1_500, Acks::None), [])], good()),
        )
        .judged(BACK, both(back(BACK), begins(Begins::Resume))),
        Fault::new(
            "zombie-code",
            "acknowledges no heartbeat any more, and looks at how the client closes",
            "Discord, \"Heartbeat Interval\": any close code besides 1000 or 1001",
            script([gateway(beating(1_500, Acks::None), [])], good()),
        )
        .judged(20_000, closes_resumably),
        Fault::new(
            "half-open",
            "answers nothing any more, not even a close",
            "as zombie; the old connection must not hold up the new one",
            script(
                [gateway(beating(1_500, Acks::Prompt), [Move::Wait(700), Move::Fault, Move::Mute])],
                good(),
            ),
        )
        .judged(60_000, both(back(60_000), begins(Begins::Resume))),
        Fault::new(
            "late-ack",
            "acknowledges each heartbeat after two thirds of the interval",
            "Discord, \"Heartbeat Interval\": an ack between two heartbeats is in time",
            script([], gateway(beating(1_500, Acks::Late(1_000)), [Move::Fault])),
        )
        .judged(9_000, stays()),
    ]
}

fn openings() -> Vec<Fault> {
    vec![
        Fault::new(
            "drop-before-hello",
            "ends the first two connections before the hello",
            "plain harm: a client that stays away has given up silently",
            script(
                (0..2).map(|_| {
                    let silent = Discord { interval: None, moves_at_once: true, ..Discord::default() };
                    gateway(silent, [Move::Fault, Move::Fin])
                }),
                good(),
            ),
        )
        .judged(BACK, both(back(BACK), begins(Begins::Identify))),
        Fault::new(
            "no-hello",
            "upgrades the first connection and never says hello",
            "plain harm: without a timeout this dial is the last one; here: 75 s (discord.js waits for 60)",
            script(
                [gateway(
                    Discord { interval: None, moves_at_once: true, ..Discord::default() },
                    [Move::Fault],
                )],
                good(),
            ),
        )
        .judged(80_000, back(80_000)),
        Fault::new(
            "stalled-dial",
            "accepts the first connection and never answers the upgrade",
            "plain harm: without a timeout this dial is the last one; here: 70 s",
            script([Play::Stall], good()),
        )
        .judged(75_000, back(75_000)),
        Fault::new(
            "drop-before-ready",
            "ends the first connection at the identify",
            "Discord, \"Ready event\": before it there is no session to resume",
            script([gateway(Discord { identify: Reply::Fin, ..Discord::default() }, [])], good()),
        )
        .judged(BACK, both(back(BACK), begins(Begins::Identify))),
        Fault::new(
            "identify-refused",
            "answers the first identify with op 9, false, as when there were too many",
            "Discord, \"Identifying\": a client over its limit gets op 9",
            script([gateway(Discord { identify: Reply::Invalid(false), ..Discord::default() }, [])], good()),
        )
        .judged(BACK, both(back(BACK), begins(Begins::Identify))),
        Fault::new(
            "http-503",
            "answers the first three upgrades with 503",
            "plain harm: a client that stays away has given up silently",
            script((0..3).map(|_| Play::Http(503, vec![])), good()),
        )
        .judged(75_000, back(75_000)),
    ]
}

fn resumes() -> Vec<Fault> {
    vec![
        Fault::new(
            "resume-url",
            "resets the connection, and looks at where the client resumes",
            "Discord, \"Preparing to Resume\": at the resume_gateway_url rather than at the URL of the first connection",
            once([Move::Reset]),
        )
        .needs(Feature::ResumeUrl)
        .judged(BACK, both(back(BACK), goes_to(1))),
        Fault::new(
            "resume-query",
            "resets the connection, and looks at what the client asks for",
            "Discord, \"Preparing to Resume\": with the same version and encoding",
            once([Move::Reset]),
        )
        .judged(BACK, both(back(BACK), query)),
        Fault::new(
            "resume-url-dead",
            "resets the connection, and every dial to the resume_gateway_url",
            "Discord, \"Handling a Disconnect\": if the reconnect fails, open a new connection using the URL from Get Gateway",
            AnyScript::Web(Script {
                second: Some(Play::Reset),
                ..Script::new([gateway(Discord::default(), events().chain([Move::Reset]))], good())
            }),
        )
        .needs(Feature::ResumeUrl)
        .judged(90_000, back(90_000)),
    ]
}

fn paces() -> Vec<Fault> {
    vec![
        Fault::new(
            "flapping",
            "says hello and ends the connection, for 40 s",
            "RFC 6455 §7.2.3; plain harm: a wait that starts over at each upgrade never grows",
            script(
                [],
                gateway(
                    Discord { moves_at_once: true, identify: Reply::Silence, ..Discord::default() },
                    [Move::Fault, Move::Fin],
                ),
            ),
        )
        .judged(40_000, slows()),
        Fault::new(
            "flapping-ready",
            "gives a session or resumes it, and ends the connection at once, for 40 s",
            "RFC 6455 §7.2.3; plain harm: a wait that starts over at each READY never grows",
            script([], gateway(Discord::default(), [Move::Fault, Move::Fin])),
        )
        .judged(40_000, slows()),
        Fault::new(
            "invalid-always",
            "answers every identify with op 9, false, for 40 s",
            "Discord, \"Identifying\": one identify per 5 s (max_concurrency 1)",
            script([], gateway(Discord { identify: Reply::Invalid(false), ..Discord::default() }, [])),
        )
        .judged(40_000, identifies(9)),
        Fault::new(
            "session-never-lasts",
            "gives a session and invalidates it after 200 ms, for 40 s",
            "Discord, \"Identifying\": one identify per 5 s (max_concurrency 1)",
            script(
                [],
                gateway(
                    Discord { resume: Reply::Invalid(false), ..Discord::default() },
                    [Move::Fault, Move::Wait(200), Move::Op(9, json!(false))],
                ),
            ),
        )
        .judged(40_000, identifies(9)),
        Fault::new(
            "backoff-refused",
            "resets every connection as soon as it is accepted, for 40 s",
            IDENTIFIES,
            script([], Play::Reset),
        )
        .judged(40_000, slows()),
        Fault::new(
            "herd",
            "ends the connections of 16 clients (--herd) in one moment",
            "RFC 6455 §7.2.3: the first reconnect attempt SHOULD be delayed by a random amount of time",
            script([], gateway(Discord::default(), [Move::WaitForAll, Move::Fault, Move::Fin])),
        )
        .clients(16)
        .judged(20_000, spreads()),
        Fault::new(
            "stop-waiting",
            "is away while the client is asked to end",
            "plain harm: a wait must not hold up the end of a program",
            script([], Play::Reset),
        )
        .signal(3_000)
        .judged(10_000, obeys(3_000)),
        Fault::new("stop-connected", "is in order while the client is asked to end", "as stop-waiting", {
            script([], gateway(Discord::default(), [Move::Wait(300), Move::Fault]))
        })
        .signal(1_000)
        .judged(10_000, obeys(5_000)),
    ]
}
