//! What the programs of `ci/no-panic.sh` share: types that stand for a user's, and a halt in place of a panic. Nothing is ever
//! run.

#![no_std]

pub mod wrapped;

use core::hint::black_box;
use core::panic::PanicInfo;

use redial::record::{FromName, Name, Named};
use redial::subscriptions::{FixedSubscriptions, SubscriptionSet};
use redial::{BackoffConfig, Config, Jitter, Ratio, fixed_config};

/// The address of a function.
#[derive(Debug)]
pub struct Entry(pub *const ());

/// Safe because nothing reads through the address.
unsafe impl Sync for Entry {}

/// Keeps the table in the program.
pub fn run(entries: &'static [Entry]) -> ! {
    black_box(entries);
    halt()
}

/// The storage of a set of subscriptions, which has no public name of its own.
pub type InPlace<K, const N: usize> = <FixedSubscriptions<K, N> as StorageOf>::Storage;

#[doc(hidden)]
pub trait StorageOf {
    type Storage;
}

impl<A> StorageOf for SubscriptionSet<A> {
    type Storage = A;
}

/// A session token of a user's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub [u8; 32]);

impl AsRef<[u8]> for Token {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Named for Token {
    fn with_name<R>(&self, take: impl FnOnce(Name<'_>) -> R) -> R {
        take(Name::Text(core::str::from_utf8(&self.0).unwrap_or("")))
    }
}

impl FromName for Token {
    fn from_name(name: Name<'_>) -> Option<Self> {
        match name {
            Name::Text(text) => Some(Self(text.as_bytes().try_into().ok()?)),
            Name::Number(_) => None,
        }
    }
}

const BACKOFF: BackoffConfig = BackoffConfig::exponential(
    core::time::Duration::from_secs(1),
    Ratio::TWO,
    core::time::Duration::from_secs(30),
)
.jitter(Jitter::Full)
.build_const();

fixed_config! {
    /// A config that the compiler knows, without parts that it leaves out.
    pub struct Known = Config::new(BACKOFF).build_const();
}

/// A hasher of a user's: FNV-1a.
#[derive(Debug, Default)]
pub struct Hasher(u64);

impl core::hash::Hasher for Hasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Never inlined and with a name that the check looks for: a program that can't panic does not have it.
#[cfg(target_os = "none")]
#[panic_handler]
#[inline(never)]
fn panicked(_: &PanicInfo<'_>) -> ! {
    halt()
}

fn halt() -> ! {
    loop {
        black_box(());
    }
}
