//! `Bonuses`.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::bonuses::{Campaign, Judged, Least, Order, Rounding, Stop, Table};

/// Put the class into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Bonuses>()
}

/// A campaign as Python says it: number, match, asks, grouped, limited, more, points, per unit, least spend (None: it
/// asks for none; below 0: this currency has none that is enough), least units, the cap of an order, head.
type CampaignTuple = (u32, usize, bool, bool, bool, i64, i64, i64, Option<i64>, i64, Option<i64>, Vec<u8>);

/// What a line's price below 0 makes it, instead of a rate: a discount on the whole order.
const DISCOUNT: i32 = -2;

/// A millionth's.
const ONE: i64 = 1_000_000;

/// How many kinds of lines are remembered.
const MOST_CLASSES: usize = 1 << 16;

/// Quantities, rates; net, base, whole, parts, parts with a limit, parts that it bound, bonuses as a frame has them, lines
/// of grouped ones.
type JudgedTuple<'py> = (
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
    i64,
    i64,
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Bound<'py, PyBytes>,
    Vec<(u32, Bound<'py, PyTuple>)>,
);

/// A line's rate, below 0: none, and the matches that it fits.
#[pyclass(frozen, module = "laurels_core")]
struct LineClass {
    rate: i32,
    hits: Vec<usize>,
}

/// The rates and campaigns of a version in one currency.
#[pyclass(frozen, module = "laurels_core")]
pub struct Bonuses {
    table: Table,
    names: Vec<Py<PyString>>,
    by_sku: bool,
    classes: Py<PyDict>,
}

#[pymethods]
impl Bonuses {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "by name alone")]
    #[pyo3(signature = (*, units, over, rounding, grain, names, running, by_sku))]
    fn new(
        py: Python<'_>,
        units: Vec<Option<i64>>,
        over: i64,
        rounding: &str,
        grain: i64,
        names: Vec<Py<PyString>>,
        running: Vec<Vec<CampaignTuple>>,
        by_sku: bool,
    ) -> PyResult<Bonuses> {
        let rounding = match rounding {
            "half-up" => Rounding::HalfUp,
            "floor" => Rounding::Floor,
            "carry" => Rounding::Carry,
            other => return Err(pyo3::exceptions::PyValueError::new_err(format!("There is no rounding {other}."))),
        };
        let running: Vec<Vec<Campaign>> =
            running.into_iter().map(|each| each.into_iter().map(campaign).collect()).collect();
        let unnamed = running.iter().flatten().any(|campaign| campaign.number as usize >= names.len());
        if unnamed || over < 1 || grain < 1 {
            return Err(pyo3::exceptions::PyValueError::new_err("Campaigns have names, and figures are 1 or more."));
        }
        let classes = PyDict::new(py).unbind();
        Ok(Bonuses { table: Table { units, over, rounding, grain, running }, names, by_sku, classes })
    }

    /// What an order earns; None where these numbers do not fit.
    #[expect(clippy::too_many_arguments, reason = "an order's columns, without an object made for them")]
    fn judge<'py>(
        &self,
        py: Python<'py>,
        stretch: usize,
        total: i64,
        scale: i64,
        lines: &Bound<'py, PyTuple>,
        region: Option<Bound<'py, PyAny>>,
        class_of: &Bound<'py, PyAny>,
        paid: Option<(i64, i64)>,
        applies: &Bound<'py, PyAny>,
        room: &Bound<'py, PyAny>,
    ) -> PyResult<Option<JudgedTuple<'py>>> {
        let paid = paid.unwrap_or((1, 1));
        if scale < 1 || paid.1 < 1 {
            return Err(pyo3::exceptions::PyValueError::new_err("A minor unit and what was paid are 1 or more."));
        }
        let Some(read) = self.read(lines, region.as_ref(), class_of)? else { return Ok(None) };
        let hits: Vec<&[usize]> = read
            .classes
            .iter()
            .map(|class| class.as_ref().map_or(&[][..], |class| class.get().hits.as_slice()))
            .collect();
        let Lines { weights, quantity, rates, .. } = &read;
        let order = Order { total, scale, weights, quantity, rates, hits: &hits, paid };
        let judged = self.table.judge(
            stretch,
            &order,
            |number| applies.call1((number,))?.extract::<bool>(),
            |number| room.call1((self.names[number as usize].bind(py),))?.extract::<i64>(),
        );
        match judged {
            Ok(judged) => self.told(py, stretch, &order, judged).map(Some),
            Err(Stop::Cannot) => Ok(None),
            Err(Stop::Raised(error)) => Err(error),
        }
    }
}

