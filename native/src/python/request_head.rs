//! `plain_head` and `plain_post`.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::http::request_head;

/// Put the function into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(plain_head, module)?)?;
    module.add_function(wrap_pyfunction!(plain_post, module)?)
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

type PostTuple<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Option<Bound<'py, PyBytes>>,
    Option<Bound<'py, PyBytes>>,
    Option<Bound<'py, PyBytes>>,
    Option<Bound<'py, PyBytes>>,
    usize,
    usize,
);

/// The plain POST that these bytes begin with.
#[pyfunction]
fn plain_post<'py>(py: Python<'py>, data: &[u8]) -> Option<PostTuple<'py>> {
    let (head, begin, length) = request_head::plain_post(data)?;
    let bytes = |some: &[u8]| PyBytes::new(py, some);
    let (path, query, media_type) = (bytes(head.path), bytes(head.query), head.media_type.map(bytes));
    let authorization = head.authorization.map(bytes);
    Some((path, query, authorization, media_type, head.id.map(bytes), head.origin.map(bytes), begin, length))
}
