-- The ledger on PostgreSQL 15 and later. Instants are microseconds since 1970 (UTC), amounts are minor units, members are
-- numbers; kinds and states are letters (codes.py).
--
-- Nothing that is written often is updated in a place that others scan: heads are the last entries, and how far a document
-- got follows from where its row lies. A shard is a fixed function of the member's id, so that an id leads to its rows.
-- A place is a shard and a position in it as one number (shard * 2^40 + position).

CREATE TABLE ledger (              -- one row: who this ledger is; locked by who publishes or begins an epoch
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    identity text NOT NULL,
    epoch integer NOT NULL DEFAULT 1,
    created_at bigint NOT NULL,
    secret bytea NOT NULL,         -- keys the fingerprints of documents without a member
    names_key bytea,               -- the fingerprint of the proxy names' key; empty until one is first shown
    names_since bigint NOT NULL DEFAULT 0,  -- who was named before, was not under this key
    numbered_names integer NOT NULL DEFAULT 0,  -- below, names are numbered in order: those of version 0.1
    system_identifier bigint NOT NULL,
    timeline integer NOT NULL,     -- of the server on which the present epoch began
    home oid NOT NULL,             -- of this table then: a dump that was loaded lies in other ones
    moving_from text,              -- what of, while a ledger is being moved here: nobody opens it before all is there
    moved text,                    -- how much is there: the part, and how many of its rows
    schema_version integer NOT NULL
);

CREATE TABLE shard (               -- never updated: its row's lock orders a shard's writers
    shard smallint PRIMARY KEY
);

CREATE TABLE epoch (               -- epochs after the first: where each shard's feed was when it began
    epoch integer NOT NULL,
    shard smallint NOT NULL,
    position bigint NOT NULL,
    hash bytea NOT NULL,
    began_at bigint NOT NULL,
    PRIMARY KEY (epoch, shard)
);

CREATE TABLE lease (               -- whose turn it is to award a shard; a fence for each change of hands
    shard smallint PRIMARY KEY,
    owner text NOT NULL DEFAULT '',
    fence bigint NOT NULL DEFAULT 0,
    until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 10);

