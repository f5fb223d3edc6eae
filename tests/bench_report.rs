//! The report on the benchmarks: its own tests, in the modules of `benches/report`.

#![allow(dead_code, reason = "the report uses the rest")]

#[path = "../benches/report/counts.rs"]
mod counts;
#[path = "../benches/report/document.rs"]
mod document;
#[path = "../benches/report/memory.rs"]
mod memory;
#[path = "../benches/report/outside.rs"]
mod outside;
#[path = "../benches/shared/mod.rs"]
mod shared;
