//! What Python sees, each class in a file of its own. What each thing does and costs is told in
//! `python/laurels_core/__init__.pyi`.

mod awards;
mod bonuses;
mod edge;
mod errors;
mod fingerprints;
mod names;
mod reader;
mod request_head;
mod writer;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    awards::register(module)?;
    bonuses::register(module)?;
    errors::register(module)?;
    fingerprints::register(module)?;
    names::register(module)?;
    writer::register(module)?;
    reader::register(module)?;
    request_head::register(module)?;
    edge::register(module)
}
