//! What an order's campaigns are worth when it is awarded: the arithmetic of it, a table of numbers made once a version.
//!
//! It knows rates, lines and multipliers, not programs: which line has which rate and fits which match is decided before,
//! what a campaign asks beyond its lines, and the room its caps leave, is asked of the caller. Every number of it is
//! that of Laurels' own arithmetic in Python, or there is none: what does not fit into 128 bits is left to that.

mod net;
mod pack;
mod points;

pub use points::Rounding;

/// What has 128 bits too few, or lines that cost nothing; or what the caller raised.
pub enum Stop<E> {
    /// To be worked out elsewhere.
    Cannot,
    /// The caller's error.
    Raised(E),
}

/// What a campaign asks of the spend on its lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Least {
    /// Nothing.
    Nothing,
    /// So many minor units.
    Spend(i64),
    /// More than any order of this currency has.
    Never,
}

/// One campaign. A figure of 0 gives nothing.
pub struct Campaign {
    /// Its number in the version.
    pub number: u32,
    /// The match that its lines fit.
    pub of_match: usize,
    /// Whether the caller is asked if it applies.
    pub asks: bool,
    /// Whether it is of a group: then only its lines are told.
    pub grouped: bool,
    /// Whether the caller is asked for the room that its caps and its budget leave.
    pub limited: bool,
    /// By how many thousandths more it multiplies.
    pub more: i64,
    /// Points, once an order.
    pub points: i64,
    /// Points a unit.
    pub per_unit: i64,
    /// The spend it asks for.
    pub least: Least,
    /// The units it asks for.
    pub units_min: i64,
    /// The most points that it gives an order.
    pub order_cap: Option<i64>,
    /// How its bonus begins in a frame.
    pub head: Vec<u8>,
}

/// The rates of a version in one currency, as whole numbers over one denominator, and its campaigns.
pub struct Table {
    /// What a minor unit is worth by each rate, in points over `over`; None: nothing in this currency.
    pub units: Vec<Option<i64>>,
    /// The denominator.
    pub over: i64,
    /// How points are rounded.
    pub rounding: Rounding,
    /// Grains of a point.
    pub grain: i64,
    /// The campaigns that run between two instants at which these change.
    pub running: Vec<Vec<Campaign>>,
}

/// An order. Lists are as long as it has lines.
pub struct Order<'a> {
    /// Minor units.
    pub total: i64,
    /// How many of the weights' units a minor unit has.
    pub scale: i64,
    /// What each line costs.
    pub weights: &'a [i64],
    /// Millionths.
    pub quantity: &'a [i64],
    /// Each line's rate; below 0: none.
    pub rates: &'a [i32],
    /// The matches that each line fits.
    pub hits: &'a [&'a [usize]],
    /// The share that earns, for how the order was paid.
    pub paid: (i64, i64),
}

/// A campaign that applies: its place among those that run, and what it is worth, in points, or in grains where
/// remainders are carried.
pub struct Part {
    /// Its place.
    pub place: usize,
    /// What it is worth.
    pub worth: i64,
    /// The room that was left, where it has a limit and that bound it.
    pub bound: Option<i64>,
}

/// What an order earns.
#[derive(Default)]
pub struct Judged {
    /// Each line's share of the total, in minor units.
    pub net: Vec<i64>,
    /// What all of it is worth by its rates.
    pub base: i64,
    /// What it and the parts are worth together.
    pub whole: i64,
    /// Campaigns that apply, in their order.
    pub parts: Vec<Part>,
    /// Their bonuses as a frame has them, one after another.
    pub written: Vec<u8>,
    /// Campaigns of groups, and their lines.
    pub grouped: Vec<(u32, Vec<u32>)>,
}

/// The lines that a match fits, what they are worth by their rates, and how a frame says them.
#[derive(Default)]
struct Fitting {
    lines: Vec<u32>,
    value: i128,
    written: Vec<u8>,
}

