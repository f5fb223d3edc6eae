//! A Discord gateway: what the pages of twilight and of @buape/carbon come to.

pub mod after;
