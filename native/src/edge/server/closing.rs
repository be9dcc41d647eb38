//! Connections that come to an end by themselves: what takes too long, stands idle where it is crowded, or is left when the
//! edge stops.

use std::sync::atomic::Ordering::Relaxed;

use super::Server;
use crate::edge::shared::Why;

const CROWDED: (usize, usize) = (9, 8); // tenths of the connections: above the first, idle ones are closed to the second
const READ_WITHIN_MS: u64 = 2_000; // how long a stopped edge waits for answers to be read

impl Server {
    /// Look for clients that nobody waits for any longer.
    pub(super) fn look(&mut self) {
        let (now, fixed) = (self.now(), &self.shared.fixed);
        let (first_byte_ms, keep_alive_ms, unread_ms) = (fixed.first_byte_ms, fixed.keep_alive_ms, fixed.unread_ms);
        let request_ms = fixed.request_ms;
        for slot in 0..self.slots.len() {
            let Some(connection) = &mut self.slots[slot] else { continue };
            let waited = now.saturating_sub(connection.since);
            if connection.is_arriving() {
                if waited > request_ms {
                    let kept = std::mem::take(&mut connection.kept);
                    if let Some(stream) = self.release(slot) {
                        self.hand_over(stream, kept, Why::Late, waited);
                    }
                }
            } else if connection.is_unread() {
                if waited > unread_ms {
                    self.shared.counters.unread.fetch_add(1, Relaxed);
                    self.release(slot);
                }
            } else if connection.is_new && waited > first_byte_ms {
                if let Some(stream) = self.release(slot) {
                    self.hand_over(stream, Vec::new(), Why::Late, waited);
                }
            } else if connection.is_idle() && waited > keep_alive_ms {
                self.release(slot);
            }
        }
        self.make_room();
    }

    /// Where it is crowded, close those that have been idle longest.
    fn make_room(&mut self) {
        let counters = &self.shared.counters;
        let (all, most) = (counters.open.load(Relaxed) + counters.elsewhere.load(Relaxed), self.shared.fixed.most);
        if all * 10 <= most * CROWDED.0 {
            return;
        }
        let mut idle: Vec<(u64, usize)> = (0..)
            .zip(&self.slots)
            .filter_map(|(slot, held)| held.as_ref().filter(|held| held.is_idle()).map(|held| (held.since, slot)))
            .collect();
        idle.sort_unstable();
        for (_, slot) in idle.into_iter().take(all - most * CROWDED.1 / 10) {
            self.release(slot);
            self.shared.counters.crowded.fetch_add(1, Relaxed);
        }
    }

    /// Close what a stopped edge has finished, and hand over what has only begun or came behind an order: what of that is
    /// whole is answered there. Where it `is_late`, no answer of Python is waited for any longer.
    pub(super) fn finish(&mut self, is_late: bool) {
        let now = self.now();
        for slot in 0..self.slots.len() {
            let Some(connection) = &mut self.slots[slot] else { continue };
            let is_read_on = connection.is_unread() && now.saturating_sub(connection.since) < READ_WITHIN_MS;
            if connection.is_arriving() {
                let kept = std::mem::take(&mut connection.kept);
                self.give_away(slot, &kept, now);
            } else if !is_read_on && (is_late || connection.asked.is_none()) {
                self.release(slot);
            }
        }
    }
}