impl Table {
    /// Judge an order by the campaigns that run in a stretch of time. Linear in lines and campaigns.
    pub fn judge<E>(
        &self,
        stretch: usize,
        order: &Order<'_>,
        mut applies: impl FnMut(u32) -> Result<bool, E>,
        mut room_of: impl FnMut(u32) -> Result<i64, E>,
    ) -> Result<Judged, Stop<E>> {
        let cannot = || Stop::Cannot;
        let net = net::shares(order.total, order.scale, order.weights).ok_or_else(cannot)?;
        let values = self.values(order, &net).ok_or_else(cannot)?;
        let over = i128::from(self.over) * i128::from(order.paid.1);
        let all = values.iter().try_fold(0_i128, |sum, value| sum.checked_add(*value)).ok_or_else(cannot)?;
        let base = self.rounding.count(all, over, 0, self.grain).ok_or_else(cannot)?;
        let fitting = fitting(order, &values).ok_or_else(cannot)?;
        let mut judged = Judged { net, base, whole: base, ..Judged::default() };
        for (place, campaign) in self.running.get(stretch).ok_or_else(cannot)?.iter().enumerate() {
            let Some(found) = fitting.get(campaign.of_match).filter(|found| !found.lines.is_empty()) else { continue };
            if campaign.asks && !applies(campaign.number).map_err(Stop::Raised)? {
                continue;
            }
            if campaign.grouped {
                judged.grouped.push((campaign.number, found.lines.clone()));
                continue;
            }
            let mut worth = self.worth(campaign, found, order, &judged.net, over).ok_or_else(cannot)?;
            judged.written.extend_from_slice(&campaign.head);
            judged.written.extend_from_slice(&found.written);
            let mut bound = None;
            if campaign.limited {
                let room = room_of(campaign.number).map_err(Stop::Raised)?;
                pack::whole(u64::try_from(room).map_err(|_| Stop::Cannot)?, &mut judged.written);
                let left = if self.rounding.carries() { room } else { room / self.grain };
                if worth >= left {
                    worth = left;
                    bound = Some(left);
                }
            } else {
                judged.written.push(pack::NOTHING);
            }
            judged.whole = judged.whole.checked_add(worth).ok_or_else(cannot)?;
            judged.parts.push(Part { place, worth, bound });
        }
        Ok(judged)
    }

    /// What each line is worth by its rate: numerators over `over` times the denominator of what was paid.
    fn values(&self, order: &Order<'_>, net: &[i64]) -> Option<Vec<i128>> {
        let earning = i128::from(order.paid.0);
        net.iter()
            .zip(order.rates)
            .map(|(net, rate)| match usize::try_from(*rate) {
                Err(_) => Some(0),
                Ok(rate) => {
                    let unit = (*self.units.get(rate)?)?;
                    (i128::from(*net) * i128::from(unit)).checked_mul(earning)
                }
            })
            .collect()
    }

    /// What a campaign is worth of its lines, without its room.
    fn worth(&self, campaign: &Campaign, found: &Fitting, order: &Order<'_>, net: &[i64], over: i128) -> Option<i64> {
        let lines = || found.lines.iter().map(|line| *line as usize);
        let spend = || lines().try_fold(0_i64, |sum, line| sum.checked_add(net[line]));
        match campaign.least {
            Least::Nothing => {}
            Least::Never => return Some(0),
            Least::Spend(least) => {
                let (earning, paid) = (i128::from(order.paid.0), i128::from(order.paid.1));
                if i128::from(spend()?) * earning < i128::from(least) * paid {
                    return Some(0);
                }
            }
        }
        let mut units = 0_i64;
        if campaign.units_min > 0 || campaign.per_unit > 0 {
            for line in lines().filter(|line| net[*line] != 0) {
                units = units.checked_add(points::units(order.quantity[line]))?;
            }
            if units < campaign.units_min {
                return Some(0);
            }
        }
        let mut worth = 0;
        if campaign.more > 0 {
            worth = self.rounding.count(found.value, over, campaign.more, self.grain)?;
        }
        let point = if self.rounding.carries() { self.grain } else { 1 };
        if campaign.points > 0 || campaign.per_unit > 0 {
            if spend()? == 0 {
                return Some(0);
            }
            let given = campaign.per_unit.checked_mul(units)?.checked_add(campaign.points)?;
            worth = worth.checked_add(given.checked_mul(point)?)?;
        }
        match campaign.order_cap {
            Some(most) => Some(worth.min(most.checked_mul(point)?)),
            None => Some(worth),
        }
    }
}

/// The lines of each match that fits any.
fn fitting(order: &Order<'_>, values: &[i128]) -> Option<Vec<Fitting>> {
    let mut fitting: Vec<Fitting> = Vec::new();
    for ((line, value), hits) in (0_u32..).zip(values).zip(order.hits) {
        for &of_match in *hits {
            if of_match >= fitting.len() {
                fitting.resize_with(of_match + 1, Fitting::default);
            }
            let found = &mut fitting[of_match];
            found.lines.push(line);
            found.value = found.value.checked_add(*value)?;
        }
    }
    for found in fitting.iter_mut().filter(|found| !found.lines.is_empty()) {
        pack::list(&found.lines, &mut found.written)?;
    }
    Some(fitting)
}
