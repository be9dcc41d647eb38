-- Which person looked at what and changed what; finding a redemption by its entry; and changes of orders that are not
-- awarded yet.

CREATE TABLE audit (               -- its end is its last row; who writes it holds the row of audit_cut
    position bigint PRIMARY KEY,   -- 1, 2, 3 …, without gaps
    at bigint NOT NULL,            -- never goes back
    sub text COLLATE "C" NOT NULL, -- the person, as the identity provider calls it
    name text NOT NULL,
    roles text NOT NULL,
    action text NOT NULL,
    member integer,                -- by number: it stays when the member is erased
    object text NOT NULL,
    outcome text NOT NULL,
    request_id text NOT NULL,
    hash bytea NOT NULL            -- chained
);
CREATE INDEX audit_member ON audit (member, position) WHERE member IS NOT NULL;
CREATE INDEX audit_sub ON audit (sub, position);

CREATE TABLE audit_cut (           -- one row: where what was let go of ends; changed by nothing but letting go
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL,
    hash bytea NOT NULL,
    at bigint NOT NULL
);
INSERT INTO audit_cut (position, hash, at) VALUES (0, '', 0);

CREATE FUNCTION audit_never_shrinks() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.position > (SELECT position FROM audit_cut) THEN
        RAISE EXCEPTION 'the audit log never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER never_changes BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION never_changes();
CREATE TRIGGER never_deleted BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_never_shrinks();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION never_changes();

CREATE TABLE redemption (          -- which redemption led to an entry: written at the right edge
    shard smallint NOT NULL,
    position bigint NOT NULL,
    sequence bigint NOT NULL,      -- the document's, and so the row of `award` that says what of it came back
    source text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, position)
);
INSERT INTO redemption (shard, position, sequence, source, id)
SELECT d.shard, a.position, d.sequence, d.source, d.id
FROM document d JOIN award a ON a.shard = d.shard AND a.sequence = d.sequence WHERE d.kind = 'e';

CREATE INDEX inbox_amendment ON inbox (order_source, order_id) WHERE kind = 'm';
