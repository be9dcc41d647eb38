-- Sums of the feed by day, for reports. All of it may be thrown away: it is made anew from the entries.

CREATE TABLE rollup (              -- one row: how the cells were made; '' where there are none
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    scheme text NOT NULL,
    due_at bigint NOT NULL         -- when it was looked what falls due
);
INSERT INTO rollup (scheme, due_at) VALUES ('', 0);

CREATE TABLE rollup_mark (         -- up to which entry of each shard the cells go
    shard smallint PRIMARY KEY,
    position bigint NOT NULL,
    hash bytea NOT NULL
);

CREATE TABLE rollup_cell (
    basis text COLLATE "C" NOT NULL,   -- the day of recording, or of occurrence
    day integer NOT NULL,              -- 20261124, by the program's zone
    kind text COLLATE "C" NOT NULL,
    part text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    market text COLLATE "C" NOT NULL,
    points bigint NOT NULL,
    entries bigint NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (basis, day, kind, part, source, market)
) WITH (fillfactor = 70);

CREATE TABLE rollup_member (       -- what counting a member's next entry needs
    number integer PRIMARY KEY,
    market text COLLATE "C" NOT NULL,
    tier text COLLATE "C" NOT NULL,
    active_on integer NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE rollup_due (
    what text COLLATE "C" NOT NULL,    -- pending, lapse
    day integer NOT NULL,
    points bigint NOT NULL,
    members bigint NOT NULL,
    PRIMARY KEY (what, day)
);
