//! `keyed`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::fingerprints::{self, BYTES};

/// Put the function into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(keyed, module)?)
}

/// Fingerprints, each keyed by the secret at its place.
#[pyfunction]
fn keyed<'py>(py: Python<'py>, secrets: &[u8], fingerprints: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let (secrets, secrets_rest) = secrets.as_chunks::<BYTES>();
    let (fingerprints, rest) = fingerprints.as_chunks::<BYTES>();
    if secrets.len() != fingerprints.len() || !secrets_rest.is_empty() || !rest.is_empty() {
        return Err(PyValueError::new_err("Each fingerprint has its secret, and each is 16 bytes."));
    }
    let keyed = py.detach(|| fingerprints::keyed(secrets, fingerprints));
    let keyed = keyed.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, keyed.as_flattened()))
}
