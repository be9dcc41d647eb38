-- Which entry passed a milestone, for whoever follows the feed. Of what was passed before this step it is not known.

ALTER TABLE milestone ADD COLUMN place bigint;
CREATE INDEX milestone_place ON milestone (place) WHERE place IS NOT NULL;
