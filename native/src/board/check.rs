//! Does a board agree with itself?

use crate::board::Board;
use crate::board::shape::*;

type Check = Result<(), String>;

impl Board {
    /// Whether a member stands where its score says, or nowhere where it may not be ranked. None: it does not.
    pub fn is_sane(&self, member: u32, listed: bool) -> Option<()> {
        let (score, block) = self.pair(member)?;
        if self.is_unsorted() || !(listed && score > 0) {
            return (block == 0).then_some(());
        }
        let here = self.cursor_of(member, block)?;
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
                ensure(word(self.shape.parents_at + block) as usize == super_, || format!("block {block} is lost"))?;
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
        if self.is_unsorted() {
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
