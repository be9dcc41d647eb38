//! `Reader` and `Standings`.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::dashboard::render::Renderer;
use crate::engine::reader;
use crate::engine::reader::{Me, Row, Snapshot};
use crate::engine::version::Version;
use crate::error::Error;
use crate::python::names::Names;

/// Put the classes into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Reader>()?;
    module.add_class::<Standings>()
}

/// Reads a store, without locks.
#[pyclass(module = "laurels_core")]
pub struct Reader {
    directory: PathBuf,
    deadline: Duration,
    reader: reader::Reader,
    renderer: Option<Renderer>,
    names: Option<crate::dashboard::names::Names>,
    as_of: Option<AsOf>,
}

/// The token of a version, and the version that it is of.
struct AsOf {
    of: (u64, u64),
    sealed: bool,
    text: String,
    shown: Py<PyString>,
}

/// Bytes of a position in what is sealed: its length must not tell them.
const SEALED_WIDTH: usize = 5;

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (directory, names = None, *, deadline_ms = 25.0))]
    fn new(directory: PathBuf, names: Option<&Names>, deadline_ms: f64) -> PyResult<Reader> {
        let deadline = Duration::try_from_secs_f64(deadline_ms / 1e3)
            .map_err(|_| PyValueError::new_err(format!("a deadline of {deadline_ms} ms cannot be kept")))?;
        Ok(Reader {
            reader: reader::Reader::new(&directory, deadline),
            renderer: names.map(|names| Renderer::new(names.names.clone())),
            names: names.map(|names| names.names.clone()),
            directory,
            deadline,
            as_of: None,
        })
    }

    /// A number that is another one whenever the version or the confirmation is.
    fn sequence(&mut self) -> PyResult<u64> {
        Ok(self.reader.sequence()?)
    }

    /// The identity of the ledger whose feed is served.
    fn identity(&mut self) -> PyResult<String> {
        Ok(self.reader.identity()?)
    }

    /// How often reads had to begin again.
    fn retries(&self) -> u64 {
        self.reader.retries()
    }

    /// Top, own place and neighbours, of one version.
    fn view<'py>(
        &mut self,
        py: Python<'py>,
        board: &str,
        member_id: Option<&str>,
        top: i64,
        around: i64,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let snapshot = self.reader.read(board, member_id, size(top), size(around))?;
        let positions = PyDict::new(py);
        for (shard, reached) in snapshot.version.reached.iter().enumerate().filter(|(_, reached)| **reached > 0) {
            positions.set_item(shard, reached)?;
        }
        let rows = |rows: &[Row]| -> Vec<_> { rows.iter().map(row_of).collect() };
        let view = (
            snapshot.version.epoch,
            positions,
            snapshot.confirmed_at,
            snapshot.ranked,
            rows(&snapshot.top),
            snapshot.me.as_ref().map(me_of),
            rows(&snapshot.around),
        );
        view.into_pyobject(py)
    }

    /// The same as JSON, with the version, whether it says stale, and whether the member is known. `seal` makes the
    /// version's token.
    #[expect(clippy::too_many_arguments, reason = "a call, not a struct, is the fast way in from Python")]
    #[pyo3(signature = (board, member_id, top, around, now, stale_after, seal = None))]
    fn render<'py>(
        &mut self,
        py: Python<'py>,
        board: &str,
        member_id: &str,
        top: i64,
        around: i64,
        now: i64,
        stale_after: i64,
        seal: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyBytes>, Py<PyString>, bool, bool)> {
        let renderer = self.renderer.as_mut().ok_or_else(nameless)?;
        let top = size(top);
        let snapshot = self.reader.read(board, Some(member_id), top, size(around))?;
        let stale = is_stale(snapshot, now, stale_after);
        let as_of = token(&mut self.as_of, py, &snapshot.version, seal)?;
        let body = PyBytes::new(py, renderer.dashboard(snapshot, board, top, &as_of.text, stale));
        Ok((body, as_of.shown.clone_ref(py), stale, snapshot.me.is_some()))
    }

    /// The whole board, copied.
    fn standings(&self, py: Python<'_>, board: &str) -> PyResult<Standings> {
        let mut reader = reader::Reader::new(&self.directory, self.deadline);
        py.detach(|| {
            let order = reader.order(board)?;
            let folder = reader.folder()?;
            Ok(Standings { reader, folder, order, done: 0, rank: 0 })
        })
    }

    /// Let go of the files.
    fn close(&mut self) {
        self.reader.close();
    }
}

