-- Who handed programs in, rehearsed and approved them.

CREATE TABLE program_event (       -- who writes it holds the row of `ledger`
    position bigint PRIMARY KEY,   -- 1, 2, 3 …, without gaps
    at bigint NOT NULL,            -- never goes back
    actor text NOT NULL,
    act text NOT NULL CHECK (act IN ('submit', 'rehearse', 'approve', 'publish', 'stop')),
    version integer NOT NULL,
    digest text NOT NULL,          -- of the program's bytes
    rehearsal text,                -- the digest of the rehearsal that was kept, or approved by
    content text,                  -- what the rehearsal found, or why a campaign was stopped
    hash bytea NOT NULL            -- chained
);
CREATE TRIGGER never_changes BEFORE UPDATE ON program_event FOR EACH ROW EXECUTE FUNCTION never_changes();
CREATE TRIGGER never_deleted BEFORE DELETE ON program_event FOR EACH ROW EXECUTE FUNCTION never_changes();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON program_event FOR EACH STATEMENT EXECUTE FUNCTION never_changes();
