-- What tells the key of the proxy names from another one, what name is not given again, and members by their address.
--
-- Version 0.1 numbered names in order; those below `ledger.next_name` stay, and no other is given there.

ALTER TABLE ledger ADD COLUMN names_key BLOB;      -- the key's fingerprint; empty until a key is first shown
ALTER TABLE ledger ADD COLUMN names_since INTEGER NOT NULL DEFAULT 0;  -- who was named before, was not under this key

CREATE TABLE former_name (         -- name numbers that members bore before they were renamed
    name_number INTEGER PRIMARY KEY,
    member INTEGER NOT NULL REFERENCES member
) STRICT;

CREATE INDEX contact_email ON contact (email COLLATE NOCASE);

-- The ids of adjustments are keys that callers chose, perhaps a customer's id: of them a digest is kept.
UPDATE accepted SET id = lower(hex(keyed((SELECT secret FROM ledger), CAST(id AS BLOB)))) WHERE kind = 'adjustment';
