//! `Names`.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::dashboard::names;

/// Put the class into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Names>()
}

/// Proxy names: a keyed permutation of the name number, and two lists of words.
#[pyclass(frozen, module = "laurels_core")]
pub struct Names {
    pub(super) names: names::Names,
}

#[pymethods]
impl Names {
    #[new]
    fn new(
        tables: Vec<PyBuffer<u16>>,
        adjectives: Vec<String>,
        creatures: Vec<String>,
        py: Python<'_>,
    ) -> PyResult<Names> {
        let tables = tables.iter().map(|table| table.to_vec(py)).collect::<PyResult<_>>()?;
        Ok(Names { names: names::Names::new(tables, &adjectives, &creatures)? })
    }

    /// The proxy name of a name number.
    fn name(&self, name_number: u32) -> PyResult<String> {
        if name_number >= self.names.count() {
            return Err(PyValueError::new_err(format!(
                "A name number is from 0 to {}, not {name_number}.",
                self.names.count() - 1
            )));
        }
        let (mut name, mut number) = (Vec::new(), [name_number]);
        self.names.shuffle(&mut number);
        self.names.write(number[0], &mut name);
        Ok(String::from_utf8(name)?)
    }
}
