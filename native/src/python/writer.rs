//! `Writer`, and the kinds of changes that it takes.

use std::path::PathBuf;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyAssertionError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::engine::writer;
use crate::members::bulk_load::{Ids, Rows};
use crate::state::changes::{Batch, Change, Op};
use crate::state::files::Mark;
use crate::store::format::{MOST_BOARDS, SHARDS};

const JOINED: u8 = 0;
const SCORED: u8 = 1;
const HIDDEN: u8 = 2;
const SHOWN: u8 = 3;
const RENAMED: u8 = 4;
const ERASED: u8 = 5;
const MERGED: u8 = 6;

/// Put the class and its constants into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("SHARDS", SHARDS)?;
    module.add("MOST_BOARDS", MOST_BOARDS)?;
    let kinds = [("JOINED", JOINED), ("SCORED", SCORED), ("HIDDEN", HIDDEN), ("SHOWN", SHOWN)];
    for (name, kind) in kinds.into_iter().chain([("RENAMED", RENAMED), ("ERASED", ERASED), ("MERGED", MERGED)]) {
        module.add(name, kind)?;
    }
    module.add_class::<Writer>()
}

/// The one process that changes a store.
#[pyclass(module = "laurels_core")]
struct Writer {
    writer: Option<writer::Writer>,
}

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (directory, *, capacity = 1024, discard = false))]
    fn new(directory: PathBuf, capacity: usize, discard: bool) -> PyResult<Writer> {
        Ok(Writer { writer: Some(writer::Writer::open(&directory, capacity, discard)?) })
    }

    /// Whose feed the boards follow, and how far they got.
    fn followed<'py>(&self, py: Python<'py>) -> PyResult<(Option<String>, u64, String, Bound<'py, PyDict>)> {
        let marks = PyDict::new(py);
        let writer = self.writer.as_ref().ok_or_else(closed)?;
        let Some(files) = writer.followed() else { return Ok((None, 0, String::new(), marks)) };
        for shard in 0..SHARDS {
            let mark = files.mark(shard);
            if mark.position > 0 {
                marks.set_item(shard, (mark.position, PyBytes::new(py, &mark.hash)))?;
            }
        }
        let (identity, epoch, rules) = files.identity();
        Ok((Some(identity), epoch, rules, marks))
    }

    /// Begin a new, empty state.
    #[pyo3(signature = (identity, epoch, rules, *, loading = false))]
    fn reset(&mut self, identity: &str, epoch: u64, rules: &str, loading: bool) -> PyResult<()> {
        let writer = self.open()?;
        writer.reset(identity, epoch, rules)?;
        if loading {
            writer.building()?.begin_to_load();
        }
        Ok(())
    }

    /// Go on under another epoch.
    fn adopt(&mut self, epoch: u64) -> PyResult<()> {
        Ok(self.open()?.adopt(epoch)?)
    }

    /// Take ops of one shard, and move its mark.
    #[pyo3(signature = (shard, ops, position, hash, *, wait = true))]
    fn apply(
        &mut self,
        py: Python<'_>,
        shard: usize,
        ops: &Bound<'_, PyAny>,
        position: u64,
        hash: &[u8],
        wait: bool,
    ) -> PyResult<bool> {
        let mut batch = Batch { position, hash: hash.to_vec(), ..Batch::default() };
        batch.ops.reserve(ops.len()?);
        for op in ops.try_iter()? {
            let op = parsed(op?.downcast::<PyTuple>()?, &mut batch.boards);
            batch.ops.push(op.map_err(|error| {
                if error.is_instance_of::<PyOverflowError>(py) {
                    PyValueError::new_err(error.to_string())
                } else {
                    error
                }
            })?);
        }
        let writer = self.open()?;
        Ok(py.detach(|| writer.apply(shard, &batch, wait))?)
    }

    /// Follow nothing any more: what is there cannot be.
    fn give_up(&mut self) -> PyResult<()> {
        Ok(self.open()?.give_up()?)
    }

    /// Whether a board found no room.
    fn is_overfull(&mut self) -> PyResult<bool> {
        Ok(self.open()?.is_overfull())
    }

    /// All of the feed up to an instant is in.
    fn confirm(&mut self, py: Python<'_>, at: i64) -> PyResult<()> {
        let writer = self.open()?;
        Ok(py.detach(|| writer.confirm(at))?)
    }

    /// Take in many members at once.
    #[pyo3(signature = (numbers, ids, name_numbers, hidden = None))]
    fn load_members(
        &mut self,
        py: Python<'_>,
        numbers: PyBuffer<u32>,
        ids: &Bound<'_, PyAny>,
        name_numbers: PyBuffer<u32>,
        hidden: Option<&[u8]>,
    ) -> PyResult<()> {
        let mut packed = Ids::default();
        for id in ids.try_iter()? {
            let id = id?;
            packed.push(if id.is_none() { "" } else { id.downcast::<PyString>()?.to_str()? });
        }
        let (numbers, names) = (numbers.to_vec(py)?, name_numbers.to_vec(py)?);
        let listed = vec![0; numbers.len()];
        let rows = Rows { numbers: &numbers, ids: &packed, names: &names, hidden: hidden.unwrap_or(&listed) };
        let state = self.open()?.building()?;
        Ok(py.detach(|| state.load_members(&rows))?)
    }

    /// Take in many scores at once.
    fn load_scores(
        &mut self,
        py: Python<'_>,
        board: &str,
        members: PyBuffer<u32>,
        sums: PyBuffer<i64>,
    ) -> PyResult<()> {
        let (members, sums) = (members.to_vec(py)?, sums.to_vec(py)?);
        let state = self.open()?.building()?;
        Ok(py.detach(|| state.load_scores(board, &members, &sums))?)
    }

    /// Take in merges at once.
    fn load_merges(&mut self, merges: Vec<(u32, u32)>) -> PyResult<()> {
        Ok(self.open()?.building()?.load_merges(&merges)?)
    }

    /// Stand at these marks: all is loaded.
    fn loaded(&mut self, marks: Vec<(usize, u64, Vec<u8>)>) -> PyResult<()> {
        let mark = |(shard, position, hash)| (shard, Mark { position, reached: position, hash });
        let marks: Vec<_> = marks.into_iter().map(mark).collect();
        Ok(self.open()?.building()?.loaded(&marks)?)
    }

    /// Make a whole board at once.
    fn build(&mut self, py: Python<'_>, board: &str, scores: PyBuffer<i32>) -> PyResult<()> {
        let scores = scores.to_vec(py)?;
        let state = self.open()?.building()?;
        Ok(py.detach(|| state.build(board, &scores))?)
    }

    /// Raise `AssertionError` where the files do not agree with themselves.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        let writer = self.writer.as_ref().ok_or_else(closed)?;
        py.detach(|| writer.check()).map_err(PyAssertionError::new_err)
    }

    /// Write everything to the disk, and let go.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.writer.take() {
            Some(writer) => Ok(py.detach(|| writer.close())?),
            None => Ok(()),
        }
    }
}

