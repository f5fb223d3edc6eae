//! How do I keep an MQTT session? A subscriber of MQTT 5: `rumqttc` reads and writes the packets, and its event loop, which reconnects,
//! is left out. A CONNACK that refuses is classified by its reason; one that has the session present resumes it, so that nothing is
//! subscribed again and what was published meanwhile with QoS 1 comes now; otherwise every topic is restored. A server that names
//! another one is followed there, if that is on the same host: another's word is not enough to send the session to.
//!
//! A CONNECT that gets no answer may have begun a session of which the client knows nothing, in a broker that had lost the old one. The
//! session that is present after it is taken for a new one: to subscribe again to what it has changes nothing.
//!
//! ```sh
//! mosquitto -v &
//! cargo run -p redial-beside --bin mqtt -- 127.0.0.1:1883 my-client news weather
//! mosquitto_pub -q 1 -t news -m hello    # kill the broker, start it again, and publish again
//! ```

use std::{cell::Cell, collections::HashMap, process::ExitCode, time::Duration};

use futures_util::{SinkExt, StreamExt};
use redial::classify::{Classifier, tables};
use redial::driver::{Command, Dial, EndpointGuard, EndpointTrust, Failure, Link, Tokio, supervise};
use redial::policy::RestoreConfig;
use redial::subscriptions::SubscriptionList;
use redial::{Cause, Config, Event, Policy, SplitMix64, causes, presets};
use rumqttc::v5::mqttbytes::{QoS, v5, v5::Packet};
use tokio::net::TcpStream;
use tokio_util::{bytes::BytesMut, codec::Framed};

const CONFIG: Config = presets::FEW
    .to_builder()
    .classifier(Classifier::new(&tables::MQTT5).build_const())
    .restore(RestoreConfig::new().confirm_timeout(Some(Duration::from_secs(10))).build_const())
    // A PINGREQ every 30 s, within the keep alive of 60 s.
    .heartbeat(presets::WEBSOCKET.heartbeat())
    .build_const();
/// So many seconds the server is asked to keep the session.
const EXPIRY: u32 = 3_600;
const PROTOCOL_ERROR: Cause = causes::mqtt5(0x82);
static GUARD: EndpointGuard<'static> = EndpointGuard::new(EndpointTrust::SameHost);

type Wire = Framed<TcpStream, v5::Codec>;
/// The base, the client's name, and whether its last CONNECT was answered.
type Client<'a> = (&'a str, &'a str, &'a Cell<bool>);

async fn connect(dial: Dial<String>, base: &str) -> Result<Wire, Failure> {
    let stream = TcpStream::connect(dial.endpoint.as_deref().unwrap_or(base)).await?;
    Ok(Framed::new(stream, v5::Codec { max_incoming_size: Some(1 << 20), max_outgoing_size: None }))
}

/// The server refuses, or ends the connection. It may name others, of which the first that is trusted is dialled.
fn refused(link: &Link<String, String>, base: &str, reason: u8, others: Option<String>) -> Failure {
    let mut others = others.iter().flat_map(|others| others.split(' '));
    if let Some(endpoint) = others.find_map(|other| GUARD.admit(base, other.to_owned()).ok()) {
        link.tell(Event::Redirected { epoch: link.epoch(), endpoint, permanent: reason == 0x9D });
    }
    causes::mqtt5(reason).into()
}

