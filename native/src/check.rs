//! Does a state agree with itself? Reads everything; for tests, for `verify`, and for whoever doubts.

use crate::board::{BLOCK, BLOCKS_USED, Board, GROUP, ROOT_LENGTH, SUPER, place};
use crate::files::Files;
use crate::layout::{MEMBER_COUNT, SLOTS_USED};
use crate::map::HEAD;
use crate::members::{Members, State};

type Check = Result<(), String>;

impl Files {
    /// Say what does not agree.
    pub fn check(&self) -> Check {
        let (mut listed, mut with_id) = (0_usize, 0_usize);
        let members = self.members();
        for member in 0..self.control.get(MEMBER_COUNT).unwrap_or(0) {
            let (state, _) = members.known(member).ok_or("members is too short")?;
            let id = members.id(member);
            let has_id = matches!(state, State::Listed | State::Hidden);
            ensure(id.is_some() == has_id || state == State::Merged, || {
                format!("member {member} is {state:?} and its id is {}kept", if id.is_some() { "" } else { "not " })
            })?;
            if state == State::Merged {
                ensure(members.root(member).is_some(), || format!("member {member} became nobody"))?;
                let left = self.boards.iter().position(|board| board.sum(member) != Some(0));
                ensure(left.is_none(), || format!("member {member} left points behind on board {left:?}"))?;
            }
            listed += usize::from(state == State::Listed);
            if let Some(id) = id {
                let found = members.number(&Members::digest(&self.key, &id)).flatten();
                // A newer member may have the same id, where the older one's erasure was not read yet.
                ensure(found.is_some_and(|found| found >= member), || {
                    format!("member {member} is not found by its id")
                })?;
                with_id += usize::from(found == Some(member));
            }
        }
        let entry = |place: usize| self.slots.get(HEAD + 2 * place + 1).unwrap_or(0);
        let places = (self.slots.words().len() - HEAD) / 2;
        let in_slots = (0..places).filter(|place| entry(*place) != 0 && entry(*place) != u32::MAX).count();
        ensure(in_slots == with_id, || format!("{in_slots} slots are taken by {with_id} members"))?;
        let used = (0..places).filter(|place| entry(*place) != 0).count();
        ensure(self.control.get(SLOTS_USED) == Some(used as u32), || {
            format!("{used} slots are used, and told otherwise")
        })?;
        for (number, board) in self.boards.iter().enumerate() {
            board
                .check(|member| members.known(member).map(|known| known.0) == Some(State::Listed))
                .map_err(|what| format!("board {number}: {what}"))?;
            ensure(board.ranked().unwrap_or(0) as usize <= listed, || format!("board {number} ranks too many"))?;
        }
        Ok(())
    }
}

impl Board {
    /// Whether a member stands where its score says, or nowhere where it may not be ranked. None: it does not.
    pub fn is_sane(&self, member: u32, listed: bool) -> Option<()> {
        let (score, block) = self.pair(member)?;
        if self.is_loose() || !(listed && score > 0) {
            return (block == 0).then_some(());
        }
        let here = self.spot_of(member, block)?;
        let there = self.seek(place(score, member))?;
        ((here.block, here.offset) == (there.block, there.offset)).then_some(())
    }

    /// Whether the sums agree that are few: of the groups, of the counts, and some node of these. None: they do not.
    pub fn adds_up(&self, any: u32) -> Option<()> {
        let ranked = self.ranked()?;
        let groups = self.map.sum(self.shape.groups_at..self.shape.groups_at + self.shape.supers.div_ceil(GROUP))?;
        (groups == ranked && self.shape.counts.total(&self.map)? <= ranked).then_some(())?;
        self.shape.counts.is_sane(&self.map, any % self.shape.counts.domain())
    }

