-- Members number what they buy and spend for themselves. Whoever is told such a number does not know whose it is, so that the
-- documents of those circles are found by their id alone; all others by their source and id.
CREATE INDEX accepted_own ON accepted (id) WHERE source >= 'member:' AND source < 'member;';
