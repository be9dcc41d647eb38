//! What the edge counts, until Python takes it into its metrics.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Which route an answer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `GET /loyalty/{member_id}`.
    Dashboard = 0,
    /// `GET /leaderboard/{board}`.
    Board = 1,
}

/// Counts since they were last taken, and how many connections there are.
pub struct Counters {
    /// Connections that the edge holds.
    pub open: AtomicUsize,
    /// Connections that Python holds, as far as it has told.
    pub elsewhere: AtomicUsize,
    /// Cut off because the client did not read.
    pub unread: AtomicU64,
    /// Closed because there were too many.
    pub crowded: AtomicU64,
    /// Handed over.
    pub handed: AtomicU64,
    /// Times of dashboards.
    pub dashboards: Times,
    /// Times of orders, whatever they were answered.
    pub orders: Times,
    answers: [[AtomicU64; 2]; 2], // by route; 200, and 304
}

/// How long answers took.
pub struct Times {
    bounds_ns: Vec<u64>,
    buckets: Vec<AtomicU64>, // one more than there are bounds
    sum_ns: AtomicU64,
}

impl Times {
    /// By their upper bounds, in order.
    pub fn new(bounds_ns: Vec<u64>) -> Times {
        let buckets = (0..=bounds_ns.len()).map(|_| AtomicU64::new(0)).collect();
        Times { bounds_ns, buckets, sum_ns: AtomicU64::new(0) }
    }

    /// Count one.
    pub fn add(&self, took_ns: u64) {
        let bucket = self.bounds_ns.partition_point(|bound| *bound < took_ns);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(took_ns, Relaxed);
    }

    /// Those since the last time: how many in each bucket, and their sum.
    pub fn take(&self) -> (Vec<u64>, u64) {
        (self.buckets.iter().map(|count| count.swap(0, Relaxed)).collect(), self.sum_ns.swap(0, Relaxed))
    }
}

impl Counters {
    /// With times by these bounds.
    pub fn new(dashboards: Times, orders: Times) -> Counters {
        Counters {
            open: AtomicUsize::new(0),
            elsewhere: AtomicUsize::new(0),
            unread: AtomicU64::new(0),
            crowded: AtomicU64::new(0),
            handed: AtomicU64::new(0),
            dashboards,
            orders,
            answers: Default::default(),
        }
    }

    /// Count an answer, and how long it took.
    pub fn answered(&self, route: Route, is_known: bool, took_ns: u64) {
        self.answers[route as usize][usize::from(is_known)].fetch_add(1, Relaxed);
        if route == Route::Dashboard {
            self.dashboards.add(took_ns);
        }
    }

    /// Answers since the last time: by route, 200 and 304.
    pub fn take_answers(&self) -> [[u64; 2]; 2] {
        self.answers.each_ref().map(|route| route.each_ref().map(|count| count.swap(0, Relaxed)))
    }
}
