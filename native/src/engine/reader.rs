//! What a read gathers: the top of a board, a member's own place, its neighbours, all of one version.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::board::Board;
use crate::board::search::Cursor;
use crate::engine::source::Source;
use crate::engine::version::Version;
use crate::error::{Error, Result};
use crate::members::{Members, Presence};
use crate::state::files::{Files, long};
use crate::store::format::*;

/// One place on a board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// 1 + the members with more points.
    pub rank: u32,
    /// Member number.
    pub member: u32,
    /// Name number.
    pub name_number: u32,
    /// Points.
    pub points: i32,
}

/// A member's own place; `ranked` is (position, tied).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Me {
    /// Rank, member, name number, points; rank 0 where it is not ranked.
    pub row: Row,
    /// It left the boards.
    pub hidden: bool,
    /// The place in the total order, from 1; 0 where it is not ranked.
    pub position: u32,
    /// How many have exactly these points, this one included; 0 where it is not ranked.
    pub tied: u32,
}

/// What one read saw.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Of which version.
    pub version: Version,
    /// The number of the board, where there is one.
    pub board: Option<usize>,
    /// When that was the head.
    pub confirmed_at: i64,
    /// How many are ranked.
    pub ranked: u32,
    /// The first places.
    pub top: Vec<Row>,
    /// The member's own.
    pub me: Option<Me>,
    /// Its neighbours, itself among them.
    pub around: Vec<Row>,
    top_of: Option<TopOf>,
    overfull: bool, // the board is not there, and some that should be are not
}

/// Which top was read last: of which opening of the files, at which sequence, of which board, how long.
type TopOf = ((u64, u64), usize, usize);

/// Reads a store.
pub struct Reader {
    source: Source,
    snapshot: Snapshot,
}

impl Reader {
    /// The store need not be there yet.
    pub fn new(store: &Path, deadline: Duration) -> Reader {
        Reader { source: Source::new(store, deadline), snapshot: Snapshot::default() }
    }

    /// A number that is another one whenever anything is.
    pub fn sequence(&mut self) -> Result<u64> {
        Ok(self.source.opened()?.control.long(SEQUENCE).load(Ordering::Relaxed))
    }

    /// The identity of the ledger whose feed is served.
    pub fn identity(&mut self) -> Result<String> {
        Ok(self.source.opened()?.identity().0)
    }

    /// How often reads were begun again, because the writer was at work.
    pub fn retries(&self) -> u64 {
        self.source.retries()
    }

    /// The first `top` places, a member's own, and `around` on each side of it.
    #[inline]
    pub fn read(&mut self, board: &str, id: Option<&str>, top: usize, around: usize) -> Result<&Snapshot> {
        let Reader { source, snapshot } = self;
        source.consistent(|files, sequence| {
            let digest = id.map(|id| Members::digest(&files.key, id.as_bytes()));
            snapshot.gather(files, sequence, board, digest, top, around)
        })?;
        if snapshot.overfull {
            return Err(Error::Full(format!("there are {MOST_BOARDS} boards, and {board} is none of them")));
        }
        Ok(snapshot)
    }

    /// The order of a board, as (score, member number), of one version. The writer waits meanwhile.
    pub fn order(&mut self, board: &str) -> Result<Vec<(i32, u32)>> {
        let _lock = self.source.lock_export()?;
        let mut order = Vec::new();
        self.source.consistent(|files, _| {
            order.clear();
            let Some(number) = files.board(board, None) else { return Some(()) };
            let board = &files.boards[number];
            order.reserve_exact(board.ranked()? as usize);
            let mut cursor = board.first()?;
            for _ in 0..board.ranked()? {
                let member = board.next(&mut cursor)??;
                order.push((board.pair(member)?.0, member));
            }
            Some(())
        })?;
        Ok(order)
    }

    /// The ids of members. The writer waits meanwhile. Raises `Diverged` where one has none any more.
    pub fn ids(&mut self, members: &[(i32, u32)]) -> Result<Vec<String>> {
        let _lock = self.source.lock_export()?;
        let mut ids = Vec::new();
        self.source.consistent(|files, _| {
            let id = |(_, member): &(i32, u32)| String::from_utf8(files.members().id(*member)?).ok();
            ids = members.iter().map(id).collect();
            Some(())
        })?;
        ids.into_iter().collect::<Option<Vec<_>>>().ok_or(Error::Diverged)
    }

    /// The folder that is read now; another one after a rebuild.
    pub fn folder(&mut self) -> Result<PathBuf> {
        Ok(self.source.opened()?.folder.clone())
    }

    /// Let go of the files.
    pub fn close(&mut self) {
        self.source.close();
    }
}

