-- Messages are listed oldest first, also those in one state: a page of them is read from where it begins.
CREATE INDEX message_state ON message (state, created_at, id);
