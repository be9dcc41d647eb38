//! `PlainOrders`.

use std::collections::{BTreeMap, HashMap};

use pyo3::exceptions::{PyException, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::awards::{Chain, Closing, Entry, Rules, Totals, Version};
use crate::bonuses::Rounding;

/// Put the class into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PlainOrders>()
}

/// Of an entry that is written now.
const FORMAT: i64 = 2;

const KIND: &str = "earn";
const ENROLMENT: &str = "enrol";

/// Number, in force from, points, rounding, minor units by currency, milestones.
type VersionTuple = (i64, i64, i64, String, Vec<(String, i64)>, Vec<(Py<PyString>, i64)>);

/// Values of entries, contents, balances, closed months and awards, row behind row; places and sequences of what was
/// awarded; where members joined; milestones that were reached; the feed's end.
type AwardedTuple<'py> = (
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Vec<(i64, i64, i64)>,
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Vec<(i64, i64)>,
    Vec<ReachedTuple<'py>>,
    i64,
    Bound<'py, PyBytes>,
);

/// Member, milestone, score, quiet, place of the entry.
type ReachedTuple<'py> = (i64, Bound<'py, PyString>, i64, bool, i64);

/// The rules of versions that are all simple.
#[pyclass(frozen, module = "laurels_core")]
pub struct PlainOrders {
    rules: Rules,
    milestones: Vec<Vec<Py<PyString>>>,
    decode: Py<PyAny>,
}

#[pymethods]
impl PlainOrders {
    #[new]
    #[pyo3(signature = (*, versions, months, late, decode))]
    fn new(
        versions: Vec<VersionTuple>,
        months: Vec<(i64, i64)>,
        late: i64,
        decode: Py<PyAny>,
    ) -> PyResult<PlainOrders> {
        let (mut known, mut milestones) = (Vec::new(), Vec::new());
        for (number, from_at, points, rounding, per, reached) in versions {
            let rounding = match rounding.as_str() {
                "half-up" => Rounding::HalfUp,
                "floor" => Rounding::Floor,
                other => return Err(PyValueError::new_err(format!("There is no rounding {other}."))),
            };
            if per.iter().any(|(_, per)| *per < 1) {
                return Err(PyValueError::new_err("Points are given for 1 minor unit or more."));
            }
            let (names, above) = reached.into_iter().unzip();
            known.push(Version { number, from_at, points, rounding, per, above });
            milestones.push(names);
        }
        let in_order = known.get(1..).is_some_and(|later| later.is_sorted_by_key(|version| version.from_at));
        if !in_order || !months.is_sorted() {
            return Err(PyValueError::new_err("There is a version, and versions and months are in their order."));
        }
        Ok(PlainOrders { rules: Rules { versions: known, months, late }, milestones, decode })
    }

    /// Judge a batch of orders; None where one of them is not plain.
    #[expect(clippy::too_many_arguments, reason = "where a feed ends, and what is known")]
    #[pyo3(signature = (rows, totals, unjoined, *, shard, before_first, position, last_hash, now))]
    fn award<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyList>,
        totals: &Bound<'py, PyList>,
        unjoined: HashMap<i64, i64>,
        shard: i64,
        before_first: i64,
        position: i64,
        last_hash: &[u8],
        now: i64,
    ) -> PyResult<Option<AwardedTuple<'py>>> {
        let mut batch = Batch {
            rules: self,
            decode: self.decode.bind(py),
            now,
            before_first,
            unjoined,
            said: Said::new(py, now)?,
            chain: Chain::new(shard, position, last_hash),
            members: BTreeMap::new(),
            closing: Vec::new(),
            closed: Vec::new(),
            entries: Vec::with_capacity(rows.len() * 19),
            contents: Vec::with_capacity(rows.len() * 2),
            awards: Vec::with_capacity(rows.len() * 13),
            awarded: Vec::with_capacity(rows.len() * 2),
            joined: Vec::new(),
            reached: Vec::new(),
        };
        for row in totals {
            if batch.know(row.downcast::<PyTuple>()?)?.is_none() {
                return Ok(None);
            }
        }
        for row in rows {
            match batch.take(row.downcast::<PyTuple>()?) {
                Ok(Some(())) => {}
                Ok(None) => return Ok(None),
                // What cannot be read or counted is refused, with words, by the reference.
                Err(error) if error.is_instance_of::<PyException>(py) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        batch.told().map(Some)
    }
}

/// Values that all rows share.
struct Said<'py> {
    none: Bound<'py, PyAny>,
    nothing: Bound<'py, PyAny>,
    zero: Bound<'py, PyAny>,
    earn: Bound<'py, PyAny>,
    enrol: Bound<'py, PyAny>,
    format: Bound<'py, PyAny>,
    now: Bound<'py, PyAny>,
}

