//! What a program tests its own use of a policy with.

mod normal_form;

pub use normal_form::normal_form;
