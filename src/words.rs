//! The words of the public enums: `as_str` gives each variant a stable one, and `Display` writes it.

/// Gives an enum `as_str`, and a `Display` that writes the word; with `as_str` in front the `Display` is left to the enum. The
/// words are those of a recorded log.
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal,)+ }) => {
        words!(as_str $name { $($variant => $word,)+ });

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
