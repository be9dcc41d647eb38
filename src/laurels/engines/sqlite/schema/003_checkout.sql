-- Intents of the checkout: what is to be paid, noted before any money moves, and for ever how it ended.

CREATE TABLE intent (
    order_id TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'success', 'failure')),
    member_id TEXT,                        -- the buyer, while it is under way
    member INTEGER REFERENCES member,      -- a buyer who was erased while it was under way
    content BLOB NOT NULL,                 -- the order without its buyer, while it is under way
    total INTEGER NOT NULL,
    currency TEXT NOT NULL,
    method TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    reference TEXT,                        -- the provider's name for the payment
    reason TEXT                            -- why it failed
) STRICT, WITHOUT ROWID;
CREATE INDEX intent_under_way ON intent (begun_at, order_id) WHERE state IN ('open', 'paid');
CREATE INDEX intent_buyer ON intent (member_id) WHERE member_id IS NOT NULL;

CREATE TRIGGER intent_is_never_forgotten BEFORE DELETE ON intent
BEGIN SELECT RAISE(ABORT, 'an intent is remembered for ever'); END;
CREATE TRIGGER intent_ends_once BEFORE UPDATE ON intent WHEN OLD.state IN ('success', 'failure')
BEGIN SELECT RAISE(ABORT, 'what became of an intent never changes'); END;