impl<'py> Said<'py> {
    fn new(py: Python<'py>, now: i64) -> PyResult<Said<'py>> {
        Ok(Said {
            none: py.None().into_bound(py),
            nothing: intern!(py, "").clone().into_any(),
            zero: number(py, 0)?,
            earn: intern!(py, KIND).clone().into_any(),
            enrol: intern!(py, ENROLMENT).clone().into_any(),
            format: number(py, FORMAT)?,
            now: number(py, now)?,
        })
    }
}

/// Orders on their way into rows.
struct Batch<'a, 'py> {
    rules: &'a PlainOrders,
    decode: &'a Bound<'py, PyAny>,
    now: i64,
    before_first: i64,
    unjoined: HashMap<i64, i64>,
    said: Said<'py>,
    chain: Chain,
    members: BTreeMap<i64, Totals>,
    closing: Closing,
    closed: Vec<(i64, i64, i64)>,
    entries: Vec<Bound<'py, PyAny>>,
    contents: Vec<Bound<'py, PyAny>>,
    awards: Vec<Bound<'py, PyAny>>,
    awarded: Vec<Bound<'py, PyAny>>,
    joined: Vec<(i64, i64)>,
    reached: Vec<ReachedTuple<'py>>,
}

impl<'py> Batch<'_, 'py> {
    /// Take a member's totals; None where more is kept of it.
    fn know(&mut self, row: &Bound<'py, PyTuple>) -> PyResult<Option<()>> {
        let (member, balance, earned, score, month, month_score, before, state) =
            row.extract::<(i64, i64, i64, i64, i64, i64, i64, Option<Bound<'py, PyAny>>)>()?;
        if state.is_some() {
            return Ok(None);
        }
        self.members.insert(member, Totals { balance, earned, score, month, month_score, before });
        Ok(Some(()))
    }

    /// Judge one order, and make its rows; None where it is not plain.
    fn take(&mut self, row: &Bound<'py, PyTuple>) -> PyResult<Option<()>> {
        let py = row.py();
        let at = |place| row.get_borrowed_item(place);
        let (sequence, source, id, member) = (at(0)?, at(2)?, at(3)?, at(4)?);
        let (order_source, order_id, accepted_at, content, actor) = (at(5)?, at(6)?, at(7)?, at(8)?, at(9)?);
        let order = self.decode.call1((&content,))?;
        let said = |name: &Bound<'py, PyString>| order.getattr(name);
        let (total, currency) = (said(intern!(py, "total"))?, said(intern!(py, "currency"))?);
        let occurred_at = said(intern!(py, "occurred_at"))?;
        let (named_source, named_id) = (said(intern!(py, "source"))?, said(intern!(py, "order_id"))?);
        let quiet = said(intern!(py, "quiet"))?.is_truthy()?;

        let source_text = source.downcast::<PyString>()?.to_str()?;
        let id_text = id.downcast::<PyString>()?.to_str()?;
        let same = |other: &Bound<'py, PyAny>, text: &str| -> PyResult<bool> {
            Ok(other.downcast::<PyString>()?.to_str()? == text)
        };
        if !same(&named_source, source_text)?
            || !same(&order_source, source_text)?
            || !same(&named_id, id_text)?
            || !same(&order_id, id_text)?
        {
            return Ok(None);
        }
        let happened = if occurred_at.is_none() { accepted_at.to_owned() } else { occurred_at };
        let (member_number, amount, instant) =
            (member.extract::<i64>()?, total.extract::<i64>()?, happened.extract::<i64>()?);
        let currency_text = currency.downcast::<PyString>()?.to_str()?;
        let actor_text = if actor.is_none() { None } else { Some(actor.downcast::<PyString>()?.to_str()?) };

        let rules = &self.rules.rules;
        let version = rules.at(instant);
        let Some(points) = version.earned(amount, currency_text) else { return Ok(None) };
        if !self.members.contains_key(&member_number) && self.join(member_number)?.is_none() {
            return Ok(None);
        }
        let totals = self.members.entry(member_number).or_default();
        let score = totals.score;
        let month = if points == 0 { None } else { rules.month(instant, self.now) };
        if totals.earn(points, month, &mut self.closing).is_none() {
            return Ok(None);
        }
        self.closed.extend(self.closing.drain(..).map(|(month, points)| (month, member_number, points)));
        let after = totals.score;
        let entry = Entry {
            kind: KIND,
            member: member_number,
            points,
            currency: Some(currency_text),
            amount: Some(amount),
            source: Some(source_text),
            order_id: Some(id_text),
            program_version: Some(version.number),
            name_number: None,
            actor: actor_text,
            occurred_at: instant,
            board_at: instant,
            recorded_at: self.now,
        };
        if self.chain.append(&entry).is_none() {
            return Ok(None);
        }
        let place = self.before_first + self.chain.position;
        self.reach(py, member_number, (score, after), quiet, place);

        let s = &self.said;
        let (place_said, points_said) = (number(py, place)?, number(py, points)?);
        let version_said = number(py, version.number)?;
        let none = || s.none.clone();
        self.entries.extend([
            place_said.clone(),
            s.earn.clone(),
            member.to_owned(),
            points_said.clone(),
            currency.clone(),
            total.clone(),
            source.to_owned(),
            id.to_owned(),
            none(),
            s.nothing.clone(),
            version_said.clone(),
            none(),
            actor.to_owned(),
            happened.clone(),
            happened.clone(),
            s.now.clone(),
            PyBytes::new(py, &self.chain.hash).into_any(),
            s.format.clone(),
            none(),
        ]);
        self.contents.extend([place_said.clone(), content.to_owned()]);
        let mut places = [0; 24];
        let places = json_list(place, &mut places);
        self.awards.extend([
            source.to_owned(),
            id.to_owned(),
            member.to_owned(),
            version_said,
            currency,
            total.clone(),
            total,
            points_said,
            s.zero.clone(),
            happened,
            none(),
            none(),
            PyBytes::new(py, places).into_any(),
        ]);
        self.awarded.extend([place_said, sequence.to_owned()]);
        Ok(Some(()))
    }

