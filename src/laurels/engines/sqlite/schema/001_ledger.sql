-- The ledger: what was handed in, what it led to, and who it belongs to.
-- Instants are microseconds since 1970 (UTC), amounts are minor units, members are numbers.

CREATE TABLE ledger (              -- one row: who this ledger is, and where its feed ends
    one INTEGER PRIMARY KEY CHECK (one = 1),
    identity TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    head_position INTEGER NOT NULL,
    head_hash BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,  -- of the last entry; recording never goes back
    next_member INTEGER NOT NULL,
    next_name INTEGER NOT NULL
) STRICT;

CREATE TABLE program (             -- published versions, for ever as they were
    version INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    published_at INTEGER NOT NULL
) STRICT;

CREATE TABLE member (              -- member_id is empty once the member was erased
    number INTEGER PRIMARY KEY,
    member_id TEXT UNIQUE,
    name_number INTEGER NOT NULL UNIQUE,
    hidden INTEGER NOT NULL DEFAULT 0,
    enrolled_at INTEGER NOT NULL
) STRICT;

CREATE TABLE contact (             -- personal data, apart from everything else
    member INTEGER PRIMARY KEY REFERENCES member,
    email TEXT NOT NULL
) STRICT;

CREATE TABLE balance (             -- sums of entries
    member INTEGER PRIMARY KEY REFERENCES member,
    balance INTEGER NOT NULL,
    earned INTEGER NOT NULL,
    score INTEGER NOT NULL
) STRICT;

CREATE TABLE accepted (            -- every document ever taken: this is what makes accepting idempotent for ever
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    member INTEGER REFERENCES member,  -- empty: a refund that came before its order
    fingerprint BLOB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('accepted', 'waiting', 'awarded', 'quarantined')),
    position INTEGER,                  -- the first entry that it led to
    accepted_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accepted_document ON accepted (source, id, kind);

CREATE TABLE inbox (               -- documents not yet awarded: ready, waiting for their order, or in quarantine
    sequence INTEGER PRIMARY KEY REFERENCES accepted,
    state TEXT NOT NULL CHECK (state IN ('ready', 'waiting', 'quarantined', 'dropped')),
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    member_id TEXT,                -- only while the member is not enrolled
    order_id TEXT,
    changed_at INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    content BLOB NOT NULL,
    raw BLOB NOT NULL
) STRICT;
CREATE INDEX inbox_ready ON inbox (sequence) WHERE state = 'ready';
CREATE INDEX inbox_waiting ON inbox (source, order_id, sequence) WHERE state = 'waiting';
CREATE INDEX inbox_waiting_since ON inbox (changed_at) WHERE state = 'waiting';
CREATE INDEX inbox_quarantined ON inbox (sequence) WHERE state = 'quarantined';

CREATE TABLE entry (               -- the ledger itself; the chained hash covers every column
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    member INTEGER NOT NULL REFERENCES member,
    points INTEGER NOT NULL,
    currency TEXT,
    amount INTEGER,
    source TEXT,
    order_id TEXT,
    refund_id TEXT,
    reason TEXT NOT NULL,
    program_version INTEGER,
    name_number INTEGER,
    actor TEXT,
    occurred_at INTEGER NOT NULL,
    board_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX entry_member ON entry (member, position);

CREATE TABLE award (               -- what an order earned, and what of it is left to refund
    source TEXT NOT NULL,
    order_id TEXT NOT NULL,
    member INTEGER NOT NULL REFERENCES member,
    program_version INTEGER NOT NULL REFERENCES program,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    left_amount INTEGER NOT NULL,
    points INTEGER NOT NULL,
    reversed INTEGER NOT NULL,
    board_at INTEGER NOT NULL,
    PRIMARY KEY (source, order_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE milestone (           -- one row for each (member, milestone), ever
    member INTEGER NOT NULL REFERENCES member,
    name TEXT NOT NULL,
    points INTEGER NOT NULL,
    reached_at INTEGER NOT NULL,
    quiet INTEGER NOT NULL,
    PRIMARY KEY (member, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries never change'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries never change'); END;
CREATE TRIGGER program_is_never_changed BEFORE UPDATE ON program
BEGIN SELECT RAISE(ABORT, 'a published program never changes'); END;
CREATE TRIGGER program_is_never_deleted BEFORE DELETE ON program
BEGIN SELECT RAISE(ABORT, 'a published program never changes'); END;
CREATE TRIGGER accepted_is_never_forgotten BEFORE DELETE ON accepted
BEGIN SELECT RAISE(ABORT, 'an accepted document is remembered for ever'); END;
CREATE TRIGGER member_is_never_deleted BEFORE DELETE ON member
BEGIN SELECT RAISE(ABORT, 'a member number is never used again'); END;
