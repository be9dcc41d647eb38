//! Each line's share of an order's total.

use std::cmp::Reverse;

/// Shares in minor units, which add up to the total: by largest remainder, of equal ones the earlier line's up. None
/// where there is a total and nothing costs anything.
pub fn shares(total: i64, scale: i64, weights: &[i64]) -> Option<Vec<i64>> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if whole == i128::from(total).checked_mul(i128::from(scale))? {
        let found: Vec<i64> = weights.iter().map(|weight| weight / scale).collect();
        if found.iter().sum::<i64>() == total {
            return Some(found);
        }
    }
    if whole == 0 {
        return (total == 0).then(|| vec![0; weights.len()]);
    }
    let (mut found, mut rests) = (Vec::with_capacity(weights.len()), Vec::with_capacity(weights.len()));
    for weight in weights {
        let product = i128::from(total) * i128::from(*weight);
        found.push(i64::try_from(product / whole).ok()?);
        rests.push(product % whole);
    }
    let missing = usize::try_from(total - found.iter().sum::<i64>()).ok()?;
    let mut places: Vec<usize> = (0..found.len()).collect();
    places.sort_by_key(|place| (Reverse(rests[*place]), *place));
    for place in places.into_iter().take(missing) {
        found[place] += 1;
    }
    Some(found)
}
