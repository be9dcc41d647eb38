//! `plain_head`.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::http::request_head;

/// Put the function into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(plain_head, module)?)
}

type HeadTuple<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Option<Bound<'py, PyBytes>>,
    Option<Bound<'py, PyBytes>>,
    Option<Bound<'py, PyBytes>>,
    Option<Bound<'py, PyBytes>>,
);

/// The one plain GET that these bytes are.
#[pyfunction]
fn plain_head<'py>(py: Python<'py>, data: &[u8]) -> Option<HeadTuple<'py>> {
    let head = request_head::plain(data)?;
    let bytes = |some: &[u8]| PyBytes::new(py, some);
    let (path, query) = (bytes(head.path), bytes(head.query));
    Some((path, query, head.authorization.map(bytes), head.tag.map(bytes), head.id.map(bytes), head.origin.map(bytes)))
}
