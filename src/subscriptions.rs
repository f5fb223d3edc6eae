//! Placeholder replaced in the same series.
