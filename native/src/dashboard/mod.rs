//! What people see.

pub mod names;
pub mod render;