/// An order's lines, column by column; a discount has no class.
#[derive(Default)]
struct Lines<'py> {
    weights: Vec<i64>,
    quantity: Vec<i64>,
    rates: Vec<i32>,
    classes: Vec<Option<Bound<'py, LineClass>>>,
}

impl Bonuses {
    /// Lines as columns; None where a number has more than 64 bits.
    fn read<'py>(
        &self,
        lines: &Bound<'py, PyTuple>,
        region: Option<&Bound<'py, PyAny>>,
        class_of: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Lines<'py>>> {
        let py = lines.py();
        let mut read = Lines::default();
        for line in lines {
            let number = |name: &Bound<'py, PyString>| line.getattr(name).map(|each| each.extract::<i64>().ok());
            let (Some(quantity), Some(price), Some(discount)) = (
                number(intern!(py, "quantity"))?,
                number(intern!(py, "unit_price"))?,
                number(intern!(py, "discount"))?,
            ) else {
                return Ok(None);
            };
            let Some(cost) = quantity.checked_mul(price) else { return Ok(None) };
            let Some(cost) = discount.checked_mul(ONE).and_then(|discount| cost.checked_sub(discount)) else {
                return Ok(None);
            };
            let class = if price < 0 { None } else { Some(self.class_of(&line, region, class_of)?) };
            read.weights.push(cost.max(0));
            read.quantity.push(quantity);
            read.rates.push(class.as_ref().map_or(DISCOUNT, |class| class.get().rate));
            read.classes.push(class);
        }
        Ok(Some(read))
    }

    /// A line's class: remembered, since a shop's lines fall into few.
    fn class_of<'py>(
        &self,
        line: &Bound<'py, PyAny>,
        region: Option<&Bound<'py, PyAny>>,
        class_of: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, LineClass>> {
        let py = line.py();
        let sku = if self.by_sku { Some(line.getattr(intern!(py, "sku"))?) } else { None };
        let key = (
            line.getattr(intern!(py, "category"))?,
            line.getattr(intern!(py, "brand"))?,
            line.getattr(intern!(py, "kind"))?,
            line.getattr(intern!(py, "tags"))?,
            sku,
            region,
        )
            .into_pyobject(py)?;
        let classes = self.classes.bind(py);
        if let Some(known) = classes.get_item(&key)? {
            return Ok(known.downcast_into::<LineClass>()?);
        }
        let (rate, hits) = class_of.call1((line, region))?.extract::<(i32, Vec<usize>)>()?;
        let class = Bound::new(py, LineClass { rate, hits })?;
        if classes.len() >= MOST_CLASSES {
            classes.clear();
        }
        classes.set_item(key, &class)?;
        Ok(class)
    }

    fn told<'py>(
        &self,
        py: Python<'py>,
        stretch: usize,
        order: &Order<'_>,
        judged: Judged,
    ) -> PyResult<JudgedTuple<'py>> {
        let (parts, limited, bound) = (PyList::empty(py), PyList::empty(py), PyList::empty(py));
        for part in &judged.parts {
            let campaign = &self.table.running[stretch][part.place];
            let name = self.names[campaign.number as usize].bind(py);
            let told = (name, part.worth).into_pyobject(py)?;
            parts.append(&told)?;
            if campaign.limited {
                limited.append(&told)?;
            }
            if let Some(left) = part.bound {
                bound.append((name, left))?;
            }
        }
        let grouped = judged
            .grouped
            .iter()
            .map(|(number, lines)| Ok((*number, PyTuple::new(py, lines)?)))
            .collect::<PyResult<_>>()?;
        let net = PyTuple::new(py, &judged.net)?;
        let written = PyBytes::new(py, &judged.written);
        // As a frame has them: nothing is said of one of each, nor of the first rate for all.
        let said = order.quantity.iter().any(|each| *each != ONE);
        let quantity = PyTuple::new(py, if said { order.quantity } else { &[] })?;
        let said = order.rates.iter().any(|each| *each != 0);
        let rates = PyTuple::new(py, if said { order.rates } else { &[] })?;
        Ok((quantity, rates, net, judged.base, judged.whole, parts, limited, bound, written, grouped))
    }
}

fn campaign(said: CampaignTuple) -> Campaign {
    let (number, of_match, asks, grouped, limited, more, points, per_unit, least, units_min, order_cap, head) = said;
    let least = match least {
        None => Least::Nothing,
        Some(least) if least < 0 => Least::Never,
        Some(least) => Least::Spend(least),
    };
    Campaign { number, of_match, asks, grouped, limited, more, points, per_unit, least, units_min, order_cap, head }
}
