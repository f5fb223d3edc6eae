//! A small policy for whoever makes millions of calls.

use core::hash::{Hash, Hasher};

use redial::endpoints::FixedEndpoints;
use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Checkable, Checked};
use redial::{Config, Policy, SplitMix64};

use super::Subject;

/// How many subscriptions it can hold.
pub const KEYS: usize = 4;

/// A config that is never compared: it does not change, and hashing it at every step would be most of the work.
#[derive(Clone, Copy, Debug)]
pub struct Lent<'c>(pub &'c Config);

impl core::borrow::Borrow<Config> for Lent<'_> {
    fn borrow(&self) -> &Config {
        self.0
    }
}

impl PartialEq for Lent<'_> {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.0, other.0)
    }
}

impl Eq for Lent<'_> {}

impl Hash for Lent<'_> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

pub type SmallPolicy<'c> = Subject<FixedEndpoints<3>, u8, Lent<'c>, KEYS>;
/// A policy with this seed and 1 to 3 endpoints.
pub fn small_policy(config: &Config, seed: u64, endpoints: u8) -> SmallPolicy<'_> {
    let endpoints = FixedEndpoints::new(endpoints).expect("1 to 3 endpoints");
    Policy::from_parts(Lent(config), SplitMix64::new(seed), FixedSubscriptions::new(), endpoints)
}

/// A policy that is checked, its hashes too (S96).
pub fn checked<D: Checkable + Hash>(policy: D) -> Checked<D> {
    Checked::new(policy).with_hashes()
}
