-- Which person looked at what and changed what; and finding a redemption by its entry.

CREATE TABLE audit (
    position INTEGER PRIMARY KEY,  -- 1, 2, 3 …, without gaps
    at INTEGER NOT NULL,           -- never goes back
    sub TEXT NOT NULL,             -- the person, as the identity provider calls it
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    action TEXT NOT NULL,
    member INTEGER,                -- by number: it stays when the member is erased
    object TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT NOT NULL,
    hash BLOB NOT NULL             -- chained
) STRICT;
CREATE INDEX audit_member ON audit (member, position) WHERE member IS NOT NULL;
CREATE INDEX audit_sub ON audit (sub, position);

CREATE TABLE audit_head (          -- one row: where the log ends, and where what was let go of ends
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    cut_position INTEGER NOT NULL,
    cut_hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_head VALUES (1, 0, x'', 0, 0, x'');

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
WHEN OLD.position > (SELECT cut_position FROM audit_head)
BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END;

CREATE INDEX accepted_redemption ON accepted (place) WHERE kind = 'redemption';
