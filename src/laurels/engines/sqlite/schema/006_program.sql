-- What programs in depth need beside members' states and orders' frames: where the points of redemptions came from, what
-- is used of budgets, and what the shop says of members.

ALTER TABLE redemption ADD COLUMN spent BLOB;  -- what of it can come back, and into which lots: the program's, opaque

CREATE TABLE budget (              -- what is used of campaigns' budgets, in the program's own units
    name TEXT PRIMARY KEY,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attribute (           -- what the shop says of a member: personal data, erased with the member
    member INTEGER PRIMARY KEY REFERENCES member,
    content BLOB NOT NULL
) STRICT;
