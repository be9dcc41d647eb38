-- Messages that a milestone decided, in the transaction that decided it. They hold no address: that is the contact's.

CREATE TABLE message (
    id TEXT PRIMARY KEY,               -- its Message-ID, the same however often it is tried
    member INTEGER NOT NULL REFERENCES member,
    milestone TEXT NOT NULL,
    points INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('due', 'held', 'sent', 'undeliverable', 'dropped')),  -- held: no address yet
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',
    UNIQUE (member, milestone)
) STRICT;
CREATE INDEX message_due ON message (due_at) WHERE state = 'due';
CREATE INDEX message_held ON message (created_at) WHERE state = 'held';
