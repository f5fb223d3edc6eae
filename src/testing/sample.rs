//! What scripts name tokens, endpoints and subscriptions by.

use core::convert::Infallible;

/// A type of names of which a [`Script`](super::Script) needs a few: session tokens, endpoints, subscription keys.
///
/// It is implemented for integers, `()`, `&'static str` and, with `alloc`, `String`. Implement it for a key type of your own:
///
/// ```
/// use redial::testing::Sample;
///
/// #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
/// struct Topic(u8);
///
/// impl Sample for Topic {
///     fn sample(number: u8) -> Option<Self> {
///         Some(Self(number))
///     }
/// }
/// ```
pub trait Sample: Sized {
    /// The name with this number; scripts use 0 to 5. Equal numbers give equal names. `None`: the type has no value, and events
    /// that need one do not happen.
    fn sample(number: u8) -> Option<Self>;
}

/// A session without a token of its own: it is resumed like any other.
impl Sample for () {
    fn sample(_: u8) -> Option<Self> {
        Some(())
    }
}

/// A policy without subscriptions has no key.
impl Sample for Infallible {
    fn sample(_: u8) -> Option<Self> {
        None
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Sample for $number {
            fn sample(number: u8) -> Option<Self> {
                Some(number.into())
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, u128, usize, i16, i32, i64, i128, isize, char);

impl Sample for &'static str {
    /// `"a"` to `"p"`, and then again.
    fn sample(number: u8) -> Option<Self> {
        const NAMES: &str = "abcdefghijklmnop";
        let at = usize::from(number & 15);
        NAMES.get(at..at.saturating_add(1))
    }
}

#[cfg(feature = "alloc")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "alloc")))]
impl Sample for alloc::string::String {
    /// As for `&'static str`.
    fn sample(number: u8) -> Option<Self> {
        <&'static str>::sample(number).map(Into::into)
    }
}
