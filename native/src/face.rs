//! The Python face: `python/laurels_core/__init__.pyi` is its documentation.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(laurels_core, CoreError, PyException);
create_exception!(laurels_core, Locked, CoreError);
create_exception!(laurels_core, NotReady, CoreError);
create_exception!(laurels_core, Busy, CoreError);
create_exception!(laurels_core, Diverged, CoreError);
create_exception!(laurels_core, Full, CoreError);
create_exception!(laurels_core, Refused, CoreError);
create_exception!(laurels_core, Truncated, Refused);
create_exception!(laurels_core, Corrupt, Refused);
create_exception!(laurels_core, Foreign, Refused);
create_exception!(laurels_core, NewerFormat, Refused);
create_exception!(laurels_core, OtherBoot, Refused);

/// Proxy names.
#[pyclass(frozen, module = "laurels_core")]
struct Names;

/// The one process that changes a store.
#[pyclass(module = "laurels_core")]
struct Writer;

/// Reads a store, without locks.
#[pyclass(module = "laurels_core")]
struct Reader;

/// A copy of one board's order.
#[pyclass(module = "laurels_core")]
struct Standings;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("SHARDS", 16)?;
    for (name, kind) in [("JOINED", 0), ("SCORED", 1), ("HIDDEN", 2), ("SHOWN", 3), ("RENAMED", 4), ("ERASED", 5)] {
        module.add(name, kind)?;
    }
    module.add("CoreError", py.get_type::<CoreError>())?;
    module.add("Locked", py.get_type::<Locked>())?;
    module.add("NotReady", py.get_type::<NotReady>())?;
    module.add("Busy", py.get_type::<Busy>())?;
    module.add("Diverged", py.get_type::<Diverged>())?;
    module.add("Full", py.get_type::<Full>())?;
    module.add("Refused", py.get_type::<Refused>())?;
    module.add("Truncated", py.get_type::<Truncated>())?;
    module.add("Corrupt", py.get_type::<Corrupt>())?;
    module.add("Foreign", py.get_type::<Foreign>())?;
    module.add("NewerFormat", py.get_type::<NewerFormat>())?;
    module.add("OtherBoot", py.get_type::<OtherBoot>())?;
    module.add_class::<Names>()?;
    module.add_class::<Writer>()?;
    module.add_class::<Reader>()?;
    module.add_class::<Standings>()
}
