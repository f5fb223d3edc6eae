//! The clients that are compared.

use clap::ValueEnum;

/// A client: how it dials, and what it does when its connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A loop that sleeps for a second, on the settings of tokio-tungstenite that redial has
    Fixed,
    /// The same on the settings of `connect_async`
    FixedBuffers,
    /// A loop around backon's exponential backoff, on the settings that redial has
    Backon,
    /// redial as it comes
    Redial,
    /// redial on the waits of the preset EAGER
    RedialEager,
    /// redial on the waits of the preset FEW
    RedialFew,
    /// Lines over TCP: a loop written by hand
    LinesByHand,
    /// Lines over TCP: stubborn-io
    LinesStubborn,
    /// Lines over TCP: redial's driver
    LinesRedial,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Fixed,
        Self::FixedBuffers,
        Self::Backon,
        Self::Redial,
        Self::RedialEager,
        Self::RedialFew,
        Self::LinesByHand,
        Self::LinesStubborn,
        Self::LinesRedial,
    ];

    pub(crate) const fn is_websocket(self) -> bool {
        !matches!(self, Self::LinesByHand | Self::LinesStubborn | Self::LinesRedial)
    }

    /// Whether it backs off further where a connection that did not hold is lost.
    pub(crate) const fn remembers(self) -> bool {
        matches!(self, Self::Redial | Self::RedialEager | Self::RedialFew)
    }

    /// Its row in a table.
    pub(crate) const fn row(self) -> &'static str {
        match self {
            Self::Fixed => "a loop that sleeps 1 s",
            Self::FixedBuffers => "the same, with the buffers of `connect_async`",
            Self::Backon => "a loop around backon",
            Self::Redial => "redial, `presets::WEBSOCKET`",
            Self::RedialEager => "redial, the waits of `presets::EAGER`",
            Self::RedialFew => "redial, the waits of `presets::FEW`",
            Self::LinesByHand => "written by hand",
            Self::LinesStubborn => "stubborn-io",
            Self::LinesRedial => "redial",
        }
    }

    /// Its name as an argument.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
