//! A member's row of totals.

/// A member's totals stay within plus or minus so many points.
const MOST: i64 = (1 << 31) - 1;

/// (month, points to add) of closed months.
pub type Closing = Vec<(i64, i64)>;

/// What a ledger keeps of a member beside its entries.
#[derive(Clone, Copy, Default)]
pub struct Totals {
    /// Points to spend.
    pub balance: i64,
    /// Points earned, net of what was taken back.
    pub earned: i64,
    /// What boards rank by.
    pub score: i64,
    /// The newest month with a score (202611).
    pub month: i64,
    /// The score of that month.
    pub month_score: i64,
    /// The score of the month before.
    pub before: i64,
}

impl Totals {
    /// Add what an order earned, scored in a month or in none. None beyond what a member may have.
    pub fn earn(&mut self, points: i64, month: Option<i64>, closing: &mut Closing) -> Option<()> {
        for total in [&mut self.balance, &mut self.earned, &mut self.score] {
            *total = total.checked_add(points).filter(|total| (-MOST..=MOST).contains(total))?;
        }
        if let Some(month) = month {
            self.score_in(month, points, closing)?;
        }
        Some(())
    }

    /// Two months are open beside the totals; what is older is closed.
    fn score_in(&mut self, month: i64, points: i64, closing: &mut Closing) -> Option<()> {
        let before = previous(self.month);
        if month == self.month {
            self.month_score = self.month_score.checked_add(points)?;
        } else if month > self.month {
            if self.before != 0 {
                closing.push((before, self.before));
            }
            let follows = previous(month) == self.month;
            if !follows && self.month_score != 0 {
                closing.push((self.month, self.month_score));
            }
            self.before = if follows { self.month_score } else { 0 };
            (self.month, self.month_score) = (month, points);
        } else if month == before {
            self.before = self.before.checked_add(points)?;
        } else {
            closing.push((month, points));
        }
        Some(())
    }
}

/// The month before.
fn previous(month: i64) -> i64 {
    if month.rem_euclid(100) > 1 { month - 1 } else { month - 89 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_count_in_two_open_months_and_close_older_ones() {
        let (mut totals, mut closing) = (Totals::default(), Closing::new());
        for (month, points) in [(202612, 5), (202611, 7), (202701, 3), (202701, 1), (202611, 2), (202704, 9)] {
            totals.earn(points, Some(month), &mut closing).unwrap();
        }
        totals.earn(4, None, &mut closing).unwrap();
        assert_eq!(closing, [(202611, 7), (202611, 2), (202612, 5), (202701, 4)]);
        assert_eq!((totals.month, totals.month_score, totals.before), (202704, 9, 0));
        assert_eq!((totals.balance, totals.earned, totals.score), (31, 31, 31));
        assert!(totals.earn(MOST, None, &mut closing).is_none());
    }
}
