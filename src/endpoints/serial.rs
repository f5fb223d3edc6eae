//! The memory of endpoints as data.

use super::FixedEndpoints;
use crate::time::Instant;

/// Endpoints that are not checked yet.
#[derive(serde::Deserialize)]
#[serde(rename = "FixedEndpoints")]
pub(super) struct Unchecked<const N: usize> {
    halved_at: Instant,
    sticky_until: Instant,
    #[serde(with = "crate::array")]
    failures: [u8; N],
    #[serde(with = "crate::array")]
    tried: [bool; N],
    count: u8,
    current: u8,
    sticky: u8,
    #[serde(default)]
    left: bool,
}

impl<const N: usize> TryFrom<Unchecked<N>> for FixedEndpoints<N> {
    type Error = &'static str;

    fn try_from(it: Unchecked<N>) -> Result<Self, &'static str> {
        let Unchecked { halved_at, sticky_until, failures, tried, count, current, sticky, left } = it;
        let whole = Self::new(count).map_err(|_| "no endpoint, or more than there is room for")?;
        if current >= count || sticky >= count {
            return Err("an endpoint that there is not");
        }
        Ok(Self { halved_at, sticky_until, failures, tried, current, sticky, left, ..whole })
    }
}
