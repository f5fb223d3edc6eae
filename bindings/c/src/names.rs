//! The words of the core's enums as strings of C, and the enums of the header beside those of the core.

use core::ffi::c_char;

/// The word with a zero at its end.
pub(crate) const fn terminated<const N: usize>(word: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let (mut to, mut from): (&mut [u8], &[u8]) = (&mut bytes, word.as_bytes());
    while let (Some((byte, to_rest)), [first, from_rest @ ..]) = (to.split_first_mut(), from) {
        *byte = *first;
        (to, from) = (to_rest, from_rest);
    }
    bytes
}

/// The address of bytes that are a string of C.
pub(crate) const fn string<const N: usize>(bytes: &'static [u8; N]) -> *const c_char {
    bytes.as_ptr().cast()
}

/// A word that the compiler knows, as a string of C.
macro_rules! word {
    ($word:expr) => {{
        const WORD: &str = $word;
        static BYTES: [u8; WORD.len() + 1] = $crate::names::terminated(WORD);
        $crate::names::string(&BYTES)
    }};
}

/// An enum of the header beside the one of the core: from one to the other, and the word of each.
macro_rules! mirrors {
    ($c:ident of $core:ty { $($name:ident = $($variant:ident)::+,)+ }) => {
        impl $c {
            /// The number of a value of the core; 0 for one that this header does not know.
            #[allow(dead_code, unreachable_patterns, reason = "some are only read, and some of the core may grow")]
            pub(crate) const fn of(value: $core) -> u32 {
                match value {
                    $($($variant)::+ => Self::$name as u32,)+
                    _ => 0,
                }
            }

            /// The value that a number stands for.
            #[allow(dead_code, reason = "some are only written")]
            pub(crate) const fn read(number: u32) -> Option<$core> {
                $(if number == Self::$name as u32 {
                    return Some($($variant)::+);
                })+
                None
            }

            /// The word of a number.
            #[allow(dead_code, reason = "some are part of a longer text")]
            pub(crate) fn word(number: u32) -> *const c_char {
                $(if number == Self::$name as u32 {
                    return $crate::names::word!($($variant)::+.as_str());
                })+
                $crate::names::word!("unknown")
            }
        }
    };
}

/// An enum of the header without one of the core: the value of a number.
macro_rules! numbered {
    ($c:ident { $($name:ident,)+ }) => {
        impl $c {
            /// The value with this number.
            const fn read(number: u32) -> Option<Self> {
                $(if number == Self::$name as u32 {
                    return Some(Self::$name);
                })+
                None
            }
        }
    };
}

pub(crate) use {mirrors, numbered, word};
