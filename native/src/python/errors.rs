//! What Python calls the core's errors.

use pyo3::exceptions::{PyException, PyKeyError, PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::error::Error;

/// The classes of errors, and which error is of which.
macro_rules! exceptions {
    ($($name:ident: $base:ident),* $(,)?) => {
        $(pyo3::create_exception!(laurels_core, $name, $base);)*
        /// Put the classes into the module.
        pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add(stringify!($name), module.py().get_type::<$name>())?;)*
            Ok(())
        }
    };
}

exceptions! {
    CoreError: PyException,
    Locked: CoreError,
    NotReady: CoreError,
    Busy: CoreError,
    WouldWait: CoreError,
    Diverged: CoreError,
    Full: CoreError,
    Refused: CoreError,
    Truncated: Refused,
    Corrupt: Refused,
    Foreign: Refused,
    NewerFormat: Refused,
    OlderFormat: Refused,
    OtherBoot: Refused,
}

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        let text = error.to_string();
        match error {
            Error::Locked(_) => Locked::new_err(text),
            Error::NotReady => NotReady::new_err(text),
            Error::WouldWait => WouldWait::new_err(text),
            Error::Busy => Busy::new_err(text),
            Error::Diverged => Diverged::new_err(text),
            Error::Full(_) => Full::new_err(text),
            Error::Truncated(_) => Truncated::new_err(text),
            Error::Corrupt(_) => Corrupt::new_err(text),
            Error::Foreign(_) => Foreign::new_err(text),
            Error::NewerFormat(_) => NewerFormat::new_err(text),
            Error::OlderFormat(_) => OlderFormat::new_err(text),
            Error::OtherBoot(_) => OtherBoot::new_err(text),
            Error::UnknownMember(member) => PyKeyError::new_err(member),
            Error::Invalid(_) => PyValueError::new_err(text),
            Error::NoDescriptors(_) => PyOSError::new_err(text),
            Error::Io(error) => error.into(),
        }
    }
}