CREATE TABLE awarder (             -- the processes that award: each has an equal share of the shards
    owner text PRIMARY KEY,
    until timestamptz NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE follower (            -- how far each target of events got in the feed
    target text NOT NULL,
    shard smallint NOT NULL,
    position bigint NOT NULL,      -- of the last entry that went there
    hash bytea NOT NULL,
    PRIMARY KEY (target, shard)
);

CREATE TABLE follower_lease (      -- one process at a time sends to a target, so that a member's events stay in order
    target text PRIMARY KEY,
    owner text NOT NULL,
    until timestamptz NOT NULL
);

CREATE TABLE budget (              -- what is used of campaigns' budgets, in the program's own units
    name text PRIMARY KEY,
    used bigint NOT NULL
);

CREATE TABLE attribute (           -- what the shop says of a member: personal data, erased with the member
    member integer PRIMARY KEY,
    content bytea NOT NULL
);

CREATE TABLE program (             -- published versions, for ever as they were
    version integer PRIMARY KEY,
    text text NOT NULL,
    published_at bigint NOT NULL,
    from_at bigint,                -- in force from this instant; the first one always was
    actor text
);

CREATE TABLE draft (               -- programs that were handed in and are not, or not yet, in force
    digest text PRIMARY KEY,
    version integer NOT NULL,
    text text NOT NULL,
    submitted_by text NOT NULL,
    submitted_at bigint NOT NULL,
    approved_by text,
    approved_at bigint
);

CREATE SEQUENCE member_number AS integer MINVALUE 0 START 0;
CREATE SEQUENCE document_sequence;

CREATE TABLE member (              -- member_id is empty once the member was erased
    shard smallint NOT NULL,
    number integer NOT NULL,
    name_number integer NOT NULL,
    merged_into integer,           -- the member that it became one with, and that one's shard
    merged_shard smallint,
    hidden boolean NOT NULL DEFAULT false,
    enrolled_at bigint NOT NULL,
    position bigint,               -- of its enrolment's entry; empty until that is written
    member_id text COLLATE "C",
    secret bytea,                  -- keys its documents' fingerprints; gone once it was erased
    PRIMARY KEY (shard, number)
) PARTITION BY LIST (shard);
CREATE UNIQUE INDEX member_id ON member (shard, member_id);

CREATE TABLE name (                -- name numbers that members bear, or bore before they were renamed: given once
    name_number integer PRIMARY KEY,
    member integer NOT NULL
);

CREATE TABLE member_event (        -- where a member's events are in the feed, but its enrolment: point entries lead to each other
    shard smallint NOT NULL,
    member integer NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (shard, member, position)
);

CREATE TABLE merged (              -- who became whom, the other way round
    stays integer NOT NULL,
    gone integer NOT NULL,
    gone_shard smallint NOT NULL,
    PRIMARY KEY (stays, gone)
);
CREATE UNIQUE INDEX merged_gone ON merged (gone);

CREATE TABLE contact (             -- personal data, apart from everything else
    member integer PRIMARY KEY,
    email text NOT NULL
);
CREATE INDEX contact_email ON contact (lower(email COLLATE "C"));

CREATE TABLE balance (             -- sums of entries. Only unindexed columns change, so that every update is HOT
    shard smallint NOT NULL,
    member integer NOT NULL,
    balance integer NOT NULL,
    earned integer NOT NULL,
    score integer NOT NULL,
    month integer NOT NULL,        -- the newest month with a score (202611)
    month_score bigint NOT NULL,
    before_score bigint NOT NULL,  -- of the month before
    last_position bigint NOT NULL, -- of the member's newest point entry, where reading backwards begins
    state bytea,                   -- the program's, opaque
    PRIMARY KEY (shard, member)
) PARTITION BY LIST (shard);

CREATE TABLE closed_month (        -- scores of older months
    shard smallint NOT NULL,
    month integer NOT NULL,
    member integer NOT NULL,
    score bigint NOT NULL,
    PRIMARY KEY (shard, month, member)
);

CREATE TABLE document (            -- every document ever taken: this is what makes accepting idempotent for ever
    home smallint NOT NULL,        -- of its key: first byte of SHA-256 of kind, source and id, modulo 16
    kind "char" NOT NULL,
    shard smallint NOT NULL,       -- where its row of `inbox` and `award` lies: that of the member, or of whom that became
    member_shard smallint,
    member integer,                -- empty: of somebody who is not enrolled
    sequence bigint NOT NULL,      -- its place in the order of acceptance: in `inbox`, `aside` and `award`
    accepted_at bigint NOT NULL,
    fingerprint bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (home, source, kind, id)  -- as the shop spells them: ids that count up keep writing the same few pages
) PARTITION BY LIST (home);

CREATE TABLE inbox (               -- accepted, and nothing else
    shard smallint NOT NULL,
    sequence bigint NOT NULL,
    accepted_at bigint NOT NULL,
    ready_at bigint NOT NULL,      -- since when it is here; later than it was accepted where it was put back
    member integer,
    kind "char" NOT NULL,
    source text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    order_source text COLLATE "C",
    order_id text COLLATE "C",
    actor text,
    stranger bytea,                -- a keyed digest of the member's id, while that is nobody's
    content bytea NOT NULL,
    raw bytea NOT NULL,
    PRIMARY KEY (shard, sequence)
) PARTITION BY LIST (shard);
CREATE INDEX inbox_stranger ON inbox (stranger) WHERE stranger IS NOT NULL;

CREATE TABLE aside (               -- waiting for their order, in quarantine, or dropped: apart, so that nobody scans past them
    LIKE inbox,
    state "char" NOT NULL,
    reason text NOT NULL,
    changed_at bigint NOT NULL,
    PRIMARY KEY (sequence)
);
CREATE INDEX aside_waiting ON aside (order_source, order_id, sequence) WHERE state = 'w';
CREATE INDEX aside_waiting_since ON aside (shard, changed_at) WHERE state = 'w';
CREATE INDEX aside_quarantined ON aside (sequence) WHERE state = 'q';
CREATE INDEX aside_member ON aside (member);
CREATE INDEX aside_stranger ON aside (stranger) WHERE stranger IS NOT NULL;

CREATE TABLE entry (               -- the ledger itself
    shard smallint NOT NULL,
    format smallint NOT NULL,
    kind "char" NOT NULL,
    position bigint NOT NULL,
    previous bigint NOT NULL,      -- of the member's point entry before this one; 0: none, or no point entry
    occurred_at bigint NOT NULL,
    board_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    amount bigint,
    member integer NOT NULL,
    points integer NOT NULL,
    name_number integer,
    program_version integer,
    hash bytea NOT NULL,           -- of the entry before and of all columns but `previous`
    currency text COLLATE "C",
    source text COLLATE "C",
    order_id text COLLATE "C",
    refund_id text COLLATE "C",
    actor text,
    details bytea,                 -- JSON by kind
    PRIMARY KEY (shard, position)
) PARTITION BY LIST (shard);

CREATE TABLE was (                 -- entries that were moved here: which they were, for who checks the old chain
    old_shard smallint NOT NULL,
    old_position bigint NOT NULL,
    shard smallint NOT NULL,
    position bigint NOT NULL,
    format smallint NOT NULL,
    reason text NOT NULL,          -- under its hash in format 1
    PRIMARY KEY (old_shard, old_position)
);

CREATE TABLE remark (              -- people's words about an entry: personal data, erased with the member
    shard smallint NOT NULL,
    position bigint NOT NULL,
    reason text NOT NULL,          -- for colleagues
    note text NOT NULL,            -- for the customer
    PRIMARY KEY (shard, position)
);

CREATE TABLE content (             -- what a document said that led to an entry, without who; kept for a time
    shard smallint NOT NULL,
    position bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (shard, position)
) PARTITION BY LIST (shard);

CREATE TABLE award (               -- what a document led to; of an order also what is left to refund
    shard smallint NOT NULL,
    sequence bigint NOT NULL,      -- the document's: written at the right edge, whatever the shop's ids
    position bigint NOT NULL,      -- of its first entry
    amount bigint,
    left_amount bigint,
    board_at bigint,
    member integer,
    points integer,
    reversed integer NOT NULL DEFAULT 0,  -- of a redemption: what came back
    program_version integer,
    currency text COLLATE "C",
    frame bytea,                   -- all else that its points depend on; of a redemption, what of it can come back: opaque
    refunded bytea,                -- what was given back, and how: the program's, opaque
    places bigint[],               -- of an order's further entries
    PRIMARY KEY (shard, sequence)
) PARTITION BY LIST (shard);

CREATE TABLE milestone (           -- one row for each (member, milestone), ever
    member integer NOT NULL,
    name text NOT NULL,
    points integer NOT NULL,
    reached_at bigint NOT NULL,
    quiet boolean NOT NULL,
    PRIMARY KEY (member, name)
);

CREATE TABLE message (             -- of a milestone, decided with it; holds no address: that is the contact's
    id text COLLATE "C" PRIMARY KEY,  -- its Message-ID, the same however often it is tried
    shard smallint NOT NULL,       -- the member's
    member integer NOT NULL,
    milestone text NOT NULL,
    points integer NOT NULL,
    state text NOT NULL CHECK (state IN ('due', 'held', 'sent', 'undeliverable', 'dropped')),
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    note text NOT NULL DEFAULT '',
    UNIQUE (member, milestone)
);
CREATE INDEX message_due ON message (due_at) WHERE state = 'due';
CREATE INDEX message_held ON message (created_at) WHERE state = 'held';
CREATE INDEX message_created ON message (created_at, id);

CREATE TABLE due (                 -- what happens to a member by the clock
    shard smallint NOT NULL,
    at bigint NOT NULL,
    member integer NOT NULL,
    what bytea NOT NULL,
    PRIMARY KEY (shard, at, member, what)
);

CREATE TABLE intent (              -- the checkout's: noted before any money moves, and for ever how it ended
    source text COLLATE "C" NOT NULL,  -- the circle of ids that the order's is of
    order_id text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'paid', 'success', 'failure')),
    member_id text COLLATE "C",    -- the buyer, while it is under way
    member integer,                -- a buyer who was erased while it was under way
    content bytea NOT NULL,
    total bigint NOT NULL,
    currency text NOT NULL,
    method text NOT NULL,
    begun_at bigint NOT NULL,
    reference text,
    reason text,
    PRIMARY KEY (source, order_id)
);
CREATE INDEX intent_under_way ON intent (begun_at, source, order_id) WHERE state IN ('open', 'paid');
CREATE INDEX intent_buyer ON intent (member_id) WHERE member_id IS NOT NULL;

