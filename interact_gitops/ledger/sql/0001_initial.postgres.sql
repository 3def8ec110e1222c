-- Times are UTC text of one width (2026-11-23T07:00:00.000Z): text order is time order. Flags are 0 or 1.
-- Lease times are seconds of the database's own clock. Everything stands in a schema of its own, by search_path.

CREATE TABLE targets (
  id           INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         TEXT COLLATE "C" NOT NULL UNIQUE,
  held_at      TEXT COLLATE "C",
  held_by      TEXT COLLATE "C",
  held_reason  TEXT COLLATE "C"
);

-- One row per job that was ever decided, run or paused; its lock is what orders claims and decisions.
CREATE TABLE jobs (
  target        INTEGER NOT NULL REFERENCES targets (id),
  job           TEXT COLLATE "C" NOT NULL,
  schedule      TEXT COLLATE "C",
  decided_until TEXT COLLATE "C",
  paused_at     TEXT COLLATE "C",
  paused_by     TEXT COLLATE "C",
  paused_reason TEXT COLLATE "C",
  failures      INTEGER NOT NULL DEFAULT 0,
  succeeded_at  TEXT COLLATE "C",
  pruned_until  TEXT COLLATE "C",
  PRIMARY KEY (target, job)
);

CREATE TABLE runs (
  seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target          INTEGER NOT NULL REFERENCES targets (id),
  key             TEXT COLLATE "C" NOT NULL,
  job             TEXT COLLATE "C" NOT NULL,
  kind            TEXT COLLATE "C" NOT NULL CHECK (kind IN ('schedule', 'manual', 'api', 'backfill')),
  occurrence      TEXT COLLATE "C",
  scheduled_at    TEXT COLLATE "C" NOT NULL,
  due_at          TEXT COLLATE "C" NOT NULL,
  start_by        TEXT COLLATE "C",
  alarm_at        TEXT COLLATE "C",
  priority        INTEGER NOT NULL,
  line_up         TEXT COLLATE "C" NOT NULL CHECK (line_up IN ('skip', 'queue_one', 'allow', 'serial')),
  exclusive       INTEGER NOT NULL,
  fan_out         INTEGER NOT NULL,
  max_parallel    INTEGER,
  timeout         INTEGER NOT NULL,
  max_attempts    INTEGER NOT NULL,
  backoff         INTEGER NOT NULL,
  definition_hash TEXT COLLATE "C" NOT NULL,
  git_commit      TEXT COLLATE "C",
  requested_by    TEXT COLLATE "C",
  created_at      TEXT COLLATE "C" NOT NULL,
  state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('planned', 'claimed', 'sending', 'triggered', 'running', 'succeeded',
                    'failed', 'cancelled', 'timed_out', 'missed', 'skipped_overlap', 'needs_operator')),
  attempt         INTEGER NOT NULL,
  retrying        INTEGER NOT NULL,
  fence           BIGINT NOT NULL,
  owner           TEXT COLLATE "C",
  leased_until    TEXT COLLATE "C",
  payload         TEXT COLLATE "C",
  remote_job      TEXT COLLATE "C",
  sent_at         TEXT COLLATE "C",
  send_by         TEXT COLLATE "C",
  triggered_at    TEXT COLLATE "C",
  ended_at        TEXT COLLATE "C",
  reason          TEXT COLLATE "C",
  in_the_way      TEXT COLLATE "C",
  cancel_at       TEXT COLLATE "C",
  cancel_by       TEXT COLLATE "C",
  cancel_reason   TEXT COLLATE "C",
  lease_epoch     TEXT COLLATE "C",
  lease_until     DOUBLE PRECISION,
  in_way          INTEGER GENERATED ALWAYS AS (CASE WHEN state IN ('claimed', 'sending', 'triggered', 'running')
                    OR (state = 'planned' AND retrying = 1) THEN 1 ELSE 0 END) STORED,
  UNIQUE (target, key)
);
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
  run        BIGINT NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
  ordinal    INTEGER NOT NULL,
  parameters TEXT COLLATE "C" NOT NULL,
  state      TEXT COLLATE "C" NOT NULL,
  attempt    INTEGER NOT NULL,
  chat       TEXT COLLATE "C",
  error      TEXT COLLATE "C",
  ended_at   TEXT COLLATE "C",
  PRIMARY KEY (run, ordinal)
);

-- A chat belongs to one run: two runs never adopt the same.
CREATE TABLE chats (
  target  INTEGER NOT NULL REFERENCES targets (id),
  chat    TEXT COLLATE "C" NOT NULL,
  run     BIGINT NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  PRIMARY KEY (target, chat)
);
CREATE INDEX chats_of_run ON chats (run);

CREATE TABLE transitions (
  seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run      BIGINT NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
  at       TEXT COLLATE "C" NOT NULL,
  was      TEXT COLLATE "C",
  state    TEXT COLLATE "C" NOT NULL,
  attempt  INTEGER NOT NULL,
  fence    BIGINT NOT NULL,
  by_whom  TEXT COLLATE "C" NOT NULL,
  reason   TEXT COLLATE "C"
);
CREATE INDEX transitions_of_run ON transitions (run, seq);

CREATE TABLE notices (
  seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target      INTEGER NOT NULL REFERENCES targets (id),
  id          TEXT COLLATE "C" NOT NULL,
  channel     TEXT COLLATE "C" NOT NULL,
  topic       TEXT COLLATE "C" NOT NULL,
  body        TEXT COLLATE "C" NOT NULL,
  run_key     TEXT COLLATE "C",
  created_at  TEXT COLLATE "C" NOT NULL,
  due_at      TEXT COLLATE "C" NOT NULL,
  tries       INTEGER NOT NULL DEFAULT 0,
  owner       TEXT COLLATE "C",
  lease_epoch TEXT COLLATE "C",
  lease_until DOUBLE PRECISION,
  leased_until TEXT COLLATE "C",
  outcome     TEXT COLLATE "C" CHECK (outcome IN ('told', 'given_up')),
  error       TEXT COLLATE "C",
  settled_at  TEXT COLLATE "C",
  UNIQUE (target, id)
);
CREATE INDEX notices_to_send ON notices (target, seq) WHERE outcome IS NULL;
CREATE INDEX notices_of_run ON notices (target, run_key);
