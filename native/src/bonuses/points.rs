//! Points of a value: rounded, and multiplied.

const MILLI: i128 = 1000;
const ONE: i64 = 1_000_000;

/// How points are rounded, once an order and once a bonus.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, halves up.
    HalfUp,
    /// Down.
    Floor,
    /// Not at all: what is not whole is kept, in grains.
    Carry,
}

impl Rounding {
    /// Whether grains are counted, not points.
    pub fn carries(self) -> bool {
        self == Rounding::Carry
    }

    /// The points of `value / over`, times `more` thousandths where that is not 0; in grains where remainders are
    /// carried. Otherwise they are rounded first and then multiplied: triple is three times the points that are seen.
    pub fn count(self, value: i128, over: i128, more: i64, grain: i64) -> Option<i64> {
        let more = i128::from(more);
        let counted = match self {
            Rounding::HalfUp => {
                let points = value.checked_mul(2)?.checked_add(over)? / over.checked_mul(2)?;
                if more == 0 { points } else { (points.checked_mul(2 * more)?.checked_add(MILLI)?) / (2 * MILLI) }
            }
            Rounding::Floor => {
                let points = value / over;
                if more == 0 { points } else { points.checked_mul(more)? / MILLI }
            }
            Rounding::Carry => {
                let grains = value.checked_mul(i128::from(grain))?;
                if more == 0 { grains / over } else { grains.checked_mul(more)? / over.checked_mul(MILLI)? }
            }
        };
        i64::try_from(counted).ok()
    }
}

/// Whole units of a quantity in millionths, rounded up.
pub fn units(quantity: i64) -> i64 {
    quantity / ONE + i64::from(quantity % ONE > 0)
}
