-- Messages are listed oldest first, all of them or those in one state: a page of them is read from where it begins.
CREATE INDEX message_created ON message (created_at, id);
CREATE INDEX message_state ON message (state, created_at, id);
