//! The whole store beside a naive twin: any feed, readers beside a writer, and a writer that is killed.

mod advancing;
mod feeds;
mod killed;
mod naive;
mod refusals;
mod soak;

use std::time::Duration;

use crate::engine::reader::Reader;
use naive::Naive;

/// Long enough for any machine.
const PATIENT: Duration = Duration::from_secs(100);

/// Compare a board as a reader sees it, and some members' own views, with the naive one.
fn assert_agrees(reader: &mut Reader, naive: &Naive, board: &str, members: &[u32]) {
    let places = naive.places(board);
    let snapshot = reader.read(board, None, usize::MAX / 4, 0).unwrap();
    assert_eq!(snapshot.top, places);
    assert_eq!(snapshot.ranked as usize, places.len());
    for member in members {
        let (me, around) = naive.view(board, *member, 2);
        let snapshot = reader.read(board, Some(&naive::id(*member)), 3, 2).unwrap();
        assert_eq!(snapshot.me, me, "member {member} on {board}");
        assert_eq!(snapshot.around, around, "around member {member} on {board}");
        assert_eq!(snapshot.top, places[..places.len().min(3)]);
    }
}