/// CONNECT and CONNACK.
async fn greet(wire: &mut Wire, link: &Link<String, String>, client: Client<'_>) -> Result<(), Failure> {
    let (base, id, is_known) = (client.0, client.1, client.2.replace(false));
    let clean_start = !matches!(link.command().await, Some(Command::Resume(_)));
    let mut all = v5::ConnectProperties::new();
    all.session_expiry_interval = Some(EXPIRY);
    let connect =
        v5::Connect { keep_alive: 60, client_id: id.to_owned(), clean_start, properties: Some(all) };
    wire.send(Packet::Connect(connect, None, None)).await?;
    let Packet::ConnAck(ack) = wire.next().await.ok_or(Cause::NoCloseFrame)?? else {
        return Err(PROTOCOL_ERROR.into());
    };
    client.2.set(true);
    let (epoch, code) = (link.epoch(), code(&ack).ok_or(PROTOCOL_ERROR)?);
    let (keep_alive, others) =
        ack.properties.map(|all| (all.server_keep_alive, all.server_reference)).unwrap_or_default();
    if code != 0 {
        return Err(refused(link, base, code, others));
    }
    let (token, ttl) = (Some(id.to_owned()), Some(Duration::from_secs(EXPIRY.into())));
    let ready = Event::Ready { epoch, token, endpoint: None, sequence: None, ttl };
    link.tell(if ack.session_present && is_known { Event::Resumed { epoch } } else { ready });
    let interval = keep_alive.map(|seconds| Duration::from_secs(seconds.into()));
    interval.into_iter().for_each(|interval| link.tell(Event::KeepAlive { epoch, interval }));
    Ok(())
}

async fn live(mut wire: Wire, link: Link<String, String>, client: Client<'_>) -> Result<(), Failure> {
    greet(&mut wire, &link, client).await?;
    let (epoch, mut sent) = (link.epoch(), HashMap::new());
    loop {
        tokio::select! {
            Some(command) = link.command() => match command {
                Command::Restore { keys, send } => {
                    let pkid = (send % 0xFFFF) as u16 + 1;
                    let filters = keys.iter().map(|topic| v5::Filter::new(topic, QoS::AtLeastOnce)).collect();
                    sent.insert(pkid, (keys, Some(send)));
                    wire.send(Packet::Subscribe(v5::Subscribe { pkid, filters, properties: None })).await?;
                }
                Command::Heartbeat { .. } => wire.send(Packet::PingReq(v5::PingReq)).await?,
                _ => {}
            },
            packet = wire.next() => match packet.ok_or(Cause::NoCloseFrame)?? {
                Packet::Publish(message) => {
                    link.received();
                    println!("{}: {}", message.topic.escape_ascii(), message.payload.escape_ascii());
                    if message.qos != QoS::AtMostOnce {
                        wire.send(Packet::PubAck(v5::PubAck::new(message.pkid, None))).await?;
                    }
                }
                Packet::SubAck(ack) => {
                    let (keys, send) = sent.remove(&ack.pkid).ok_or(PROTOCOL_ERROR)?;
                    for (key, code) in keys.into_iter().zip(ack.return_codes) {
                        link.tell(match code {
                            v5::SubscribeReasonCode::Success(_) => Event::SubscriptionConfirmed { epoch, key, send },
                            _ => Event::SubscriptionFailed { epoch, key, send, retryable: false },
                        });
                    }
                }
                Packet::Disconnect(end) => {
                    let others = end.properties.and_then(|all| all.server_reference);
                    return Err(refused(&link, client.0, end.reason_code as u8, others));
                }
                // A PINGRESP, which proves no more than anything else.
                _ => link.received(),
            },
        }
    }
}

/// The number of a CONNACK's reason, which `rumqttc` keeps to itself.
fn code(ack: &v5::ConnAck) -> Option<u8> {
    let mut bytes = BytesMut::new();
    ack.write(&mut bytes).ok()?;
    // The kind of the packet, its length, whether there is a session, the reason.
    bytes.iter().skip(1).skip_while(|byte| **byte >= 0x80).nth(2).copied()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(base), Some(id)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: mqtt HOST:PORT CLIENT TOPIC...");
        return ExitCode::from(2);
    };
    let policy = Policy::new(&CONFIG, SplitMix64::from_os()).with_session_type::<String>();
    let policy = policy.with_subscriptions(SubscriptionList::new());
    let answered = Cell::new(true);
    let live = |wire, link| live(wire, link, (&base, &id, &answered));
    let mut driver = supervise(policy, Tokio::new(), |dial| connect(dial, &base), live);
    arguments.for_each(|topic| _ = driver.handle().subscribe(topic, 0));
    eprintln!("{:?}", driver.run().await);
    ExitCode::FAILURE
}
