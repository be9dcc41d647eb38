-- A ledger as schema 1 wrote it, with something of everything. Frozen: new schemas are tried on it.
BEGIN TRANSACTION;

CREATE TABLE accepted (            -- every document ever taken: this is what makes accepting idempotent for ever
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    member INTEGER REFERENCES member,  -- empty: a refund that came before its order
    fingerprint BLOB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('accepted', 'waiting', 'awarded', 'quarantined')),
    position INTEGER,                  -- the first entry that it led to
    accepted_at INTEGER NOT NULL
) STRICT;
INSERT INTO accepted VALUES(1,'order','shop','A1',1,X'330CCFE6C8069678AE4ADB885CC61631','awarded',4,1793530800000000);
INSERT INTO accepted VALUES(2,'order','shop','A2',2,X'96812DBBA76793E9AA86A1EFE7DF3A6E','awarded',5,1793530800000000);
INSERT INTO accepted VALUES(3,'refund','shop','R1',1,X'412B3F1C367CF92C090B478B4FC0DEE7','awarded',6,1793530800000000);
INSERT INTO accepted VALUES(4,'refund','shop','R2',NULL,X'843F72902EBFBEF8F6082C8BB36F1029','waiting',NULL,1793530800000000);
INSERT INTO accepted VALUES(5,'order','shop','A3',1,X'425850E172E51F1BCA6DAF6C07BEA8F1','quarantined',NULL,1793530800000000);
INSERT INTO accepted VALUES(6,'adjustment','clerk','J1',3,X'3389388F5ED1D0248147CBBCA703368D','awarded',8,1793530800000000);
INSERT INTO accepted VALUES(7,'redemption','shop','S1',2,X'8741659FFC57029295ACC3F54B76E8FA','awarded',9,1793530800000000);
INSERT INTO accepted VALUES(8,'order','shop','A4',1,X'1F60C4D8D43726D943C8826E9A6A3B85','accepted',NULL,1793530800000000);
CREATE UNIQUE INDEX accepted_document ON accepted (source, id, kind);
CREATE TRIGGER accepted_is_never_forgotten BEFORE DELETE ON accepted
BEGIN SELECT RAISE(ABORT, 'an accepted document is remembered for ever'); END;

CREATE TABLE award (               -- what an order earned, and what of it is left to refund
    source TEXT NOT NULL,
    order_id TEXT NOT NULL,
    member INTEGER NOT NULL REFERENCES member,
    program_version INTEGER NOT NULL REFERENCES program,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    left_amount INTEGER NOT NULL,
    points INTEGER NOT NULL,
    reversed INTEGER NOT NULL,
    board_at INTEGER NOT NULL,
    PRIMARY KEY (source, order_id)
) STRICT, WITHOUT ROWID;
INSERT INTO award VALUES('shop','A1',1,1,'GBP',2500,2000,3,1,1793530800000000);
INSERT INTO award VALUES('shop','A2',2,1,'GBP',101000,101000,101,0,1793530800000000);

CREATE TABLE balance (             -- sums of entries
    member INTEGER PRIMARY KEY REFERENCES member,
    balance INTEGER NOT NULL,
    earned INTEGER NOT NULL,
    score INTEGER NOT NULL
) STRICT;
INSERT INTO balance VALUES(1,2,2,2);
INSERT INTO balance VALUES(2,51,101,101);
INSERT INTO balance VALUES(3,7,0,7);

CREATE TABLE contact (             -- personal data, apart from everything else
    member INTEGER PRIMARY KEY REFERENCES member,
    email TEXT NOT NULL
) STRICT;
INSERT INTO contact VALUES(0,'eve@example.com');
INSERT INTO contact VALUES(1,'ann@example.com');

