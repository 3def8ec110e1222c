-- Times are UTC text of one width (2026-11-23T07:00:00.000Z): text order is time order. Flags are 0 or 1.
-- Lease times are seconds of a clock that nobody sets, named by its epoch (ledger/clock.py).

CREATE TABLE targets (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  held_at      TEXT,
  held_by      TEXT,
  held_reason  TEXT
) STRICT;

-- One row per job that was ever decided, run or paused; its lock is what orders claims and decisions.
CREATE TABLE jobs (
  target        INTEGER NOT NULL REFERENCES targets (id),
  job           TEXT NOT NULL,
  schedule      TEXT,
  decided_until TEXT,
  paused_at     TEXT,
  paused_by     TEXT,
  paused_reason TEXT,
  failures      INTEGER NOT NULL DEFAULT 0,
  succeeded_at  TEXT,
  pruned_until  TEXT,
  PRIMARY KEY (target, job)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  target          INTEGER NOT NULL REFERENCES targets (id),
  key             TEXT NOT NULL,
  job             TEXT NOT NULL,
  kind            TEXT NOT NULL CHECK (kind IN ('schedule', 'manual', 'api', 'backfill')),
  occurrence      TEXT,
  scheduled_at    TEXT NOT NULL,
  due_at          TEXT NOT NULL,
  start_by        TEXT,
  alarm_at        TEXT,
  priority        INTEGER NOT NULL,
  line_up         TEXT NOT NULL CHECK (line_up IN ('skip', 'queue_one', 'allow', 'serial')),
  exclusive       INTEGER NOT NULL,
  fan_out         INTEGER NOT NULL,
  max_parallel    INTEGER,
  timeout         INTEGER NOT NULL,
  max_attempts    INTEGER NOT NULL,
  backoff         INTEGER NOT NULL,
  definition_hash TEXT NOT NULL,
  git_commit      TEXT,
  requested_by    TEXT,
  created_at      TEXT NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('planned', 'claimed', 'sending', 'triggered', 'running', 'succeeded',
                    'failed', 'cancelled', 'timed_out', 'missed', 'skipped_overlap', 'needs_operator')),
  attempt         INTEGER NOT NULL,
  retrying        INTEGER NOT NULL,
  fence           INTEGER NOT NULL,
  owner           TEXT,
  leased_until    TEXT,
  payload         TEXT,
  remote_job      TEXT,
  sent_at         TEXT,
  send_by         TEXT,
  triggered_at    TEXT,
  ended_at        TEXT,
  reason          TEXT,
  in_the_way      TEXT,
  cancel_at       TEXT,
  cancel_by       TEXT,
  cancel_reason   TEXT,
  lease_epoch     TEXT,
  lease_until     REAL,
  in_way          INTEGER GENERATED ALWAYS AS (CASE WHEN state IN ('claimed', 'sending', 'triggered', 'running')
                    OR (state = 'planned' AND retrying = 1) THEN 1 ELSE 0 END) STORED,
  UNIQUE (target, key)
) STRICT;
-- Once only, as constraints: a key, an occurrence of a job, and one exclusive run of a job at a time.
CREATE UNIQUE INDEX one_run_per_occurrence ON runs (target, job, occurrence) WHERE occurrence IS NOT NULL;
CREATE UNIQUE INDEX one_exclusive_run ON runs (target, job) WHERE in_way = 1 AND exclusive = 1;
CREATE INDEX runs_in_way ON runs (target, job) WHERE in_way = 1;
CREATE INDEX runs_due ON runs (target, priority, due_at, seq) WHERE state = 'planned';
CREATE INDEX runs_in_line ON runs (target, job) WHERE state = 'planned';
CREATE INDEX runs_with_deadline ON runs (target, start_by) WHERE state = 'planned' AND start_by IS NOT NULL;
CREATE INDEX runs_at_work ON runs (target, seq) WHERE state IN ('claimed', 'sending', 'triggered', 'running');
CREATE INDEX runs_to_alarm ON runs (target, alarm_at) WHERE alarm_at IS NOT NULL;
CREATE INDEX runs_by_time ON runs (target, scheduled_at, seq);
CREATE INDEX runs_of_job ON runs (target, job, scheduled_at, seq);

CREATE TABLE parts (
  run        INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
  ordinal    INTEGER NOT NULL,
  parameters TEXT NOT NULL,
  state      TEXT NOT NULL,
  attempt    INTEGER NOT NULL,
  chat       TEXT,
  error      TEXT,
  ended_at   TEXT,
  PRIMARY KEY (run, ordinal)
) STRICT, WITHOUT ROWID;

-- A chat belongs to one run: two runs never adopt the same.
CREATE TABLE chats (
  target  INTEGER NOT NULL REFERENCES targets (id),
  chat    TEXT NOT NULL,
  run     INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  PRIMARY KEY (target, chat)
) STRICT, WITHOUT ROWID;
CREATE INDEX chats_of_run ON chats (run);

CREATE TABLE transitions (
  seq      INTEGER PRIMARY KEY,
  run      INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
  at       TEXT NOT NULL,
  was      TEXT,
  state    TEXT NOT NULL,
  attempt  INTEGER NOT NULL,
  fence    INTEGER NOT NULL,
  by_whom  TEXT NOT NULL,
  reason   TEXT
) STRICT;
CREATE INDEX transitions_of_run ON transitions (run, seq);

CREATE TABLE notices (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  target      INTEGER NOT NULL REFERENCES targets (id),
  id          TEXT NOT NULL,
  channel     TEXT NOT NULL,
  topic       TEXT NOT NULL,
  body        TEXT NOT NULL,
  run_key     TEXT,
  created_at  TEXT NOT NULL,
  due_at      TEXT NOT NULL,
  tries       INTEGER NOT NULL DEFAULT 0,
  owner       TEXT,
  lease_epoch TEXT,
  lease_until REAL,
  leased_until TEXT,
  outcome     TEXT CHECK (outcome IN ('told', 'given_up')),
  error       TEXT,
  settled_at  TEXT,
  UNIQUE (target, id)
) STRICT;
CREATE INDEX notices_to_send ON notices (target, seq) WHERE outcome IS NULL;
CREATE INDEX notices_of_run ON notices (target, run_key);
