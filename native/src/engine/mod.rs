//! A store as a whole: the one writer, and readers without locks.

pub mod reader;
mod rollback_view;
mod source;
pub mod version;
pub mod writer;
