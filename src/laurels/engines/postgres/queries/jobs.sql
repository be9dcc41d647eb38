-- Statements of jobs. One line of purpose over each.

-- name: insert_job
-- Keep a job.
INSERT INTO job (kind, state, actor, digest, about, total, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING number;

-- name: open_job
-- The job of a digest that has not ended.
SELECT number FROM job WHERE digest = $1 AND state IN ('proposed', 'ready', 'running');

-- name: write_job_content!
-- Keep what a job works on, or what it gave.
INSERT INTO job_content VALUES ($1, $2, $3) ON CONFLICT (number, what) DO UPDATE SET kept = excluded.kept;

-- name: replace_job_content
-- Other content than what a job works on, where that is as it was read.
UPDATE job_content SET kept = $2 WHERE number = $1 AND what = 'content' AND kept = $3 RETURNING number;

-- name: drop_job_content!
-- Let go of what a job worked on.
DELETE FROM job_content WHERE number = $1 AND what = 'content';

-- name: job_content
-- What a job works on, or what it gave.
SELECT kept FROM job_content WHERE number = $1 AND what = $2;

-- name: job
-- A job.
SELECT number, kind, state, actor, approver, digest, about, total, done, tally, error, stopping, fence, created_at,
       decided_at, ended_at, EXISTS (SELECT FROM job_content c WHERE c.number = job.number AND c.what = 'file')
           OR (state = 'done' AND EXISTS (SELECT FROM job_part p WHERE p.number = job.number))
FROM job WHERE number = $1;

-- name: lock_job
-- A job, kept from changing.
SELECT number, kind, state, actor, approver, digest, about, total, done, tally, error, stopping, fence, created_at,
       decided_at, ended_at, EXISTS (SELECT FROM job_content c WHERE c.number = job.number AND c.what = 'file')
           OR (state = 'done' AND EXISTS (SELECT FROM job_part p WHERE p.number = job.number))
FROM job WHERE number = $1 FOR UPDATE;

-- name: jobs
-- Jobs before one, newest first, in some states, perhaps of one kind.
SELECT number, kind, state, actor, approver, digest, about, total, done, tally, error, stopping, fence, created_at,
       decided_at, ended_at, EXISTS (SELECT FROM job_content c WHERE c.number = job.number AND c.what = 'file')
           OR (state = 'done' AND EXISTS (SELECT FROM job_part p WHERE p.number = job.number))
FROM job WHERE number < $1 AND state = ANY ($2::text[]) AND ($4::text IS NULL OR kind = $4)
ORDER BY number DESC LIMIT $3;

-- name: decide_job!
-- Somebody decided on a proposal.
UPDATE job SET state = $2, approver = $3, decided_at = $4, ended_at = $5 WHERE number = $1;

-- name: stop_job!
-- A job is to be stopped, or is: where nobody works on it.
UPDATE job SET stopping = true, state = CASE WHEN state = 'running' THEN state ELSE 'stopped' END,
               ended_at = CASE WHEN state = 'running' THEN NULL ELSE $2::bigint END
WHERE number = $1 AND state IN ('proposed', 'ready', 'running');

-- name: any_free_job
-- Whether there is a job that nobody works on.
SELECT EXISTS (SELECT FROM job WHERE state = 'ready' OR (state = 'running' AND until <= now()));

-- name: take_job
-- Take the oldest job that nobody works on.
UPDATE job SET state = 'running', owner = $1, until = now() + $2::interval, fence = fence + 1
WHERE number = (SELECT number FROM job WHERE state = 'ready' OR (state = 'running' AND until <= now())
                ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING number;

-- name: note_job
-- Renew the lease of a job and note how far it is; nothing where it is another's.
UPDATE job SET until = now() + $3::interval, done = $4, total = $5, tally = coalesce($6, tally)
WHERE number = $1 AND fence = $2 AND state = 'running' RETURNING stopping;

-- name: end_job
-- End a job; nothing where it is another's.
UPDATE job SET state = $3, done = $4, total = $5, tally = $6, error = $7, ended_at = $8
WHERE number = $1 AND fence = $2 AND state = 'running' RETURNING number;

-- name: end_old_proposals!
-- Proposals that are too old are over.
UPDATE job SET state = 'rejected', ended_at = $2 WHERE state = 'proposed' AND created_at < $1;

-- name: forget_job_contents
-- Let go of what jobs gave that ended before an instant, and of what proposals that are over would have worked on.
DELETE FROM job_content WHERE number IN (SELECT number FROM job WHERE ended_at < $1)
   OR (what = 'content' AND number IN (SELECT number FROM job WHERE state IN ('rejected', 'stopped'))) RETURNING number;

-- name: add_job_part!
-- Keep a piece of what a job gives, behind those before it.
INSERT INTO job_part
SELECT $1::bigint, coalesce(max(part), 0) + 1, $2::bytea FROM job_part WHERE number = $1::bigint;

-- name: job_part
-- A piece of what a job gave.
SELECT kept FROM job_part WHERE number = $1 AND part = $2;

-- name: drop_job_parts!
-- Let go of the pieces of a job: it did not come to its end, or gave something else in their place.
DELETE FROM job_part WHERE number = $1;

-- name: forget_job_parts
-- Let go of the pieces that jobs gave that ended before an instant.
DELETE FROM job_part WHERE number IN (SELECT number FROM job WHERE ended_at < $1) RETURNING number;

-- name: numbers_called
-- Who has some ids, or who that one became.
SELECT m.member_id, coalesce(m.merged_into, m.number) FROM unnest($1::smallint[], $2::text[]) AS u(shard, id)
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = u.shard AND member.member_id = u.id LIMIT 1) m;

-- name: ids_by_number
-- The ids of members by their numbers, and who each is now. Costs a look into every shard for each.
SELECT m.number, m.member_id, coalesce(m.merged_into, m.number) FROM unnest($1::int[]) AS u(number) CROSS JOIN generate_series(0, 15) AS s
JOIN LATERAL (SELECT number, member_id, merged_into FROM member WHERE member.shard = s AND member.number = u.number LIMIT 1) m ON true
WHERE m.member_id IS NOT NULL;

-- name: known_documents
-- Which of some ids documents of a source have.
SELECT d.id FROM unnest($3::smallint[], $4::text[]) AS u(home, id)
JOIN document d ON d.home = u.home AND d.source = $1 AND d.kind = $2::"char" AND d.id = u.id;
