//! Plain orders: what each earns where its points follow from its total alone, what that makes of a member's totals, and
//! the chained hash of its entry. A batch of them is judged and written down in one call.
//!
//! Every number and every byte is that of Laurels' own code in Python, which is the reference, or there is none: what is
//! not plain, or does not fit, is left to that.

mod chain;
mod totals;

pub use chain::{Chain, Entry};
pub use totals::{Closing, Totals};

use crate::bonuses::Rounding;

/// A version of the program, as far as plain orders need it.
pub struct Version {
    /// Its number.
    pub number: i64,
    /// From which instant it is in force; the first one always was.
    pub from_at: i64,
    /// Points for every `per` of the total.
    pub points: i64,
    /// How they are rounded.
    pub rounding: Rounding,
    /// Minor units, by currency.
    pub per: Vec<(String, i64)>,
    /// A milestone is crossed from this score or less to more.
    pub above: Vec<i64>,
}

/// The versions, and the months of the boards.
pub struct Rules {
    /// In the order in which they are in force.
    pub versions: Vec<Version>,
    /// (end, number) of each month, in order; the first has no beginning.
    pub months: Vec<(i64, i64)>,
    /// How long after its end a month still counts what is recorded.
    pub late: i64,
}

impl Rules {
    /// The version in force at an instant.
    pub fn at(&self, instant: i64) -> &Version {
        &self.versions[self.place_at(instant)]
    }

    /// Its place among them.
    pub fn place_at(&self, instant: i64) -> usize {
        self.versions[1..].partition_point(|version| version.from_at <= instant)
    }

    /// The month (202611) in which points of an instant count that are recorded now; None: in none.
    pub fn month(&self, board_at: i64, now: i64) -> Option<i64> {
        let place = self.months.partition_point(|(end, _)| *end <= board_at);
        self.months.get(place).filter(|(end, _)| now < end + self.late).map(|(_, number)| *number)
    }
}

impl Version {
    /// The points of a total; None for a currency that it does not name.
    pub fn earned(&self, total: i64, currency: &str) -> Option<i64> {
        let (_, per) = self.per.iter().find(|(name, _)| name == currency)?;
        self.rounding.count(i128::from(total) * i128::from(self.points), i128::from(*per), 0, 1)
    }
}
