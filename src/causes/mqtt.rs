//! The codes of MQTT. Plain numbers: every client has them, and no crate is needed.

use crate::classify::Cause;

/// A reason code of MQTT 5, in a CONNACK or in the server's DISCONNECT: [`Cause::CloseFrame`] with that code.
///
/// What a code means is in [`tables::MQTT5`](crate::classify::tables::MQTT5): give the policy that table, or one built on it. Another
/// table takes the number for a close code that no WebSocket may send.
///
/// ```
/// use redial::classify::{Class, Classifier, tables};
/// use redial::causes;
///
/// const CLASSIFIER: Classifier = Classifier::new(&tables::MQTT5).build_const();
/// let busy = CLASSIFIER.classify(causes::mqtt5(0x89)); // server busy
/// assert_eq!(busy.class, Class::RateLimited);
/// ```
///
/// An MQTT connection that ends without a DISCONNECT is [`Cause::NoCloseFrame`].
///
/// Source: [MQTT 5.0, section 2.4](https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html#_Toc3901031).
#[doc(alias = "CONNACK")]
#[must_use]
pub const fn mqtt5(reason: u8) -> Cause {
    Cause::CloseFrame(reason as u16)
}

/// A return code of MQTT 3.1.1 or 3.1, in a CONNACK: the reason code of MQTT 5 that says the same, as by [`mqtt5`], so that one
/// table judges both.
///
/// | return code | reason code |
/// | --- | --- |
/// | 0, accepted | 0x00, which refuses nothing |
/// | 1, unacceptable protocol version | 0x84, unsupported protocol version |
/// | 2, identifier rejected | 0x85, client identifier not valid |
/// | 3, server unavailable | 0x88, server unavailable |
/// | 4, bad user name or password | 0x86, bad user name or password |
/// | 5, not authorized | 0x87, not authorized |
/// | 6 to 255, reserved | 0x82, protocol error |
///
/// Sources: [MQTT 3.1.1, table 3.1](https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Table_3.1_-) and MQTT 5.0,
/// table 3-1.
///
/// ```
/// use redial::causes;
///
/// assert_eq!(causes::mqtt3(3), causes::mqtt5(0x88)); // server unavailable
/// ```
#[must_use]
pub const fn mqtt3(return_code: u8) -> Cause {
    mqtt5(match return_code {
        0 => 0x00,
        1 => 0x84,
        2 => 0x85,
        3 => 0x88,
        4 => 0x86,
        5 => 0x87,
        _ => 0x82,
    })
}
