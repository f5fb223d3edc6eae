//! The words of the public enums: `as_str` gives each variant a stable one, and `Display` writes it.

/// Gives an enum `as_str`, and a `Display` that writes the word; with `as_str` in front the `Display` is left to the enum. The
/// words are those of a recorded log. The same for `defmt::Format`, where the words stay in the host's copy of the program.
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal,)+ }) => {
        words!(as_str $name { $($variant => $word,)+ });

        #[cfg(feature = "defmt")]
        impl defmt::Format for $name {
            fn format(&self, f: defmt::Formatter<'_>) {
                self.format_word(f);
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
    (as_str $name:ident { $($variant:ident => $word:literal,)+ }) => {
        impl $name {
            /// The variant's word, in snake case. It does not change between versions.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $word,)+
                }
            }

            #[cfg(feature = "defmt")]
            #[allow(dead_code, reason = "not every enum is printed")]
            pub(crate) fn format_word(&self, f: defmt::Formatter<'_>) {
                match self {
                    $(Self::$variant { .. } => defmt::write!(f, $word),)+
                }
            }
        }
    };
    ([$($generics:tt)+] $name:ty { $($variant:ident => $word:literal,)+ }) => {
        impl<$($generics)+> $name {
            /// The variant's word, in snake case. It does not change between versions.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $word,)+
                }
            }
        }

        /// The variant's word, without what it carries.
        impl<$($generics)+> core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
