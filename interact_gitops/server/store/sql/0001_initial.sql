-- Times are UTC text of one width (2026-11-23T07:00:00.000Z): text order is time order.
-- `seq` is the order of creation, and what pages are cut by. Chats and what belongs to them are never deleted.

CREATE TABLE secrets (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT;

CREATE TABLE organisations (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE api_keys (
  id              TEXT PRIMARY KEY,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  name            TEXT NOT NULL,
  prefix          TEXT NOT NULL,
  digest          BLOB NOT NULL UNIQUE,
  permissions     TEXT NOT NULL,
  created_at      TEXT NOT NULL,
  last_used_at    TEXT
) STRICT;
CREATE INDEX api_keys_prefix ON api_keys (prefix);

CREATE TABLE jobs (
  seq              INTEGER PRIMARY KEY AUTOINCREMENT,
  id               TEXT NOT NULL UNIQUE,
  organisation_id  TEXT NOT NULL REFERENCES organisations (id),
  key              TEXT NOT NULL,
  agent_id         TEXT NOT NULL,
  definition       TEXT NOT NULL,
  definition_hash  TEXT NOT NULL,
  managed_by       TEXT,
  git_commit       TEXT,
  source_path      TEXT,
  applied_hash     TEXT,
  schedule_enabled INTEGER NOT NULL,
  paused_reason    TEXT,
  paused_at        TEXT,
  revision         INTEGER NOT NULL,
  created_at       TEXT NOT NULL,
  updated_at       TEXT NOT NULL,
  UNIQUE (organisation_id, key)
) STRICT;
CREATE INDEX jobs_in_order ON jobs (organisation_id, seq);

-- What is left of a deleted job.
CREATE TABLE tombstones (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  job_id          TEXT NOT NULL UNIQUE,
  key             TEXT NOT NULL,
  name            TEXT NOT NULL,
  agent_id        TEXT NOT NULL,
  managed_by      TEXT,
  applied_hash    TEXT,
  deleted_at      TEXT NOT NULL
) STRICT;
CREATE INDEX tombstones_in_order ON tombstones (organisation_id, seq);

-- One trigger: one chat, or one per combination. All that its chats need is frozen here and in them.
CREATE TABLE run_groups (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  id              TEXT NOT NULL UNIQUE,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  job_id          TEXT NOT NULL,
  run_key         TEXT NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('waiting', 'open', 'closed')),
  exclusive       INTEGER NOT NULL,
  fan_out         INTEGER NOT NULL,
  max_parallel    INTEGER NOT NULL,
  running         INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
  unfinished      INTEGER NOT NULL CHECK (unfinished >= 0),
  turn            INTEGER NOT NULL DEFAULT 0,
  timeout_seconds INTEGER NOT NULL,
  max_attempts    INTEGER NOT NULL,
  backoff_seconds INTEGER NOT NULL,
  run_trigger     TEXT NOT NULL,
  initiator       TEXT NOT NULL,
  scheduled_at    TEXT NOT NULL,
  run_date        TEXT NOT NULL,
  definition_hash TEXT NOT NULL,
  git_commit      TEXT,
  created_at      TEXT NOT NULL,
  closed_at       TEXT
) STRICT;
-- The overlap rule, as constraints: at most one run of a job that excludes others, at most one next in line.
CREATE UNIQUE INDEX one_run_at_a_time ON run_groups (job_id) WHERE state = 'open' AND exclusive = 1;
CREATE UNIQUE INDEX one_next_in_line ON run_groups (job_id) WHERE state = 'waiting';
CREATE INDEX run_groups_of_job ON run_groups (job_id, state);
CREATE INDEX run_groups_in_turn ON run_groups (turn, seq) WHERE state = 'open';

CREATE TABLE chats (
  seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
  id                  TEXT NOT NULL UNIQUE,
  organisation_id     TEXT NOT NULL REFERENCES organisations (id),
  group_seq           INTEGER NOT NULL REFERENCES run_groups (seq),
  job_id              TEXT NOT NULL,
  job_key             TEXT NOT NULL,
  job_name            TEXT NOT NULL,
  agent_id            TEXT NOT NULL,
  agent_slug          TEXT NOT NULL,
  agent_name          TEXT NOT NULL,
  combination         TEXT,
  parameters          TEXT NOT NULL,
  prompts             TEXT NOT NULL,
  status              TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
  attempt             INTEGER NOT NULL DEFAULT 0,
  ready_at            TEXT NOT NULL,
  cancel_requested_at TEXT,
  created_at          TEXT NOT NULL,
  started_at          TEXT,
  finished_at         TEXT,
  run_seconds         REAL NOT NULL DEFAULT 0,
  interrupted         INTEGER NOT NULL DEFAULT 0,
  error               TEXT,
  model               TEXT,
  input_tokens        INTEGER,
  output_tokens       INTEGER
) STRICT;
CREATE INDEX chats_in_order ON chats (organisation_id, seq);
CREATE INDEX chats_by_time ON chats (organisation_id, created_at);
CREATE INDEX chats_of_job ON chats (organisation_id, job_id, seq);
CREATE INDEX chats_of_agent ON chats (organisation_id, agent_id, seq);
CREATE INDEX chats_of_status ON chats (organisation_id, status, seq);
CREATE INDEX chats_of_group ON chats (group_seq, status, seq);
CREATE INDEX chats_in_line ON chats (ready_at) WHERE status = 'queued';
CREATE INDEX chats_at_work ON chats (seq) WHERE status = 'running';

CREATE TABLE attempts (
  chat_seq    INTEGER NOT NULL REFERENCES chats (seq),
  number      INTEGER NOT NULL,
  started_at  TEXT NOT NULL,
  finished_at TEXT,
  status      TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
  interrupted INTEGER NOT NULL DEFAULT 0,
  error       TEXT,
  PRIMARY KEY (chat_seq, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL,
  chat_seq   INTEGER NOT NULL REFERENCES chats (seq),
  attempt    INTEGER NOT NULL,
  role       TEXT NOT NULL CHECK (role IN ('user', 'agent')),
  query      TEXT,
  blocks     TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX messages_of_chat ON messages (chat_seq, seq);

-- Rows are kept once, by the digest of columns and rows that the documents carry.
CREATE TABLE row_sets (
  sha256 TEXT PRIMARY KEY,
  rows   TEXT NOT NULL
) STRICT;

CREATE TABLE documents (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  chat_seq   INTEGER NOT NULL REFERENCES chats (seq),
  attempt    INTEGER NOT NULL,
  sha256     TEXT NOT NULL REFERENCES row_sets (sha256),
  record     TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX documents_of_chat ON documents (chat_seq, seq);

-- The log: what notifications are made of.
CREATE TABLE events (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  topic           TEXT NOT NULL CHECK (topic IN ('completed_run', 'failed_run', 'anomaly')),
  level           TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  chat_seq        INTEGER NOT NULL REFERENCES chats (seq),
  attempt         INTEGER NOT NULL,
  message         TEXT NOT NULL,
  detail          TEXT,
  created_at      TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_chat ON events (chat_seq, seq);

-- A key is spent for ever, per organisation and scope (`jobs`, or a job's id).
CREATE TABLE idempotency (
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  scope           TEXT NOT NULL,
  key             TEXT NOT NULL,
  request_digest  TEXT NOT NULL,
  answer          TEXT,
  group_seq       INTEGER REFERENCES run_groups (seq),
  created_at      TEXT NOT NULL,
  PRIMARY KEY (organisation_id, scope, key),
  CHECK ((answer IS NULL) <> (group_seq IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE channels (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  id              TEXT NOT NULL UNIQUE,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  name            TEXT NOT NULL,
  type            TEXT NOT NULL CHECK (type IN ('email', 'slack', 'teams', 'webhook')),
  level           TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  topics          TEXT NOT NULL,
  receivers       TEXT NOT NULL,
  url             TEXT,
  secret          TEXT,
  managed_by      TEXT,
  revision        INTEGER NOT NULL,
  created_at      TEXT NOT NULL,
  updated_at      TEXT NOT NULL,
  UNIQUE (organisation_id, name)
) STRICT;
CREATE INDEX channels_in_order ON channels (organisation_id, seq);
