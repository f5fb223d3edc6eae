//! A client of the gauntlet: the event loop of `rumqttc` without its own reconnects, supervised by redial.
//!
//! ```text
//! gauntlet mqtt -- redial-mqtt {host} {port}
//! ```

use std::process::ExitCode;
use std::time::Duration;

use redial::causes::mqtt5;
use redial::classify::{Classifier, tables};
use redial::driver::{Command, Failure, Link, Outcome, Tokio, supervise};
use redial::subscriptions::SubscriptionList;
use redial::{Cause, Config, Policy, SplitMix64, presets};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, Packet};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};

const CONFIG: Config =
    presets::RECOMMENDED.to_builder().classifier(Classifier::new(&tables::MQTT5).build_const()).build_const();

/// The reason code of a breach of the protocol (MQTT 5, section 2.4).
const PROTOCOL_ERROR: Cause = mqtt5(0x82);

type Connection = (AsyncClient, EventLoop);

async fn connect(host: String, port: u16) -> Result<Connection, Failure> {
    let mut options = MqttOptions::new("gauntlet", host, port);
    options.set_clean_start(true).set_keep_alive(Duration::from_secs(5));
    let (client, mut events) = AsyncClient::new(options, 10);
    match events.poll().await {
        // There can be no session after a clean start [MQTT-3.2.2-4].
        Ok(Event::Incoming(Packet::ConnAck(connack))) if !connack.session_present => Ok((client, events)),
        Ok(_) => Err(PROTOCOL_ERROR.into()),
        Err(error) => Err(failure(error)),
    }
}

async fn live((client, mut events): Connection, link: Link<(), String>) -> Result<(), Failure> {
    link.ready();
    let read = async {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => return Err(PROTOCOL_ERROR.into()),
                Ok(Event::Incoming(_)) => link.received(),
                Ok(Event::Outgoing(_)) => {}
                Err(error) => return Err(failure(error)),
            }
        }
    };
    let write = async {
        while let Some(command) = link.command().await {
            if let Command::Restore { keys, .. } = command {
                for topic in keys {
                    client.subscribe(topic, QoS::AtLeastOnce).await?;
                }
            }
        }
        Ok(())
    };
    tokio::select! {
        read = read => read,
        write = write => write,
    }
}

fn failure(error: ConnectionError) -> Failure {
    match error {
        ConnectionError::ConnectionRefused(code) => mqtt5(reason(code)).into(),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            mqtt5(reason_code as u8).into()
        }
        error => error.into(),
    }
}

/// The number of a code, which `rumqttc` keeps to itself.
const fn reason(code: ConnectReturnCode) -> u8 {
    use ConnectReturnCode as C;
    match code {
        C::Success => 0x00,
        C::MalformedPacket => 0x81,
        C::ProtocolError => 0x82,
        C::ImplementationSpecificError => 0x83,
        C::RefusedProtocolVersion | C::UnsupportedProtocolVersion => 0x84,
        C::BadClientId | C::ClientIdentifierNotValid => 0x85,
        C::BadUserNamePassword => 0x86,
        C::NotAuthorized => 0x87,
        C::ServiceUnavailable | C::ServerUnavailable => 0x88,
        C::ServerBusy => 0x89,
        C::Banned => 0x8A,
        C::BadAuthenticationMethod => 0x8C,
        C::TopicNameInvalid => 0x90,
        C::PacketTooLarge => 0x95,
        C::QuotaExceeded => 0x97,
        C::PayloadFormatInvalid => 0x99,
        C::RetainNotSupported => 0x9A,
        C::QoSNotSupported => 0x9B,
        C::UseAnotherServer => 0x9C,
        C::ServerMoved => 0x9D,
        C::ConnectionRateExceeded => 0x9F,
        C::UnspecifiedError => 0x80,
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [host, port] = arguments.as_slice() else {
        eprintln!("usage: redial-mqtt HOST PORT");
        return ExitCode::from(2);
    };
    let Ok(port) = port.parse() else {
        eprintln!("redial-mqtt: {port:?} is no port");
        return ExitCode::from(2);
    };
    let seed = std::env::var("GAUNTLET_SEED").ok().and_then(|seed| seed.parse().ok());
    let rng = seed.map_or_else(SplitMix64::from_os, SplitMix64::new);
    let policy = Policy::new(&CONFIG, rng).with_subscriptions(SubscriptionList::new());
    let mut driver = supervise(policy, Tokio::new(), |_| connect(host.clone(), port), live);
    for topic in ["a", "b"] {
        driver.handle().subscribe(topic.to_owned(), 0);
    }
    match driver.run().await {
        Outcome::Stopped => ExitCode::SUCCESS,
        Outcome::GaveUp { reason, cause } => {
            eprintln!("redial-mqtt: gave up, {reason}: {cause}");
            ExitCode::FAILURE
        }
    }
}
