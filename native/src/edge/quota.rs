//! So many requests in a period for each key, by the generic cell rate algorithm.

use lru::LruCache;

/// A quota, and the theoretical arrival time of each key that asked lately.
pub struct Quota {
    each: i64,
    period: i64,
    most: usize,
    arrivals: LruCache<Box<str>, i64>,
}

/// What is left of a key's quota. Times are in microseconds: until the next request, and until all is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests that are left.
    pub requests: i64,
    /// 0 unless there are none.
    pub wait: i64,
    /// 0 where there are none.
    pub whole_in: i64,
}

impl Quota {
    /// One request comes back every `each`; in `period` as many as there are. `most` keys are remembered.
    pub fn new(each: i64, period: i64, most: usize) -> Quota {
        Quota { each: each.max(1), period, most, arrivals: LruCache::unbounded() }
    }

    /// Use one up at an instant. A key with nothing left loses nothing.
    pub fn take(&mut self, key: &str, now: i64) -> Allowance {
        let held = self.arrivals.peek(key).copied().unwrap_or(0);
        // Whole by now, or the clock was set back.
        let held = if now < held && held <= now.saturating_add(self.period) { held } else { now };
        let arrival = held.saturating_add(self.each);
        let over = arrival - now - self.period;
        if over > 0 {
            return Allowance { requests: 0, wait: over, whole_in: 0 };
        }
        match self.arrivals.get_mut(key) {
            Some(known) => *known = arrival,
            None => {
                self.arrivals.put(key.into(), arrival);
                if self.arrivals.len() > self.most {
                    self.arrivals.pop_lru();
                }
            }
        }
        Allowance { requests: -over / self.each, wait: 0, whole_in: arrival - now }
    }

    /// Undo one `take` that left something.
    pub fn give_back(&mut self, key: &str) {
        if let Some(arrival) = self.arrivals.peek_mut(key) {
            *arrival -= self.each;
        }
    }
}
