-- Work that takes long, and changes that a second person has to approve.

CREATE TABLE job (
    number INTEGER PRIMARY KEY,     -- in order; a job's row is never deleted
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'ready', 'running', 'done', 'failed', 'stopped', 'rejected')),
    actor TEXT NOT NULL,
    approver TEXT,                  -- who decided on a proposal
    digest TEXT NOT NULL,           -- of what is to be done
    about BLOB NOT NULL,            -- what is told of it
    total INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    tally BLOB NOT NULL DEFAULT x'',  -- what came of it so far
    error TEXT NOT NULL DEFAULT '',
    stopping INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,  -- goes up with each change of hands
    owner TEXT NOT NULL DEFAULT '',
    until INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    decided_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX job_open ON job (number) WHERE state IN ('proposed', 'ready', 'running');
CREATE UNIQUE INDEX job_once ON job (digest) WHERE state IN ('proposed', 'ready', 'running');

CREATE TABLE job_content (          -- what a job works on, and what it gave
    number INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('content', 'file')),
    kept BLOB NOT NULL,
    PRIMARY KEY (number, what)
) STRICT;
