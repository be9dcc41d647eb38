-- Work that takes long, and changes that a second person has to approve.

CREATE TABLE job (
    number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'ready', 'running', 'done', 'failed', 'stopped', 'rejected')),
    actor text NOT NULL,
    approver text,                  -- who decided on a proposal
    digest text NOT NULL,           -- of what is to be done
    about bytea NOT NULL,           -- what is told of it
    total bigint NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    tally bytea NOT NULL DEFAULT '',  -- what came of it so far
    error text NOT NULL DEFAULT '',
    stopping boolean NOT NULL DEFAULT false,
    fence bigint NOT NULL DEFAULT 0,  -- goes up with each change of hands
    owner text NOT NULL DEFAULT '',
    until timestamptz NOT NULL DEFAULT '-infinity',  -- by the server's clock
    created_at bigint NOT NULL,
    decided_at bigint,
    ended_at bigint
);
CREATE INDEX job_open ON job (number) WHERE state IN ('proposed', 'ready', 'running');
CREATE UNIQUE INDEX job_once ON job (digest) WHERE state IN ('proposed', 'ready', 'running');

CREATE TABLE job_content (          -- what a job works on, and what it gave
    number bigint NOT NULL,
    what text NOT NULL CHECK (what IN ('content', 'file')),
    kept bytea NOT NULL,
    PRIMARY KEY (number, what)
);
