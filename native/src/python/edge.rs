//! `SharedTokens`, `TokenTable`, `Quota` and `Edge`.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::edge::counters::{Counters, Times};
use crate::edge::orders::{Answer, Order};
use crate::edge::quota;
use crate::edge::responder::Responder;
use crate::edge::seal::Seal;
use crate::edge::server::Server;
use crate::edge::shared::{Fixed, Named, Shared, Why, locked};
use crate::edge::shared_tokens::{self, Known};
use crate::edge::token_table;
use crate::python::reader::Reader;

/// Put the classes into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("LATE", Why::Late as u8)?;
    module.add("FULL", Why::Full as u8)?;
    module.add_class::<SharedTokens>()?;
    module.add_class::<TokenTable>()?;
    module.add_class::<Quota>()?;
    module.add_class::<Edge>()
}

/// Members' checked tokens that several processes share.
#[pyclass(module = "laurels_core", frozen)]
struct SharedTokens {
    table: Arc<shared_tokens::SharedTokens>,
    file: Option<File>,
}

#[pymethods]
impl SharedTokens {
    #[new]
    fn new(most: usize) -> PyResult<SharedTokens> {
        let (table, file) = shared_tokens::SharedTokens::create(most)?;
        Ok(SharedTokens { table: Arc::new(table), file: Some(file) })
    }

    /// The one that another process made.
    #[staticmethod]
    fn open(path: PathBuf) -> PyResult<SharedTokens> {
        let table = shared_tokens::SharedTokens::open(&path)?;
        Ok(SharedTokens { table: Arc::new(table), file: None })
    }

    /// The descriptor of the file, in the process that made it.
    fn fileno(&self) -> Option<RawFd> {
        self.file.as_ref().map(AsRawFd::as_raw_fd)
    }
}

/// Tokens that were checked.
#[pyclass(module = "laurels_core", frozen)]
struct TokenTable {
    table: Arc<Mutex<token_table::TokenTable<Py<PyAny>>>>,
}

#[pymethods]
impl TokenTable {
    #[new]
    #[pyo3(signature = (most, shared = None))]
    fn new(most: usize, shared: Option<&SharedTokens>) -> PyResult<TokenTable> {
        let shared = shared.map(|shared| shared.table.clone());
        Ok(TokenTable { table: Arc::new(Mutex::new(token_table::TokenTable::new(most, shared)?)) })
    }

    /// Tell other processes of a header.
    fn share(&self, header: &[u8], member_id: String, until: i64, expires: i64, key: u64) {
        locked(&self.table).share(header, &Known { member: member_id, until, expires, checked_by: key });
    }

    /// What another process has told of a header.
    fn known(&self, header: &[u8], now: i64) -> Option<(String, i64, i64)> {
        locked(&self.table).known(header, now).map(|known| (known.member, known.expires, known.until))
    }

    /// Trust these keys and no other.
    fn trust(&self, keys: Vec<u64>) {
        locked(&self.table).trust(keys);
    }

    /// Remember a header.
    #[pyo3(signature = (header, value, member_id, until))]
    fn put(&self, header: &[u8], value: Py<PyAny>, member_id: Option<&str>, until: i64) {
        locked(&self.table).put(header, value, member_id, until);
    }

    /// What a header stands for.
    fn get(&self, py: Python<'_>, header: &[u8], now: i64) -> Option<Py<PyAny>> {
        locked(&self.table).get(header, now).map(|value| value.clone_ref(py))
    }

    /// Forget all.
    fn clear(&self) {
        locked(&self.table).clear();
    }
}

/// So many requests in a period for each key.
#[pyclass(module = "laurels_core", frozen)]
struct Quota {
    quota: Arc<Mutex<quota::Quota>>,
}

#[pymethods]
impl Quota {
    #[new]
    fn new(each: i64, period: i64, most: usize) -> Quota {
        Quota { quota: Arc::new(Mutex::new(quota::Quota::new(each, period, most))) }
    }

    /// Use one up.
    fn take(&self, key: &str, now: i64) -> (i64, i64, i64) {
        let left = locked(&self.quota).take(key, now);
        (left.requests, left.wait, left.whole_in)
    }

    /// Undo one.
    fn give_back(&self, key: &str) {
        locked(&self.quota).give_back(key);
    }
}

/// A thread that accepts connections and answers reads.
#[pyclass(module = "laurels_core", frozen)]
struct Edge {
    shared: Arc<Shared>,
    waker: mio::Waker,
    thread: Mutex<Option<JoinHandle<std::io::Result<()>>>>,
}

type HandedTuple<'py> = (RawFd, Bound<'py, PyBytes>, u8, u64);
type AnswerTuple<'py> = (usize, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);
type OrderTuple<'py> = (usize, Bound<'py, PyString>, Bound<'py, PyBytes>, Bound<'py, PyString>, Py<PyAny>, f64);

