//! The choices of a config.

use core::ffi::c_char;

use core_policy::backoff::AfterTable;
use core_policy::classify::Scope;
use core_policy::endpoints::EndpointOrder;
use core_policy::heartbeat::Liveness;
use core_policy::policy::{Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn};

use crate::names::mirrors;

/// When a connection counts as established.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_establish {
    /// When the transport is open, for protocols that don't confirm a session.
    REDIAL_ESTABLISH_ON_OPEN = 1,
    /// When the protocol confirms it.
    REDIAL_ESTABLISH_ON_READY = 2,
}

/// A [`redial_establish`] as a number.
pub type establish_number = u32;

mirrors!(redial_establish of Establish {
    REDIAL_ESTABLISH_ON_OPEN = Establish::OnOpen,
    REDIAL_ESTABLISH_ON_READY = Establish::OnReady,
});

/// The word of an establish, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_establish_name(number: establish_number) -> *const c_char {
    redial_establish::word(number)
}

/// When a credential is refreshed.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_refresh_on {
    /// After the server rejected it.
    REDIAL_REFRESH_ON_AUTH = 1,
    /// Before every dial.
    REDIAL_REFRESH_ON_DIAL = 2,
    /// Never. A rejection is fatal.
    REDIAL_REFRESH_ON_NEVER = 3,
}

/// A [`redial_refresh_on`] as a number.
pub type refresh_on_number = u32;

mirrors!(redial_refresh_on of RefreshOn {
    REDIAL_REFRESH_ON_AUTH = RefreshOn::Auth,
    REDIAL_REFRESH_ON_DIAL = RefreshOn::Dial,
    REDIAL_REFRESH_ON_NEVER = RefreshOn::Never,
});

/// The word of a refresh on, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_refresh_on_name(number: refresh_on_number) -> *const c_char {
    redial_refresh_on::word(number)
}

/// What happens when the network goes down.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_on_network_down {
    /// No dials until it is back. An open connection stays.
    REDIAL_ON_NETWORK_DOWN_PARK = 1,
    /// No dials until it is back, and an open connection is closed.
    REDIAL_ON_NETWORK_DOWN_DROP = 2,
    /// No dials until it is back, and an open connection is probed with a heartbeat.
    REDIAL_ON_NETWORK_DOWN_PROBE = 3,
    /// Nothing happens.
    REDIAL_ON_NETWORK_DOWN_IGNORE = 4,
}

/// A [`redial_on_network_down`] as a number.
pub type on_network_down_number = u32;

mirrors!(redial_on_network_down of OnNetworkDown {
    REDIAL_ON_NETWORK_DOWN_PARK = OnNetworkDown::Park,
    REDIAL_ON_NETWORK_DOWN_DROP = OnNetworkDown::Drop,
    REDIAL_ON_NETWORK_DOWN_PROBE = OnNetworkDown::Probe,
    REDIAL_ON_NETWORK_DOWN_IGNORE = OnNetworkDown::Ignore,
});

/// The word of an on network down, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_on_network_down_name(number: on_network_down_number) -> *const c_char {
    redial_on_network_down::word(number)
}

/// What happens to an open connection when the default route changes.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_on_network_change {
    /// It is probed with a heartbeat. Without a running heartbeat it is dropped.
    REDIAL_ON_NETWORK_CHANGE_PROBE = 1,
    /// It is closed and dialled again at once.
    REDIAL_ON_NETWORK_CHANGE_DROP = 2,
    /// Nothing happens.
    REDIAL_ON_NETWORK_CHANGE_IGNORE = 3,
}

/// A [`redial_on_network_change`] as a number.
pub type on_network_change_number = u32;

mirrors!(redial_on_network_change of OnNetworkChange {
    REDIAL_ON_NETWORK_CHANGE_PROBE = OnNetworkChange::Probe,
    REDIAL_ON_NETWORK_CHANGE_DROP = OnNetworkChange::Drop,
    REDIAL_ON_NETWORK_CHANGE_IGNORE = OnNetworkChange::Ignore,
});

/// The word of an on network change, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_on_network_change_name(number: on_network_change_number) -> *const c_char {
    redial_on_network_change::word(number)
}

/// What happens to an open connection after a sleep of the host.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_on_wake {
    /// It is closed and dialled again. The session is kept.
    REDIAL_ON_WAKE_REDIAL = 1,
    /// It is probed with a heartbeat. Without a running heartbeat it is dialled again.
    REDIAL_ON_WAKE_PROBE = 2,
}

