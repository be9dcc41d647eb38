//! Where everything lies: the folders and files of a store, and the words of the control file.
//!
//! ```text
//! STORE/lock            held by the writer
//! STORE/export-lock     held shared by who copies standings; the writer waits for it between two batches
//! STORE/current         the folder that readers read: a line of text, renamed over the old one
//! STORE/g1, g2, ...     one state of the boards each: the one that is read, and one that is being built
//! STORE/damaged         the name of a folder in which a reader found what cannot be, until the writer has seen it
//! gN/control            whose feed, how far, which boards; the seqlock
//! gN/members            member number -> digest of the id, name number, state
//! gN/slots              digest of the id -> member number, open addressing
//! gN/ids, gN/texts      member number -> the id itself, for standings; never touched by reads
//! gN/merges             members that became another one
//! gN/board-0, 1, ...    a board: scores, counts, blocks
//! gN/journal            what words were before the present update
//! ```
//!
//! All are arrays of 32-bit words in the machine's byte order, behind the header of `store/mmap.rs`. The words of `members`,
//! `slots`, `ids` and `texts` are told in `members/mod.rs`, those of a board in `board/mod.rs`, those of the journal in
//! `store/journal.rs`, and those of `control` here. Longer numbers lie low word first.

/// Shards of a feed.
pub const SHARDS: usize = 16;

/// Boards of a store, at most.
pub const MOST_BOARDS: usize = if cfg!(test) { 16 } else { 2048 };

/// The largest member number: one more has to fit in a word, and all ones is a tombstone.
pub const MOST_MEMBER: u32 = u32::MAX - 2;

/// Bytes of the longest texts: identity, rules, an id. A board's name may have 124, a hash 64.
pub const LONGEST_TEXT: usize = 4096;

/// File names.
pub const LOCK: &str = "lock";
/// See above.
pub const EXPORT_LOCK: &str = "export-lock";
/// A folder in which a reader found what cannot be: its name, for the writer.
pub const REPORT: &str = "damaged";
/// See above.
pub const CURRENT: &str = "current";
/// See above.
pub const CONTROL: &str = "control";
/// See above.
pub const MEMBERS: &str = "members";
/// See above.
pub const SLOTS: &str = "slots";
/// See above.
pub const IDS: &str = "ids";
/// See above.
pub const TEXTS: &str = "texts";
/// See above.
pub const MERGES: &str = "merges";
/// See above.
pub const JOURNAL: &str = "journal";

/// Kinds of files, which are also their numbers in the journal; a board's number is `BOARD_FILE` and its own.
pub const CONTROL_FILE: u32 = 1;
/// See above.
pub const MEMBERS_FILE: u32 = 2;
/// See above.
pub const SLOTS_FILE: u32 = 3;
/// See above.
pub const IDS_FILE: u32 = 4;
/// See above.
pub const TEXTS_FILE: u32 = 5;
/// See above.
pub const JOURNAL_FILE: u32 = 6;
/// See above.
pub const MERGES_FILE: u32 = 7;
/// See above.
pub const BOARD_FILE: u32 = 16;

/// Control: the seqlock, 64 bits. Odd while an update is under way.
pub const SEQUENCE: usize = 16;
/// 1 once another folder is the current one.
pub const RETIRED: usize = 18;
/// Another number whenever a file was added or replaced.
pub const FILES: usize = 19;
/// The boot of the machine under which the files were last written: four words.
pub const BOOT: usize = 20;
/// 1 where everything was written to the disk at closing.
pub const CLEAN: usize = 24;
/// 1 once confirmed, which makes the folder the current one.
pub const CONFIRMED: usize = 25;
/// The instant of the last confirmation, 64 bits signed.
pub const CONFIRMED_AT: usize = 26;
/// The ledger's epoch, 64 bits.
pub const EPOCH: usize = 28;
/// How many boards there are.
pub const BOARDS: usize = 30;
/// One more than the largest member number.
pub const MEMBER_COUNT: usize = 31;
/// Words of `texts` in use.
pub const TEXT_WORDS: usize = 32;
/// Places of `slots` that are not empty, tombstones among them.
pub const SLOTS_USED: usize = 33;
/// The key of the digests: four words.
pub const KEY: usize = 34;
/// 1 while many members are taken in at once: what a writer leaves so is thrown away.
pub const LOADING: usize = 38;
/// Members that became another one.
pub const MERGE_COUNT: usize = 39;
/// 1 once something in these files was found that cannot be: what is still read from them says that it is stale.
pub const DAMAGED: usize = 40;
/// 1 once a board found no room.
pub const OVERFULL: usize = 41;
/// Words of the longest texts and their lengths, up to an even number.
const TEXT_WORDS_AT_MOST: usize = LONGEST_TEXT / 4 + 2;
/// A text: length in bytes, then the bytes, four to a word.
pub const IDENTITY: usize = 64;
/// A text.
pub const RULES: usize = IDENTITY + TEXT_WORDS_AT_MOST;
/// For each shard `MARK_WORDS`: the mark's position (64 bits), the position reached (64 bits), the mark's hash (a text).
pub const MARKS: usize = RULES + TEXT_WORDS_AT_MOST;
/// Words of one shard's mark.
pub const MARK_WORDS: usize = 32;
/// For each board `NAME_WORDS`: its name, a text.
pub const BOARD_NAMES: usize = MARKS + SHARDS * MARK_WORDS;
/// Words of one board's name.
pub const NAME_WORDS: usize = 32;
/// All words of the control file.
pub const CONTROL_WORDS: usize = BOARD_NAMES + MOST_BOARDS * NAME_WORDS;
