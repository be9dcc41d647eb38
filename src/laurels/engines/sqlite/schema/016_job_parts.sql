-- What a job gives is kept piece by piece, each with how far the job was: it may be more than memory holds.

CREATE TABLE job_part (
    number INTEGER NOT NULL,        -- the job
    part INTEGER NOT NULL,          -- 1, 2, 3 …
    kept BLOB NOT NULL,
    PRIMARY KEY (number, part)
) STRICT;