#[pymethods]
impl Edge {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "named, each told in the stub")]
    #[pyo3(signature = (listener, reader, tokens, quota, *, seal_key, prefix, cached, security, origins, other_origins,
        quota_name, stale_after, smallest, most, first_byte_ms, keep_alive_ms, unread_ms, request_ms, most_body,
        bounds_ns, order_bounds_ns))]
    fn new(
        listener: RawFd,
        reader: &Reader,
        tokens: &TokenTable,
        quota: Option<&Quota>,
        seal_key: &[u8],
        prefix: Vec<u8>,
        cached: Vec<u8>,
        security: Vec<u8>,
        origins: HashMap<Vec<u8>, Vec<u8>>,
        other_origins: Vec<u8>,
        quota_name: Vec<u8>,
        stale_after: i64,
        smallest: u32,
        most: usize,
        first_byte_ms: u64,
        keep_alive_ms: u64,
        unread_ms: u64,
        request_ms: u64,
        most_body: usize,
        bounds_ns: Vec<u64>,
        order_bounds_ns: Vec<u64>,
    ) -> PyResult<Edge> {
        let seal = Seal::new(seal_key).ok_or_else(|| PyValueError::new_err("a seal's key has 64 bytes"))?;
        let fixed = Fixed {
            prefix,
            cached,
            security,
            origins,
            other_origins,
            quota_name,
            stale_after,
            smallest,
            most,
            first_byte_ms,
            keep_alive_ms,
            unread_ms,
            request_ms,
            most_body,
        };
        let quota = quota.map(|quota| quota.quota.clone());
        let counters = Counters::new(Times::new(bounds_ns), Times::new(order_bounds_ns));
        let shared = Arc::new(Shared::new(fixed, tokens.table.clone(), quota, counters)?);
        let (board, names) = reader.again()?;
        let responder = Responder::new(shared.clone(), board, names, seal)?;
        let (mut server, waker) = Server::new(owned(listener), shared.clone(), responder)?;
        let thread = std::thread::Builder::new().name("laurels-edge".into()).spawn(move || server.run())?;
        Ok(Edge { shared, waker, thread: Mutex::new(Some(thread)) })
    }

    /// What is readable once a connection was handed over, or an order waits.
    fn fileno(&self) -> RawFd {
        self.shared.heard().as_raw_fd()
    }

    /// The connections that were handed over, and the orders that wait for an answer.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<(Vec<HandedTuple<'py>>, Vec<OrderTuple<'py>>)> {
        let (handed, orders) = self.shared.take();
        let handed = handed
            .into_iter()
            .map(|one| (one.socket.into_raw_fd(), PyBytes::new(py, &one.data), one.why as u8, one.waited_ms))
            .collect();
        let orders = orders.into_iter().map(|order| order_tuple(py, order)).collect::<PyResult<_>>()?;
        Ok((handed, orders))
    }

    /// Answer orders: each by its ticket, with the first line of a head, header lines and a body.
    fn answer(&self, answers: Vec<AnswerTuple<'_>>) -> PyResult<()> {
        let mut waiting = locked(&self.shared.answers);
        let is_first = waiting.is_empty();
        waiting.extend(answers.into_iter().map(|(ticket, status, lines, body)| {
            let [status, lines, body] = [status, lines, body].map(|bytes| bytes.as_bytes().to_vec());
            Answer { ticket, status, lines, body }
        }));
        drop(waiting);
        if is_first {
            self.waker.wake()?;
        }
        Ok(())
    }

    /// Times of orders since the last time.
    fn take_order_times(&self) -> (Vec<u64>, u64) {
        self.shared.counters.orders.take()
    }

    /// Take a connection back.
    fn give_back(&self, socket: RawFd) -> PyResult<()> {
        locked(&self.shared.returned).push(owned(socket));
        Ok(self.waker.wake()?)
    }

    /// What the names of boards mean: name, board, until when, whether it may be young.
    fn set_boards(&self, boards: Vec<(String, String, i64, bool)>) {
        let named = |(name, board, until, may_be_young)| Named { name, board, until, may_be_young };
        *locked(&self.shared.boards) = boards.into_iter().map(named).collect();
    }

    /// How many connections Python holds.
    fn set_elsewhere(&self, connections: usize) {
        self.shared.counters.elsewhere.store(connections, Relaxed);
    }

    /// How many connections the edge holds.
    fn connections(&self) -> usize {
        self.shared.counters.open.load(Relaxed)
    }

    /// Counts since the last time.
    fn take_counts(&self) -> ([[u64; 2]; 2], Vec<u64>, u64, u64, u64, u64) {
        let counters = &self.shared.counters;
        let (times, sum_ns) = counters.dashboards.take();
        let taken = |count: &std::sync::atomic::AtomicU64| count.swap(0, Relaxed);
        let (unread, crowded) = (taken(&counters.unread), taken(&counters.crowded));
        (counters.take_answers(), times, sum_ns, unread, crowded, taken(&counters.handed))
    }

    /// Whether the thread runs.
    fn is_running(&self) -> bool {
        locked(&self.thread).as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// End the thread.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.shared.stopping.store(true, Relaxed);
        self.waker.wake()?;
        let Some(thread) = locked(&self.thread).take() else { return Ok(()) };
        let ended = py.detach(|| thread.join());
        ended.map_err(|_| PyRuntimeError::new_err("the edge's thread failed"))??;
        Ok(())
    }
}

fn order_tuple<'py>(py: Python<'py>, order: Order) -> PyResult<OrderTuple<'py>> {
    let caller = order.caller.downcast::<Py<PyAny>>().map_err(|_| PyRuntimeError::new_err("not of this table"))?;
    let waited_s = order.since.elapsed().as_secs_f64();
    let (part, id) = (PyString::new(py, &order.part), PyString::new(py, &order.request_id));
    Ok((order.ticket, part, PyBytes::new(py, &order.body), id, caller.clone_ref(py), waited_s))
}

/// A descriptor that its caller gives away.
fn owned(descriptor: RawFd) -> OwnedFd {
    // SAFETY: Python's side duplicates or detaches each descriptor for this call, and does not use it again: so it is
    // open, and nobody else closes it.
    #[expect(unsafe_code, reason = "a descriptor from Python is a number")]
    unsafe {
        OwnedFd::from_raw_fd(descriptor)
    }
}
