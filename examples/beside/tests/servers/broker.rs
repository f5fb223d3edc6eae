//! `mqtt`.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt, StreamExt};
use rumqttc::v5::mqttbytes::v5::{
    Codec, ConnAck, ConnAckProperties, Connect, ConnectReturnCode, Packet, PubAckReason, Publish, SubAck,
    SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{Error, QoS};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Framed;

use crate::common::server::Server;
use crate::common::{Example, Running, connections, eventually, free_port, is_short, pause};

/// A broker, in a folder of its own.
struct Broker {
    process: Option<Running>,
    port: u16,
    folder: PathBuf,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.process = None;
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

impl Broker {
    /// `None` where there is none to be had.
    fn start(config: &str) -> Option<Self> {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("redial-mqtt-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let fixed = format!("listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n{config}");
        let place = format!("persistence_location {}/\n", folder.display());
        fs::write(folder.join("config"), format!("{fixed}\n{place}")).unwrap();
        let mut broker = Self { process: None, port, folder };
        broker.restart();
        broker.process.is_some().then_some(broker)
    }

    /// SIGKILL, and the same again.
    fn restart(&mut self) {
        self.process = None;
        let mut broker = Command::new("mosquitto");
        broker.arg("-c").arg(self.folder.join("config")).stderr(Stdio::null());
        self.process = Running::start(&mut broker);
        if let Some(process) = &mut self.process {
            process.listens(self.port);
        }
    }

    /// Publishes with QoS 1: whether anybody has subscribed to it, on a connection or not.
    fn publish(&self, topic: &str, text: &str) -> bool {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let connect =
            Connect { keep_alive: 9, client_id: String::new(), clean_start: true, properties: None };
        let mut message = Publish::new(topic, QoS::AtLeastOnce, text.to_owned(), None);
        message.pkid = 1;
        exchange(&mut stream, &Packet::Connect(connect, None, None));
        match exchange(&mut stream, &Packet::Publish(message)) {
            Packet::PubAck(ack) => ack.reason == PubAckReason::Success,
            packet => panic!("{packet:?}"),
        }
    }
}

/// Sends a packet and waits for one.
fn exchange(stream: &mut TcpStream, packet: &Packet) -> Packet {
    use std::io::{Read, Write};
    let mut bytes = BytesMut::new();
    packet.write(&mut bytes, None).unwrap();
    stream.write_all(&bytes).unwrap();
    bytes.clear();
    loop {
        let mut read = [0; 256];
        let count = stream.read(&mut read).unwrap();
        assert!(count > 0, "the broker has closed the connection");
        bytes.extend_from_slice(&read[..count]);
        match Packet::read(&mut bytes, None) {
            Err(Error::InsufficientBytes(_)) => {}
            packet => return packet.unwrap(),
        }
    }
}

fn start(port: u16) -> Example {
    let address = format!("127.0.0.1:{port}");
    Example::start(env!("CARGO_BIN_EXE_mqtt"), [address.as_str(), "example", "a", "b"])
}

/// A message on each topic comes once, on one connection.
fn all_is_well(broker: &Broker, example: &Example, text: &str) {
    for topic in ["a", "b"] {
        // As soon as it is subscribed to.
        eventually(|| broker.publish(topic, text));
        assert_eq!(example.line(), format!("{topic}: {text}"));
    }
    eventually(|| connections(broker.port) == 1);
    assert_eq!(example.rest(), [""; 0]);
}

#[test]
fn topics_are_restored_where_the_broker_has_forgotten_the_session() {
    let Some(mut broker) = Broker::start("") else { return };
    let example = start(broker.port);
    all_is_well(&broker, &example, "1");
    broker.restart();
    assert!(!broker.publish("a", "nobody is there"));
    all_is_well(&broker, &example, "2");
}

/// The next message but those of before, which come again where the broker has not heard that they have come (QoS 1: at least once).
fn next(example: &Example, before: &str) -> String {
    loop {
        let line = example.line();
        if !line.ends_with(before) {
            return line;
        }
    }
}

/// The way from the example to the broker, to be cut.
fn proxy(port: u16, broker: u16) -> Server {
    Server::start(port, move |mut client| async move {
        let Ok(mut broker) = tokio::net::TcpStream::connect(("127.0.0.1", broker)).await else { return };
        // One of the two is gone.
        drop(tokio::io::copy_bidirectional(&mut client, &mut broker).await);
    })
}

#[test]
fn a_session_that_is_present_is_resumed() {
    let Some(mut broker) = Broker::start("persistence true") else { return };
    let port = free_port();
    let way = proxy(port, broker.port);
    let example = start(port);
    all_is_well(&broker, &example, "1");
    drop(way);
    eventually(|| connections(broker.port) == 0);
    // The broker keeps it for a session that has no connection.
    assert!(broker.publish("a", "meanwhile"));
    let _way = proxy(port, broker.port);
    assert_eq!(next(&example, ": 1"), "a: meanwhile");
    all_is_well(&broker, &example, "2");
    // The same where the broker is killed, which has written the session to its disk. Mosquitto 2.0.11 writes none that began with a
    // clean start and was not resumed yet.
    broker.process.as_ref().unwrap().signal("USR1");
    let database = broker.folder.join("mosquitto.db");
    eventually(|| fs::read(&database).is_ok_and(|bytes| bytes.windows(7).any(|name| name == b"example")));
    broker.restart();
    assert!(broker.publish("a", "later"));
    assert_eq!(next(&example, ": 2"), "a: later");
    all_is_well(&broker, &example, "3");
}

/// A server of the test's own: it answers each CONNECT with this, and goes on where that is a success.
fn server(port: u16, answer: ConnAck) -> (Server, Arc<AtomicUsize>) {
    let subscribes = Arc::<AtomicUsize>::default();
    let counted = subscribes.clone();
    let server = Server::start(port, move |stream| {
        let codec = Codec { max_incoming_size: None, max_outgoing_size: None };
        let (mut wire, answer, counted) = (Framed::new(stream, codec), answer.clone(), counted.clone());
        async move {
            while let Some(Ok(packet)) = wire.next().await {
                let answer = match packet {
                    Packet::Connect(connect, ..) if connect.client_id == "example" => {
                        Packet::ConnAck(answer.clone())
                    }
                    Packet::Subscribe(subscribe) => {
                        counted.fetch_add(subscribe.filters.len(), Ordering::SeqCst);
                        let code = SubscribeReasonCode::Success(QoS::AtLeastOnce);
                        let return_codes = vec![code; subscribe.filters.len()];
                        Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes, properties: None })
                    }
                    packet => panic!("{packet:?}"),
                };
                wire.send(answer).await.unwrap();
            }
        }
    });
    (server, subscribes)
}

fn connack(code: ConnectReturnCode, server_reference: Option<String>) -> ConnAck {
    let properties = ConnAckProperties {
        session_expiry_interval: None,
        receive_max: None,
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: None,
        reason_string: None,
        user_properties: vec![],
        wildcard_subscription_available: None,
        subscription_identifiers_available: None,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference,
        authentication_method: None,
        authentication_data: None,
    };
    ConnAck { session_present: false, code, properties: Some(properties) }
}

/// 0x9D: the first server that is trusted is dialled, and stays the one.
#[test]
fn a_server_that_has_moved_is_followed_on_its_host() {
    let [base, moved] = [free_port(), free_port()];
    let others = format!("broker.example:1883 127.0.0.1:{moved}");
    let (first, _) = server(base, connack(ConnectReturnCode::ServerMoved, Some(others)));
    let (second, subscribed) = server(moved, connack(ConnectReturnCode::Success, None));
    let _example = start(base);
    eventually(|| subscribed.load(Ordering::SeqCst) == 2);
    assert_eq!(first.connections.all.load(Ordering::SeqCst), 1);
    drop(second);
    let (second, subscribed) = server(moved, connack(ConnectReturnCode::Success, None));
    eventually(|| subscribed.load(Ordering::SeqCst) == 2);
    assert_eq!(second.connections.most.load(Ordering::SeqCst), 1);
    assert_eq!(first.connections.all.load(Ordering::SeqCst), 1);
}

/// A broker that has lost the session begins one with the CONNECT that wants to resume it. If the client never hears of that, the session
/// that is present with the next CONNECT has none of its subscriptions.
#[test]
fn a_session_that_began_unheard_is_no_session_to_resume() {
    let port = free_port();
    let (connects, subscribes) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (connected, subscribed) = (connects.clone(), subscribes.clone());
    let _server = Server::start(port, move |stream| {
        let codec = Codec { max_incoming_size: None, max_outgoing_size: None };
        let mut wire = Framed::new(stream, codec);
        let (number, subscribed) = (connected.fetch_add(1, Ordering::SeqCst), subscribed.clone());
        async move {
            while let Some(Ok(packet)) = wire.next().await {
                match packet {
                    Packet::Connect(connect, ..) => {
                        assert_eq!(connect.clean_start, number == 0);
                        // The second has lost its session, and its answer is lost. For the third there is one.
                        if number == 1 {
                            return;
                        }
                        let ack = connack(ConnectReturnCode::Success, None);
                        let ack = ConnAck { session_present: number >= 2, ..ack };
                        wire.send(Packet::ConnAck(ack)).await.unwrap();
                    }
                    Packet::Subscribe(subscribe) => {
                        subscribed.fetch_add(subscribe.filters.len(), Ordering::SeqCst);
                        let code = SubscribeReasonCode::Success(QoS::AtLeastOnce);
                        let return_codes = vec![code; subscribe.filters.len()];
                        let ack = SubAck { pkid: subscribe.pkid, return_codes, properties: None };
                        wire.send(Packet::SubAck(ack)).await.unwrap();
                        // The first connection, and the third, which has its session.
                        if [0, 2].contains(&number) {
                            return;
                        }
                    }
                    packet => panic!("{packet:?}"),
                }
            }
        }
    });
    let _example = start(port);
    eventually(|| connects.load(Ordering::SeqCst) >= 4);
    // The last one has heard of its session, and resumes it.
    eventually(|| subscribes.load(Ordering::SeqCst) == 4);
    pause(100);
    assert_eq!(subscribes.load(Ordering::SeqCst), 4);
}

/// What a refusal means is in the table of MQTT 5: here nobody has another credential.
#[test]
fn a_refusal_is_classified() {
    let port = free_port();
    let (server, _) = server(port, connack(ConnectReturnCode::NotAuthorized, None));
    assert_eq!(start(port).end(), (false, vec![]));
    assert_eq!(server.connections.all.load(Ordering::SeqCst), 1);
}

#[test]
fn the_example_is_short() {
    is_short(include_str!("../../mqtt.rs"), 120);
}