    /// Put a member's enrolment before its first points, where it is not in the feed yet.
    fn join(&mut self, member: i64) -> PyResult<Option<()>> {
        let Some(&name_number) = self.unjoined.get(&member) else { return Ok(Some(())) };
        let entry = Entry {
            kind: ENROLMENT,
            member,
            name_number: Some(name_number),
            occurred_at: self.now,
            board_at: self.now,
            recorded_at: self.now,
            ..Entry::default()
        };
        if self.chain.append(&entry).is_none() {
            return Ok(None);
        }
        let place = self.before_first + self.chain.position;
        self.joined.push((place, member));
        let s = &self.said;
        let py = s.none.py();
        let none = || s.none.clone();
        self.entries.extend([
            number(py, place)?,
            s.enrol.clone(),
            number(py, member)?,
            s.zero.clone(),
            none(),
            none(),
            none(),
            none(),
            none(),
            s.nothing.clone(),
            none(),
            number(py, name_number)?,
            none(),
            s.now.clone(),
            s.now.clone(),
            s.now.clone(),
            PyBytes::new(py, &self.chain.hash).into_any(),
            s.format.clone(),
            none(),
        ]);
        Ok(Some(()))
    }

    /// The milestones that a member crossed.
    fn reach(&mut self, py: Python<'py>, member: i64, (before, after): (i64, i64), quiet: bool, place: i64) {
        let rules = &self.rules.rules;
        let in_force = rules.place_at(self.now);
        for (name, above) in self.rules.milestones[in_force].iter().zip(&rules.versions[in_force].above) {
            if before <= *above && *above < after {
                self.reached.push((member, name.bind(py).clone(), after, quiet, place));
            }
        }
    }

    fn told(mut self) -> PyResult<AwardedTuple<'py>> {
        let py = self.said.none.py();
        let mut balances = Vec::with_capacity(self.members.len() * 8);
        for (member, totals) in &self.members {
            let Totals { balance, earned, score, month, month_score, before } = *totals;
            for each in [*member, balance, earned, score, month, month_score, before] {
                balances.push(number(py, each)?);
            }
            balances.push(self.said.none.clone());
        }
        self.closed.sort_unstable();
        Ok((
            PyList::new(py, self.entries)?,
            PyList::new(py, self.contents)?,
            PyList::new(py, balances)?,
            self.closed,
            PyList::new(py, self.awards)?,
            PyList::new(py, self.awarded)?,
            self.joined,
            self.reached,
            self.chain.position,
            PyBytes::new(py, &self.chain.hash),
        ))
    }
}

fn number(py: Python<'_>, number: i64) -> PyResult<Bound<'_, PyAny>> {
    Ok(number.into_pyobject(py)?.into_any())
}

/// A place as a JSON array of one.
fn json_list(place: i64, room: &mut [u8; 24]) -> &[u8] {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(place).as_bytes();
    room[0] = b'[';
    room[1..=digits.len()].copy_from_slice(digits);
    room[digits.len() + 1] = b']';
    &room[..digits.len() + 2]
}
