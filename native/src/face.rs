//! The Python face. What each thing does and costs is told in `python/laurels_core/__init__.pyi`.

mod errors;

use std::path::PathBuf;
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyAssertionError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::changes::{Batch, Change, Op};
use crate::error::Error;
use crate::files::Mark;
use crate::layout::{MOST_BOARDS, SHARDS};
use crate::load::{Ids, Rows};
use crate::reader::{Me, Row, Shot};
use crate::render::Renderer;
use crate::{head, names, reader, writer};

const JOINED: u8 = 0;
const SCORED: u8 = 1;
const HIDDEN: u8 = 2;
const SHOWN: u8 = 3;
const RENAMED: u8 = 4;
const ERASED: u8 = 5;
const MERGED: u8 = 6;

/// Proxy names: a keyed permutation of the name number, and two lists of words.
#[pyclass(frozen, module = "laurels_core")]
struct Names {
    names: names::Names,
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

/// Reads a store, without locks.
#[pyclass(module = "laurels_core")]
struct Reader {
    directory: PathBuf,
    deadline: Duration,
    reader: reader::Reader,
    renderer: Option<Renderer>,
    as_of: Option<(String, Py<PyString>)>,
}

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
            directory,
            deadline,
            as_of: None,
        })
    }

    /// A number that is another one whenever the version or the confirmation is.
    fn sequence(&mut self) -> PyResult<u64> {
        Ok(self.reader.sequence()?)
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
        let shot = self.reader.read(board, member_id, size(top), size(around))?;
        let positions = PyDict::new(py);
        for (shard, reached) in shot.version.reached.iter().enumerate().filter(|(_, reached)| **reached > 0) {
            positions.set_item(shard, reached)?;
        }
        let rows = |rows: &[Row]| -> Vec<_> { rows.iter().map(row_of).collect() };
        let view = (
            shot.version.epoch,
            positions,
            shot.confirmed_at,
            shot.ranked,
            rows(&shot.top),
            shot.me.as_ref().map(me_of),
            rows(&shot.around),
        );
        view.into_pyobject(py)
    }

    /// The same as JSON, with the version, whether it says stale, and whether the member is known.
    #[expect(clippy::too_many_arguments, reason = "a call, not a struct, is the fast way in from Python")]
    fn render<'py>(
        &mut self,
        py: Python<'py>,
        board: &str,
        member_id: &str,
        top: i64,
        around: i64,
        now: i64,
        stale_after: i64,
    ) -> PyResult<(Bound<'py, PyBytes>, Py<PyString>, bool, bool)> {
        let renderer = self.renderer.as_mut().ok_or_else(nameless)?;
        let top = size(top);
        let shot = self.reader.read(board, Some(member_id), top, size(around))?;
        let stale = is_stale(shot, now, stale_after);
        let body = PyBytes::new(py, renderer.dashboard(shot, board, top, stale));
        Ok((body, as_of(&mut self.as_of, py, shot), stale, shot.me.is_some()))
    }

    /// A board's top as JSON.
    fn render_board<'py>(
        &mut self,
        py: Python<'py>,
        board: &str,
        top: i64,
        now: i64,
        stale_after: i64,
    ) -> PyResult<(Bound<'py, PyBytes>, Py<PyString>, bool, bool)> {
        let renderer = self.renderer.as_mut().ok_or_else(nameless)?;
        let top = size(top);
        let shot = self.reader.read(board, None, top, 0)?;
        let stale = is_stale(shot, now, stale_after);
        let body = PyBytes::new(py, renderer.board(shot, board, top, stale));
        Ok((body, as_of(&mut self.as_of, py, shot), stale, false))
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

/// How many rows: below 0 is none.
fn size(rows: i64) -> usize {
    usize::try_from(rows).unwrap_or(0)
}

fn nameless() -> PyErr {
    PyValueError::new_err("give names to the Reader to render")
}

fn is_stale(shot: &Shot, now: i64, stale_after: i64) -> bool {
    now.saturating_sub(shot.confirmed_at) > stale_after
}

/// The version's text, made once for as long as it is the same.
fn as_of(kept: &mut Option<(String, Py<PyString>)>, py: Python<'_>, shot: &Shot) -> Py<PyString> {
    let text = &shot.version.text;
    match kept {
        Some((known, as_of)) if known == text => as_of.clone_ref(py),
        _ => {
            let as_of = PyString::new(py, text).unbind();
            *kept = Some((text.clone(), as_of.clone_ref(py)));
            as_of
        }
    }
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
    let head = head::plain(data)?;
    let bytes = |some: &[u8]| PyBytes::new(py, some);
    let (path, query) = (bytes(head.path), bytes(head.query));
    Some((path, query, head.authorization.map(bytes), head.tag.map(bytes), head.id.map(bytes), head.origin.map(bytes)))
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("SHARDS", SHARDS)?;
    module.add("MOST_BOARDS", MOST_BOARDS)?;
    let kinds = [("JOINED", JOINED), ("SCORED", SCORED), ("HIDDEN", HIDDEN)];
    for (name, kind) in
        kinds.into_iter().chain([("SHOWN", SHOWN), ("RENAMED", RENAMED), ("ERASED", ERASED), ("MERGED", MERGED)])
    {
        module.add(name, kind)?;
    }
    errors::add_exceptions(module)?;
    module.add_class::<Names>()?;
    module.add_class::<Writer>()?;
    module.add_class::<Reader>()?;
    module.add_class::<Standings>()?;
    module.add_function(wrap_pyfunction!(plain_head, module)?)
}
