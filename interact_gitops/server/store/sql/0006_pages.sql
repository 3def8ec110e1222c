-- What the pages ask for of every job at once: its newest runs, and the newest occurrence that was started.
CREATE INDEX run_groups_by_job ON run_groups (job_id, seq);
CREATE INDEX run_groups_by_due ON run_groups (job_id, run_trigger, scheduled_at);

-- A schedule is expected to be kept from here on: what was due during a pause is not late.
ALTER TABLE jobs ADD COLUMN resumed_at TEXT;