DO $$
BEGIN
    FOR s IN 0..15 LOOP
        EXECUTE format('CREATE TABLE document_%s PARTITION OF document FOR VALUES IN (%s)', s, s);
        EXECUTE format('CREATE TABLE member_%s PARTITION OF member FOR VALUES IN (%s)', s, s);
        EXECUTE format('CREATE TABLE balance_%s PARTITION OF balance FOR VALUES IN (%s) WITH (fillfactor = 85)', s, s);
        EXECUTE format('CREATE TABLE inbox_%s PARTITION OF inbox FOR VALUES IN (%s) WITH (autovacuum_vacuum_scale_factor = 0, '
                       'autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)', s, s);
        -- Ranges of positions below each shard: the next one is made long before it is needed, an old one is moved away whole.
        EXECUTE format('CREATE TABLE entry_%s PARTITION OF entry FOR VALUES IN (%s) PARTITION BY RANGE (position)', s, s);
        EXECUTE format('CREATE TABLE entry_%s_0 PARTITION OF entry_%s FOR VALUES FROM (0) TO (100000000)', s, s);
        EXECUTE format('CREATE TABLE content_%s PARTITION OF content FOR VALUES IN (%s)', s, s);
        EXECUTE format('CREATE TABLE award_%s PARTITION OF award FOR VALUES IN (%s) WITH (fillfactor = 95)', s, s);
        EXECUTE format('INSERT INTO shard (shard) VALUES (%s)', s);
        EXECUTE format('INSERT INTO lease (shard) VALUES (%s)', s);
    END LOOP;
