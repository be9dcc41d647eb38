//! The room of `src/engine` that is modelled.

#[path = "../../src/engine/rollback_view.rs"]
pub mod rollback_view;
