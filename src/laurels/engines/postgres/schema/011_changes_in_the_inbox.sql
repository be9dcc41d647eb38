-- Whoever awards orders looks whether changes of them lie in the inbox, where there are hardly ever any: an index of those
-- alone, or all of the inbox would be walked through, with what was taken and nobody may vacuum yet.
CREATE INDEX inbox_changes ON inbox (order_source, order_id) WHERE kind = 'm';