END $$;

CREATE FUNCTION never_changes() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% never changes', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION never_changes();
CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON program FOR EACH ROW EXECUTE FUNCTION never_changes();
CREATE TRIGGER never_deleted BEFORE DELETE ON document FOR EACH ROW EXECUTE FUNCTION never_changes();
CREATE TRIGGER never_deleted BEFORE DELETE ON member FOR EACH ROW EXECUTE FUNCTION never_changes();
CREATE TRIGGER never_deleted BEFORE DELETE ON intent FOR EACH ROW EXECUTE FUNCTION never_changes();
-- A document is known for ever by what it was; it finds its member, once, and goes with that one when it becomes another.
CREATE TRIGGER never_changes BEFORE UPDATE ON document FOR EACH ROW
    WHEN ((OLD.home, OLD.kind, OLD.source, OLD.id, OLD.sequence, OLD.accepted_at)
          IS DISTINCT FROM (NEW.home, NEW.kind, NEW.source, NEW.id, NEW.sequence, NEW.accepted_at)
          OR OLD.member IS NOT NULL AND (OLD.member, OLD.member_shard, OLD.fingerprint)
             IS DISTINCT FROM (NEW.member, NEW.member_shard, NEW.fingerprint))
    EXECUTE FUNCTION never_changes();
CREATE TRIGGER ends_once BEFORE UPDATE ON intent FOR EACH ROW
    WHEN (OLD.state IN ('success', 'failure')) EXECUTE FUNCTION never_changes();
-- TRUNCATE asks triggers of a statement, which partitions do not inherit: one on each.
DO $$
DECLARE t regclass;
BEGIN
    FOR t IN SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace
             AND c.relkind IN ('r', 'p') AND c.relname ~ '^(entry|document|member|program|intent)(_[0-9]|$)' LOOP
        EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION never_changes()', t);
    END LOOP;
END $$;