impl Writer {
    fn open(&mut self) -> PyResult<&mut writer::Writer> {
        self.writer.as_mut().ok_or_else(closed)
    }
}

fn closed() -> PyErr {
    PyValueError::new_err("this writer is closed")
}

fn parsed(op: &Bound<'_, PyTuple>, boards: &mut Vec<String>) -> PyResult<Op> {
    let change = match (op.get_item(1)?.extract()?, op.len()) {
        (JOINED, 5) => Change::Joined(op.get_item(3)?.extract()?, op.get_item(4)?.extract()?),
        (SCORED, 5) => {
            let name = op.get_item(3)?;
            let name = name.downcast::<PyString>()?.to_str()?;
            let board = boards.iter().position(|known| known == name).unwrap_or_else(|| {
                boards.push(name.to_owned());
                boards.len() - 1
            });
            Change::Scored(board, op.get_item(4)?.extract()?)
        }
        (HIDDEN, 3) => Change::Hidden,
        (SHOWN, 3) => Change::Shown,
        (RENAMED, 4) => Change::Renamed(op.get_item(3)?.extract()?),
        (ERASED, 3) => Change::Erased,
        (MERGED, 4) => Change::Merged(op.get_item(3)?.extract()?),
        _ => return Err(PyTypeError::new_err("an op is (position, kind, member, ...), as laurels_core.Op says")),
    };
    Ok(Op { position: op.get_item(0)?.extract()?, member: op.get_item(2)?.extract()?, change })
}
