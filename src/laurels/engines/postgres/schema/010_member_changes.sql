-- How often an id came to mean another member, or nobody: whoever accepts remembers members, and looks at each of them again
-- only when this has moved. Ranges of entries belong to whom the entries belong to, and lie beside them.

CREATE TABLE member_change (       -- a row for each erasure and each merge, in the order in which they were committed
    number bigint PRIMARY KEY
);
INSERT INTO member_change (number) VALUES (0);

-- One transaction at a time, so that the highest number that is seen stands for all that was committed. Rows are only added:
-- one row that is updated would be scanned past its dead ones for as long as anybody has an old snapshot.
CREATE FUNCTION note_member_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('member_change', 1279350124));
    EXECUTE format('INSERT INTO %1$I.member_change (number) SELECT coalesce(max(number), 0) + 1 FROM %1$I.member_change', TG_TABLE_SCHEMA);
    RETURN NULL;
END $$;
CREATE TRIGGER note_member_change AFTER UPDATE OF member_id, merged_into ON member FOR EACH ROW
    WHEN ((OLD.member_id, OLD.merged_into) IS DISTINCT FROM (NEW.member_id, NEW.merged_into)) EXECUTE FUNCTION note_member_change();

CREATE OR REPLACE FUNCTION add_entry_range(s int, n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    home regnamespace;
    owner name;
    leaf text;
BEGIN
    SELECT relnamespace, pg_get_userbyid(relowner) INTO home, owner FROM pg_class WHERE oid = 'entry'::regclass;
    leaf := format('%s.entry_%s_%s', home, s, n);
    PERFORM pg_advisory_xact_lock(hashtextextended(leaf, 1279350124));  -- others make it at the same moment
    IF to_regclass(leaf) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %s (LIKE %s.entry INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION)', leaf, home);
    IF owner <> current_user THEN  -- else whoever owns the entries could not migrate them any more
        EXECUTE format('ALTER TABLE %s OWNER TO %I', leaf, owner);
    END IF;
    EXECUTE format('ALTER TABLE %s.entry_%s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', home, s, leaf, n * 100000000, (n + 1) * 100000000);
    EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s.never_changes()', leaf, home);
END $$;