    /// Say what does not agree; `listed` says who may be ranked.
    pub fn check(&self, listed: impl Fn(u32) -> bool) -> Check {
        let word = |at: usize| self.map.get(at).unwrap_or(u32::MAX);
        let (mut ranked, mut blocks, mut last) = (0, 0, 0);
        let mut scores = std::collections::BTreeMap::new();
        let length = word(ROOT_LENGTH) as usize;
        ensure(length <= self.shape.supers, || "the root is too long".into())?;
        for root in 0..length {
            let super_ = word(self.shape.root_at + root) as usize;
            let at = self.super_at(super_).ok_or("a superblock is outside")?;
            let slots = word(at) as usize;
            ensure((1..=SUPER).contains(&slots), || format!("superblock {super_} has {slots} blocks"))?;
            ensure(word(at + 1) as usize == root, || format!("superblock {super_} does not know its place"))?;
            let mut total = 0;
            for slot in 0..slots {
                let (block, count) = (word(at + 4 + slot) as usize, word(at + 4 + SUPER + slot) as usize);
                ensure((1..=self.shape.blocks).contains(&block), || format!("block {block} is outside"))?;
                ensure((1..=BLOCK).contains(&count), || format!("block {block} has {count} members"))?;
                ensure(word(self.shape.homes_at + block) as usize == super_, || format!("block {block} is lost"))?;
                for offset in 0..count {
                    let member = word(self.shape.blocks_at + block * BLOCK + offset);
                    let (score, home) = self.pair(member).ok_or("a pair is outside")?;
                    ensure(home as usize == block && score > 0, || format!("member {member} is not where it says"))?;
                    ensure(listed(member), || format!("member {member} may not be ranked"))?;
                    let here = place(score, member);
                    ensure(here > last, || format!("member {member} is out of order"))?;
                    last = here;
                    let first = |high: usize, low: usize| u64::from(word(high)) << 32 | u64::from(word(low));
                    let column = at + 4 + 2 * SUPER + slot;
                    let told = first(column, column + SUPER);
                    ensure(offset > 0 || told == here, || format!("block {block} begins elsewhere"))?;
                    let told = first(self.firsts_at() + root, self.firsts_at() + self.shape.supers + root);
                    ensure(offset + slot > 0 || told == here, || format!("superblock {super_} begins elsewhere"))?;
                    *scores.entry(score as u32).or_insert(0_u32) += 1;
                }
                total += count;
                blocks += 1;
            }
            ensure(word(self.totals_at() + root) as usize == total, || format!("superblock {super_} is miscounted"))?;
            ranked += total;
        }
        for group in 0..self.shape.supers.div_ceil(GROUP) {
            let roots = group * GROUP..((group + 1) * GROUP).min(length).max(group * GROUP);
            let total: u32 = roots.map(|root| word(self.totals_at() + root)).sum();
            ensure(word(self.shape.groups_at + group) == total, || format!("group {group} is miscounted"))?;
        }
        if self.is_loose() {
            return ensure(ranked == 0, || "somebody is ranked on a board without an order".into());
        }
        ensure(self.ranked() == Some(ranked as u32), || format!("{ranked} are ranked, and told otherwise"))?;
        ensure(word(BLOCKS_USED) == blocks, || format!("{blocks} blocks are used, and told otherwise"))?;
        ensure(self.shape.counts.check(&self.map), || "the counts do not add up".into())?;
        let counted = scores.range(..self.shape.counts.domain());
        ensure(self.shape.counts.total(&self.map) == Some(counted.clone().map(|(_, count)| count).sum()), || {
            "the counts are not those of the board".into()
        })?;
        for (score, count) in counted {
            ensure(self.shape.counts.of(&self.map, *score) == Some(*count), || format!("score {score} is miscounted"))?;
        }
        let missing = (0..self.shape.capacity as u32).find(|member| {
            self.pair(*member).is_some_and(|(score, block)| (block != 0) != (score > 0 && listed(*member)))
        });
        ensure(missing.is_none(), || format!("member {missing:?} should be ranked, or should not"))
    }
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(what()) }
}