CREATE TABLE entry (               -- the ledger itself; the chained hash covers every column
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    member INTEGER NOT NULL REFERENCES member,
    points INTEGER NOT NULL,
    currency TEXT,
    amount INTEGER,
    source TEXT,
    order_id TEXT,
    refund_id TEXT,
    reason TEXT NOT NULL,
    program_version INTEGER,
    name_number INTEGER,
    actor TEXT,
    occurred_at INTEGER NOT NULL,
    board_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO entry VALUES(1,'enrol',0,0,NULL,NULL,NULL,NULL,NULL,'',NULL,0,'clerk',1793530800000000,1793530800000000,1793530800000000,X'B4E97652BDB9AD393ABB61EC837B058D587EE6DB60CAA62F8783FB44B09E471C');
INSERT INTO entry VALUES(2,'enrol',1,0,NULL,NULL,NULL,NULL,NULL,'',NULL,1,NULL,1793530800000000,1793530800000000,1793530800000000,X'74E6CF81299CBEDB3C0983B815D3D24CDD7959161890208DED7377DD84FBD452');
INSERT INTO entry VALUES(3,'enrol',2,0,NULL,NULL,NULL,NULL,NULL,'',NULL,2,NULL,1793530800000000,1793530800000000,1793530800000000,X'8E85D59C89766838E32E2DE69730F9D5124A031C999B7E8816A31EB3D71B9FEF');
INSERT INTO entry VALUES(4,'earn',1,3,'GBP',2500,'shop','A1',NULL,'25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)',1,NULL,NULL,1793530800000000,1793530800000000,1793530800000000,X'64F42D6D52C6B5C210F89EE0E11CC547E2B039445CCD264A3651CCF2425F671D');
INSERT INTO entry VALUES(5,'earn',2,101,'GBP',101000,'shop','A2',NULL,'1010.00 GBP / 10.00 = 101 -> 101 (half-up, version 1)',1,NULL,NULL,1793530800000000,1793530800000000,1793530800000000,X'12E142B5D796E8E8839BDDE0AD2E80D4163F8610385F8C9AF8F49E67255F6B31');
INSERT INTO entry VALUES(6,'reverse',1,-1,'GBP',500,'shop','A1','R1','5.00 GBP of the order refunded: 25.00 GBP earned 3, 20.00 GBP keeps 2 (half-up, version 1)',1,NULL,NULL,1793530800000000,1793530800000000,1793530800000000,X'AB47697BC156BC976D131CA51F79932DF39772C81D175B945BBED54830EBEE08');
INSERT INTO entry VALUES(7,'enrol',3,0,NULL,NULL,NULL,NULL,NULL,'',NULL,3,NULL,1793530800000000,1793530800000000,1793530800000000,X'3FE53A37CA48BB42D67C9BB5A0956381D3A4431F7CBEDCDCCF7B259F97AA73F7');
INSERT INTO entry VALUES(8,'adjust',3,7,NULL,NULL,'clerk',NULL,NULL,'goodwill',NULL,NULL,'clerk',1793530800000000,1793530800000000,1793530800000000,X'F663F9E63BBADF12D363BAFB793FD459F5D4021BAC78F4256C65A675A0FD0E0B');
INSERT INTO entry VALUES(9,'redeem',2,-50,NULL,NULL,'shop',NULL,NULL,'',NULL,NULL,NULL,1793530800000000,1793530800000000,1793530800000000,X'A6DB07BF9816AD91C9F61DA052D5CDFF26EE8500BE4DAEB77B4C8F599E4F110B');
INSERT INTO entry VALUES(10,'hide',2,0,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL,'clerk',1793530800000000,1793530800000000,1793530800000000,X'64184C8BD0FE35303005F3673337A3F1C93E626B961464001FDFF8B0DCB162C6');
INSERT INTO entry VALUES(11,'rename',0,0,NULL,NULL,NULL,NULL,NULL,'',NULL,4,'clerk',1793530800000000,1793530800000000,1793530800000000,X'1964FE3854F3C96AC41F29D5AB6D9864F260203EC61A1CD4B19C809C918F4663');
INSERT INTO entry VALUES(12,'erase',3,0,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL,'clerk',1793530800000000,1793530800000000,1793530800000000,X'211BA946C342BF4EDD99C094B9FC0A4DE9D6DCD46C06CB6850E548048FAC79D7');
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries never change'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries never change'); END;
CREATE INDEX entry_member ON entry (member, position);

