-- Entries lie in ranges of 100 million positions of each shard. The next range is made here, half a range before it is needed,
-- by whoever awards. It is attached, which lets readers and writers go on; made as a partition at once it would not.

CREATE FUNCTION add_entry_range(s int, n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    leaf text := format('entry_%s_%s', s, n);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(leaf, 1279350124));  -- others make it at the same moment
    IF to_regclass(leaf) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %s (LIKE entry INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION)', leaf);
    EXECUTE format('ALTER TABLE entry_%s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', s, leaf, n * 100000000, (n + 1) * 100000000);
    EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION never_changes()', leaf);
END $$;
