-- What a job gives is kept piece by piece, each with how far the job was: it may be more than memory holds.

CREATE TABLE job_part (
    number bigint NOT NULL,         -- the job
    part integer NOT NULL,          -- 1, 2, 3 …
    kept bytea NOT NULL,
    PRIMARY KEY (number, part)
);
