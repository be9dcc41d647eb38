-- Who handed programs in, rehearsed and approved them.

CREATE TABLE program_event (
    position INTEGER PRIMARY KEY,  -- 1, 2, 3 …, without gaps
    at INTEGER NOT NULL,           -- never goes back
    actor TEXT NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('submit', 'rehearse', 'approve', 'publish', 'stop')),
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,          -- of the program's bytes
    rehearsal TEXT,                -- the digest of the rehearsal that was kept, or approved by
    content TEXT,                  -- what the rehearsal found, or why a campaign was stopped
    hash BLOB NOT NULL             -- chained
) STRICT;

CREATE TRIGGER program_event_is_never_changed BEFORE UPDATE ON program_event
BEGIN SELECT RAISE(ABORT, 'what was done with programs never changes'); END;
CREATE TRIGGER program_event_is_never_deleted BEFORE DELETE ON program_event
BEGIN SELECT RAISE(ABORT, 'what was done with programs never changes'); END;