impl Reader {
    /// Another reader of the same store, for another thread, and the names.
    pub fn again(&self) -> PyResult<(reader::Reader, crate::dashboard::names::Names)> {
        let names = self.names.clone().ok_or_else(nameless)?;
        Ok((reader::Reader::new(&self.directory, self.deadline), names))
    }
}

/// How many rows: below 0 is none.
fn size(rows: i64) -> usize {
    usize::try_from(rows).unwrap_or(0)
}

fn nameless() -> PyErr {
    PyValueError::new_err("give names to the Reader to render")
}

fn is_stale(snapshot: &Snapshot, now: i64, stale_after: i64) -> bool {
    now.saturating_sub(snapshot.confirmed_at) > stale_after
}

/// The version's token, made once for as long as it is the same version.
fn token<'kept>(
    kept: &'kept mut Option<AsOf>,
    py: Python<'_>,
    version: &Version,
    seal: Option<&Bound<'_, PyAny>>,
) -> PyResult<&'kept AsOf> {
    let known = kept.take().filter(|known| (known.of, known.sealed) == (version.of, seal.is_some()));
    let as_of = match known {
        Some(known) => known,
        None => {
            let text = match seal {
                Some(seal) => seal.call1((PyBytes::new(py, &version.packed(SEALED_WIDTH)),))?.extract()?,
                None => version.text(),
            };
            AsOf { of: version.of, sealed: seal.is_some(), shown: PyString::new(py, &text).unbind(), text }
        }
    };
    Ok(kept.insert(as_of))
}

fn row_of(row: &Row) -> (u32, u32, u32, i32) {
    (row.rank, row.member, row.name_number, row.points)
}

type MeTuple = (u32, u32, i32, bool, Option<u32>, Option<u32>, u32);

fn me_of(me: &Me) -> MeTuple {
    let ranked = |figure: u32| (me.position > 0).then_some(figure);
    let row = &me.row;
    (row.member, row.name_number, row.points, me.hidden, ranked(row.rank), ranked(me.position), me.tied)
}

/// A copy of one board's order.
#[pyclass(module = "laurels_core")]
struct Standings {
    reader: reader::Reader,
    folder: PathBuf,
    order: Vec<(i32, u32)>,
    done: usize,
    rank: usize,
}

#[pymethods]
impl Standings {
    /// The next rows.
    fn rows(&mut self, py: Python<'_>, limit: usize) -> PyResult<Vec<(String, i32, usize, usize)>> {
        let chunk = &self.order[self.done..self.order.len().min(self.done.saturating_add(limit))];
        let reader = &mut self.reader;
        let ids = py.detach(|| {
            let ids = reader.ids(chunk)?;
            // After a rebuild, members may have other numbers.
            if reader.folder()? == self.folder { Ok(ids) } else { Err(Error::Diverged) }
        })?;
        let mut rows = Vec::with_capacity(chunk.len());
        for (id, (points, _)) in ids.into_iter().zip(chunk) {
            if self.done == 0 || self.order[self.done - 1].0 != *points {
                self.rank = self.done + 1;
            }
            self.done += 1;
            rows.push((id, *points, self.rank, self.done));
        }
        Ok(rows)
    }

    fn __len__(&self) -> usize {
        self.order.len()
    }
}
