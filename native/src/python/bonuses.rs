//! `Bonuses`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::bonuses::{Campaign, Judged, Least, Order, Rounding, Stop, Table};

/// Put the class into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Bonuses>()
}

/// A campaign as Python says it: number, match, asks, grouped, limited, more, points, per unit, least spend (None: it
/// asks for none; below 0: this currency has none that is enough), least units, the cap of an order, head.
type CampaignTuple = (u32, usize, bool, bool, bool, i64, i64, i64, Option<i64>, i64, Option<i64>, Vec<u8>);

/// Net, base, whole, parts, parts with a limit, parts that it bound, bonuses as a frame has them, lines of grouped ones.
type JudgedTuple<'py> = (
    Bound<'py, PyTuple>,
    i64,
    i64,
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Bound<'py, PyBytes>,
    Vec<(u32, Bound<'py, PyTuple>)>,
);

/// The rates and campaigns of a version in one currency.
#[pyclass(frozen, module = "laurels_core")]
pub struct Bonuses {
    table: Table,
    names: Vec<Py<PyString>>,
}

#[pymethods]
impl Bonuses {
    #[new]
    #[pyo3(signature = (*, units, over, rounding, grain, names, running))]
    fn new(
        units: Vec<Option<i64>>,
        over: i64,
        rounding: &str,
        grain: i64,
        names: Vec<Py<PyString>>,
        running: Vec<Vec<CampaignTuple>>,
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
        Ok(Bonuses { table: Table { units, over, rounding, grain, running }, names })
    }

    /// What an order earns; None where these numbers do not fit.
    #[expect(clippy::too_many_arguments, reason = "an order's columns, without an object made for them")]
    fn judge<'py>(
        &self,
        py: Python<'py>,
        stretch: usize,
        total: i64,
        scale: i64,
        weights: &Bound<'py, PyList>,
        quantity: &Bound<'py, PyList>,
        rates: &Bound<'py, PyList>,
        hits: &Bound<'py, PyList>,
        paid: Option<(i64, i64)>,
        applies: &Bound<'py, PyAny>,
        room: &Bound<'py, PyAny>,
    ) -> PyResult<Option<JudgedTuple<'py>>> {
        let (Some(weights), Some(quantity)) = (numbers(weights), numbers(quantity)) else { return Ok(None) };
        let rates: Vec<i32> = rates.iter().map(|rate| rate.extract()).collect::<PyResult<_>>()?;
        let hits: Vec<Vec<usize>> = hits.iter().map(|each| matches(&each)).collect::<PyResult<_>>()?;
        let count = weights.len();
        let paid = paid.unwrap_or((1, 1));
        if quantity.len() != count || rates.len() != count || hits.len() != count || scale < 1 || paid.1 < 1 {
            return Err(pyo3::exceptions::PyValueError::new_err("Each list is as long as the order has lines."));
        }
        let order = Order { total, scale, weights: &weights, quantity: &quantity, rates: &rates, hits: &hits, paid };
        let judged = self.table.judge(
            stretch,
            &order,
            |number| applies.call1((number,))?.extract::<bool>(),
            |number| room.call1((self.names[number as usize].bind(py),))?.extract::<i64>(),
        );
        match judged {
            Ok(judged) => self.told(py, stretch, judged).map(Some),
            Err(Stop::Cannot) => Ok(None),
            Err(Stop::Raised(error)) => Err(error),
        }
    }
}

impl Bonuses {
    fn told<'py>(&self, py: Python<'py>, stretch: usize, judged: Judged) -> PyResult<JudgedTuple<'py>> {
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
        Ok((net, judged.base, judged.whole, parts, limited, bound, written, grouped))
    }
}

/// A list of whole numbers; None where one has more than 64 bits.
fn numbers(list: &Bound<'_, PyList>) -> Option<Vec<i64>> {
    list.iter().map(|each| each.extract().ok()).collect()
}

fn matches(tuple: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    tuple.downcast::<PyTuple>()?.iter().map(|each| each.extract()).collect()
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
