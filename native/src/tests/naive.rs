//! The slow, obvious twin: a vector of members, sorted anew for every question.

use std::collections::HashMap;

use crate::engine::reader::{Me, Row};
use crate::members::Presence;
use crate::state::changes::{Batch, Change, Op};

/// The id under which a member joins.
pub fn id(member: u32) -> String {
    format!("member-{member}")
}

#[derive(Clone, Default)]
pub struct Naive {
    members: HashMap<u32, (Presence, u32)>,
    sums: HashMap<String, HashMap<u32, i64>>,
    into: HashMap<u32, u32>,
}

impl Naive {
    pub fn apply(&mut self, batch: &Batch) {
        for op in &batch.ops {
            self.take(op, &batch.boards);
        }
    }

    fn root(&self, mut member: u32) -> u32 {
        while let Some(into) = self.into.get(&member) {
            member = *into;
        }
        member
    }

    fn merge(&mut self, member: u32, into: u32) {
        let root = self.root(into);
        let erased = self.members.get(&member).is_some_and(|known| known.0 == Presence::Erased);
        if root == member || erased || self.into.contains_key(&member) {
            return;
        }
        for sums in self.sums.values_mut() {
            let sum = sums.remove(&member).unwrap_or(0);
            *sums.entry(root).or_default() += sum;
        }
        self.into.insert(member, root);
    }

    pub fn take(&mut self, op: &Op, boards: &[String]) {
        let known = self.members.get(&op.member).copied();
        let name = known.map_or(0, |known| known.1);
        let state = match (&op.change, known.map(|known| known.0)) {
            (Change::Joined(Some(_), name), _) => Some((Presence::Listed, *name)),
            (Change::Joined(None, _), _) => Some((Presence::Erased, 0)),
            (Change::Scored(board, points), _) => {
                let root = self.root(op.member);
                *self.sums.entry(boards[*board].clone()).or_default().entry(root).or_default() += points;
                None
            }
            (Change::Merged(into), _) => {
                self.merge(op.member, *into);
                None
            }
            (Change::Erased, _) => {
                self.sums.values_mut().for_each(|sums| _ = sums.remove(&op.member));
                Some((Presence::Erased, 0))
            }
            (_, None | Some(Presence::Erased)) => None,
            (Change::Hidden, _) => Some((Presence::Hidden, name)),
            (Change::Shown, _) => Some((Presence::Listed, name)),
            (Change::Renamed(name), Some(state)) => Some((state, *name)),
        };
        if let Some(state) = state {
            self.members.insert(op.member, state);
        }
    }

    fn points(&self, board: &str, member: u32) -> i32 {
        let sum = self.sums.get(board).and_then(|sums| sums.get(&member)).copied().unwrap_or(0);
        sum.clamp(-i64::from(i32::MAX), i64::from(i32::MAX)) as i32
    }

    pub fn places(&self, board: &str) -> Vec<Row> {
        let mut listed = self.members.clone();
        listed.retain(|member, known| known.0 == Presence::Listed && !self.into.contains_key(member));
        let mut rows: Vec<Row> = listed
            .iter()
            .map(|(member, known)| Row {
                rank: 0,
                member: *member,
                name_number: known.1,
                points: self.points(board, *member),
            })
            .filter(|row| row.points > 0)
            .collect();
        rows.sort_by_key(|row| (-row.points, row.member));
        for index in 0..rows.len() {
            let tied = index > 0 && rows[index - 1].points == rows[index].points;
            rows[index].rank = if tied { rows[index - 1].rank } else { index as u32 + 1 };
        }
        rows
    }

    pub fn view(&self, board: &str, member: u32, around: usize) -> (Option<Me>, Vec<Row>) {
        if self.members.get(&member).is_none_or(|known| known.0 == Presence::Erased) {
            return (None, vec![]);
        }
        let member = self.root(member);
        let Some((state, name_number)) = self.members.get(&member).copied().filter(|known| known.0 != Presence::Erased)
        else {
            return (None, vec![]);
        };
        let places = self.places(board);
        let hidden = state == Presence::Hidden;
        let Some(index) = places.iter().position(|row| row.member == member) else {
            let row = Row { rank: 0, member, name_number, points: self.points(board, member) };
            return (Some(Me { row, hidden, position: 0, tied: 0 }), vec![]);
        };
        let row = places[index];
        let tied = places.iter().filter(|other| other.points == row.points).count() as u32;
        let shown = index.saturating_sub(around)..places.len().min(index + around + 1);
        (Some(Me { row, hidden, position: index as u32 + 1, tied }), places[shown].to_vec())
    }
}