impl Snapshot {
    #[inline]
    fn gather(
        &mut self,
        files: &Files,
        sequence: u64,
        board: &str,
        digest: Option<[u32; 4]>,
        top: usize,
        around: usize,
    ) -> Option<()> {
        if self.version.of != (files.opening, sequence) {
            self.version.read(files, sequence)?;
        }
        let members = files.members();
        // What was found to be damaged is stale, whatever it says.
        let damaged = files.control.get(DAMAGED)? != 0;
        self.confirmed_at = if damaged { 0 } else { long(&files.control, CONFIRMED_AT)? as i64 };
        // Each step to a member's place is a wait for memory, so something else is done meanwhile: here the top, below
        // the counts.
        if let Some(digest) = &digest {
            members.prefetch_number(digest);
        }
        (self.ranked, self.me, self.overfull) = (0, None, false);
        self.around.clear();
        self.board = files.board(board, self.board);
        let board = self.board.and_then(|number| files.boards.get(number));
        if let (Some(board), Some(number)) = (board, self.board) {
            self.ranked = board.ranked()?;
            let wanted = Some((self.version.of, number, top));
            if self.top_of != wanted {
                self.top_of = None;
                self.top.clear();
                find_rows(board, &members, &mut board.first()?, top, &mut self.top)?;
                fill_rows(board, &members, &mut self.top)?;
                rank_rows(board, 1, None, &mut self.top)?;
                self.top_of = wanted;
            }
        } else {
            self.top_of = None;
            self.top.clear();
            self.overfull = files.control.get(OVERFULL)? != 0;
        }
        let Some(digest) = digest else { return Some(()) };
        let Some(member) = members.number(&digest)? else { return Some(()) };
        let member = members.root(member)?;
        let (state, name_number) = members.known(member)?;
        if !matches!(state, Presence::Listed | Presence::Hidden) {
            return Some(()); // it became one that has not joined yet, or was erased
        }
        let (points, block) = board.map_or(Some((0, 0)), |board| board.pair(member))?;
        let row = Row { rank: 0, member, name_number, points };
        let mut me = Me { row, hidden: state == Presence::Hidden, position: 0, tied: 0 };
        if let (Some(board), true) = (board, block != 0) {
            locate(board, &members, block, around, &mut me, &mut self.around)?;
        } else if points > 0 && state == Presence::Listed && board.is_some_and(|board| !board.is_unsorted()) {
            return None; // ranked, it should be
        }
        self.me = Some(me);
        Some(())
    }
}

/// A ranked member's place, and the rows about it. `me` has its points.
#[inline]
fn locate(
    board: &Board,
    members: &Members<'_>,
    block: u32,
    around: usize,
    me: &mut Me,
    rows: &mut Vec<Row>,
) -> Option<()> {
    let Row { member, points, .. } = me.row;
    board.prefetch_block(block);
    board.prefetch_super(block);
    (me.row.rank, me.tied) = board.rank_and_tied(points)?;
    let offset = board.offset_of(member, block)?;
    board.about(block, offset, around).for_each(|other| members.prefetch(other));
    let cursor = board.cursor_at(block, offset)?;
    let mut window = cursor;
    let back = board.back(&mut window, around)?;
    find_rows(board, members, &mut window, back + 1 + around, rows)?;
    me.position = board.before(&cursor)?.wrapping_add(1);
    let first = me.position.wrapping_sub(back as u32);
    // Whoever stands among those with as many points as the member has them too: nothing to look up.
    let tie = me.row.rank..me.row.rank.saturating_add(me.tied);
    for (index, row) in (0..).zip(&mut *rows) {
        if tie.contains(&first.wrapping_add(index)) { row.points = points } else { board.prefetch(row.member) }
    }
    fill_rows(board, members, rows)?;
    // A member that is ranked stands in its tie, and its tie on the board; nobody who is hidden has a place.
    (!me.hidden && points > 0 && tie.contains(&me.position) && tie.end - 1 <= board.ranked()?).then_some(())?;
    rank_rows(board, first as usize, Some(&me.row), rows)
}

/// The members of up to `count` rows from a cursor on. Neighbours on the board lie anywhere in memory: their name numbers
/// begin to be fetched.
#[inline]
fn find_rows(
    board: &Board,
    members: &Members<'_>,
    cursor: &mut Cursor,
    count: usize,
    out: &mut Vec<Row>,
) -> Option<()> {
    for _ in 0..count {
        let Some(member) = board.next(cursor)? else { break };
        members.prefetch(member);
        out.push(Row { member, ..Row::default() });
    }
    Some(())
}

/// Name numbers of rows, and points where they are not known yet (nobody ranked has 0); still without their ranks.
#[inline]
fn fill_rows(board: &Board, members: &Members<'_>, rows: &mut [Row]) -> Option<()> {
    for row in rows.iter_mut() {
        if row.points == 0 {
            row.points = board.pair(row.member)?.0;
        }
        let (state, name_number) = members.known(row.member)?;
        (state == Presence::Listed && row.points > 0).then_some(())?;
        row.name_number = name_number;
    }
    // What stands on a board is in order: half of what a damaged file says is noticed here.
    rows.is_sorted_by(|one, other| (one.points, other.member) > (other.points, one.member)).then_some(())
}

/// Rank rows, the first of which is at `position`; `known` is one whose rank is known.
#[inline]
fn rank_rows(board: &Board, position: usize, known: Option<&Row>, rows: &mut [Row]) -> Option<()> {
    let mut last = known.copied().unwrap_or_default();
    for (index, row) in rows.iter_mut().enumerate() {
        row.rank = if row.points == last.points {
            last.rank
        } else if position == 1 || index > 0 {
            (position + index) as u32 // a tie that begins in sight
        } else {
            board.rank(row.points)?
        };
        last = *row;
    }
    Some(())
}