CREATE TABLE inbox (               -- documents not yet awarded: ready, waiting for their order, or in quarantine
    sequence INTEGER PRIMARY KEY REFERENCES accepted,
    state TEXT NOT NULL CHECK (state IN ('ready', 'waiting', 'quarantined', 'dropped')),
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    member_id TEXT,                -- only while the member is not enrolled
    order_id TEXT,
    changed_at INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    content BLOB NOT NULL,
    raw BLOB NOT NULL
) STRICT;
INSERT INTO inbox VALUES(4,'waiting','refund','shop','R2','cy','A9',1793530800000000,'the order has not come yet',X'7B22736F75726365223A2273686F70222C22726566756E645F6964223A225232222C2263757272656E6379223A22474250222C22616D6F756E74223A3530302C226F726465725F6964223A224139227D',X'5232');
INSERT INTO inbox VALUES(5,'quarantined','order','shop','A3',NULL,'A3',1793530800000000,'the program (version 1) gives no points for JPY',X'7B22736F75726365223A2273686F70222C226F726465725F6964223A224133222C2263757272656E6379223A224A5059222C22746F74616C223A357D',X'00FF206173207265636569766564');
INSERT INTO inbox VALUES(8,'ready','order','shop','A4',NULL,'A4',1793530800000000,'',X'7B22736F75726365223A2273686F70222C226F726465725F6964223A224134222C2263757272656E6379223A22474250222C22746F74616C223A313030307D',X'4134');
CREATE INDEX inbox_quarantined ON inbox (sequence) WHERE state = 'quarantined';
CREATE INDEX inbox_ready ON inbox (sequence) WHERE state = 'ready';
CREATE INDEX inbox_waiting ON inbox (source, order_id, sequence) WHERE state = 'waiting';
CREATE INDEX inbox_waiting_since ON inbox (changed_at) WHERE state = 'waiting';

CREATE TABLE ledger (              -- one row: who this ledger is, and where its feed ends
    one INTEGER PRIMARY KEY CHECK (one = 1),
    identity TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    head_position INTEGER NOT NULL,
    head_hash BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,  -- of the last entry; recording never goes back
    next_member INTEGER NOT NULL,
    next_name INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES(1,'c9c2399396304e589dd3a0f147abe239',1,1795336777845951,12,X'211BA946C342BF4EDD99C094B9FC0A4DE9D6DCD46C06CB6850E548048FAC79D7',1793530800000000,4,5);

CREATE TABLE member (              -- member_id is empty once the member was erased
    number INTEGER PRIMARY KEY,
    member_id TEXT UNIQUE,
    name_number INTEGER NOT NULL UNIQUE,
    hidden INTEGER NOT NULL DEFAULT 0,
    enrolled_at INTEGER NOT NULL
) STRICT;
INSERT INTO member VALUES(0,'eve',4,0,1793530800000000);
INSERT INTO member VALUES(1,'ann',1,0,1793530800000000);
INSERT INTO member VALUES(2,'bob',2,1,1793530800000000);
INSERT INTO member VALUES(3,NULL,3,0,1793530800000000);
CREATE TRIGGER member_is_never_deleted BEFORE DELETE ON member
BEGIN SELECT RAISE(ABORT, 'a member number is never used again'); END;

CREATE TABLE milestone (           -- one row for each (member, milestone), ever
    member INTEGER NOT NULL REFERENCES member,
    name TEXT NOT NULL,
    points INTEGER NOT NULL,
    reached_at INTEGER NOT NULL,
    quiet INTEGER NOT NULL,
    PRIMARY KEY (member, name)
) STRICT, WITHOUT ROWID;
INSERT INTO milestone VALUES(2,'100-points',101,1793530800000000,0);

CREATE TABLE program (             -- published versions, for ever as they were
    version INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    published_at INTEGER NOT NULL
) STRICT;
INSERT INTO program VALUES(1,'# The default program: 1 point for every 10.00 of an order''s total.
# A published version never changes; to change a rule, change it here and raise the version.
version = 1
name = "1 point for every 10.00"
time_zone = "Europe/London"            # months of the boards begin and end here

[earn]
points = 1                             # this many points ...
per = { GBP = "10.00", EUR = "10.00" } # ... for every so much of the total; other currencies are quarantined
rounding = "half-up"                   # to whole points, once for each order: "half-up" or "floor"

[[milestones]]
name = "100-points"
above = 100                            # crossing from 100 or less to more than 100 sends one mail, ever
',1793530800000000);
CREATE TRIGGER program_is_never_changed BEFORE UPDATE ON program
BEGIN SELECT RAISE(ABORT, 'a published program never changes'); END;
CREATE TRIGGER program_is_never_deleted BEFORE DELETE ON program
BEGIN SELECT RAISE(ABORT, 'a published program never changes'); END;

-- For primary key autoincrements the next id to use is stored in
-- sqlite_sequence
DELETE FROM main.sqlite_sequence WHERE name='accepted';
INSERT INTO main.sqlite_sequence VALUES ('accepted', 8);

-- Database header
pragma user_version=1;
pragma application_id=1281455474;

COMMIT TRANSACTION;