/// A [`redial_on_wake`] as a number.
pub type on_wake_number = u32;

mirrors!(redial_on_wake of OnWake {
    REDIAL_ON_WAKE_REDIAL = OnWake::Redial,
    REDIAL_ON_WAKE_PROBE = OnWake::Probe,
});

/// The word of an on wake, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_on_wake_name(number: on_wake_number) -> *const c_char {
    redial_on_wake::word(number)
}

/// What happens to an open connection when the page becomes visible.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_on_visible {
    /// Nothing happens.
    REDIAL_ON_VISIBLE_NOTHING = 1,
    /// It is probed with a heartbeat. Without a running heartbeat it is dialled again.
    REDIAL_ON_VISIBLE_PROBE = 2,
}

/// A [`redial_on_visible`] as a number.
pub type on_visible_number = u32;

mirrors!(redial_on_visible of OnVisible {
    REDIAL_ON_VISIBLE_NOTHING = OnVisible::Nothing,
    REDIAL_ON_VISIBLE_PROBE = OnVisible::Probe,
});

/// The word of an on visible, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_on_visible_name(number: on_visible_number) -> *const c_char {
    redial_on_visible::word(number)
}

/// What answers a heartbeat.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_liveness {
    /// Its acknowledgement.
    REDIAL_LIVENESS_ACK = 1,
    /// Anything that is received.
    REDIAL_LIVENESS_ANY_TRAFFIC = 2,
}

/// A [`redial_liveness`] as a number.
pub type liveness_number = u32;

mirrors!(redial_liveness of Liveness {
    REDIAL_LIVENESS_ACK = Liveness::Ack,
    REDIAL_LIVENESS_ANY_TRAFFIC = Liveness::AnyTraffic,
});

/// The word of a liveness, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_liveness_name(number: liveness_number) -> *const c_char {
    redial_liveness::word(number)
}

/// The endpoint that a round begins with.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_endpoint_order {
    /// Endpoint 0, whatever its failures; then the others, the least failed first.
    REDIAL_ENDPOINT_ORDER_PRIMARY_FIRST = 1,
    /// The least failed one, drawn among equals.
    REDIAL_ENDPOINT_ORDER_LEAST_FAILED = 2,
}

/// A [`redial_endpoint_order`] as a number.
pub type endpoint_order_number = u32;

mirrors!(redial_endpoint_order of EndpointOrder {
    REDIAL_ENDPOINT_ORDER_PRIMARY_FIRST = EndpointOrder::PrimaryFirst,
    REDIAL_ENDPOINT_ORDER_LEAST_FAILED = EndpointOrder::LeastFailed,
});

/// The word of an endpoint order, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_endpoint_order_name(number: endpoint_order_number) -> *const c_char {
    redial_endpoint_order::word(number)
}

/// What follows the last entry of a table of waits.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_after_table {
    /// The last entry repeats.
    REDIAL_AFTER_TABLE_REPEAT_LAST = 1,
    /// No further attempt.
    REDIAL_AFTER_TABLE_GIVE_UP = 2,
}

/// A [`redial_after_table`] as a number.
pub type after_table_number = u32;

mirrors!(redial_after_table of AfterTable {
    REDIAL_AFTER_TABLE_REPEAT_LAST = AfterTable::RepeatLast,
    REDIAL_AFTER_TABLE_GIVE_UP = AfterTable::GiveUp,
});

/// The word of an after table, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_after_table_name(number: after_table_number) -> *const c_char {
    redial_after_table::word(number)
}

/// What has to change before a failed attempt could succeed.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_scope {
    /// The client: its credential, its version, its request.
    REDIAL_SCOPE_CLIENT = 1,
    /// The endpoint: another one may accept the same client.
    REDIAL_SCOPE_ENDPOINT = 2,
    /// The service.
    REDIAL_SCOPE_SERVICE = 3,
}

/// A [`redial_scope`] as a number.
pub type scope_number = u32;

mirrors!(redial_scope of Scope {
    REDIAL_SCOPE_CLIENT = Scope::Client,
    REDIAL_SCOPE_ENDPOINT = Scope::Endpoint,
    REDIAL_SCOPE_SERVICE = Scope::Service,
});

/// The word of a scope, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_scope_name(number: scope_number) -> *const c_char {
    redial_scope::word(number)
}
