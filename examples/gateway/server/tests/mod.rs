//! Each fault does what it says, and each rule of conduct is noticed: seen by a plain WebSocket client.

mod conduct;
mod faults;
mod peer;
mod planned;
