-- Failed runs in a row, by job. Moves on with each run's end, in its transaction; a cancelled run changes nothing.
CREATE TABLE streaks (
  job_id   TEXT PRIMARY KEY,
  failures INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The outbox: a row per event and channel, written in the transaction of what it tells of, and never twice. What a
-- message says is read when it is sent: chats are permanent. `channel` is a name, as jobs attach it; the channel may
-- be made, changed or deleted until the message is sent.
CREATE TABLE deliveries (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  id              TEXT NOT NULL UNIQUE,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  event           TEXT NOT NULL,
  channel         TEXT NOT NULL,
  topic           TEXT NOT NULL,
  level           TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  group_seq       INTEGER REFERENCES run_groups (seq),
  remark          TEXT,
  failures        INTEGER NOT NULL DEFAULT 0,
  recovered_after INTEGER NOT NULL DEFAULT 0,
  state           TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dead')),
  tries           INTEGER NOT NULL DEFAULT 0,
  due_at          TEXT NOT NULL,
  give_up_at      TEXT NOT NULL,
  leased_until    TEXT,
  reached         TEXT NOT NULL DEFAULT '[]',
  error           TEXT,
  created_at      TEXT NOT NULL,
  settled_at      TEXT,
  UNIQUE (organisation_id, event, channel),
  CHECK ((group_seq IS NULL) <> (remark IS NULL))
) STRICT;
CREATE INDEX deliveries_in_order ON deliveries (organisation_id, state, seq);
CREATE INDEX deliveries_due ON deliveries (due_at, seq) WHERE state = 'waiting';

-- A kind of channel more; SQLite changes no CHECK in place.
CREATE TABLE channels_of_all_kinds (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  id              TEXT NOT NULL UNIQUE,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  name            TEXT NOT NULL,
  type            TEXT NOT NULL CHECK (type IN ('email', 'slack', 'teams', 'webhook', 'apprise')),
  level           TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  topics          TEXT NOT NULL,
  receivers       TEXT NOT NULL,
  url             TEXT,
  secret          TEXT,
  managed_by      TEXT,
  revision        INTEGER NOT NULL,
  created_at      TEXT NOT NULL,
  updated_at      TEXT NOT NULL,
  applied_hash    TEXT,
  UNIQUE (organisation_id, name)
) STRICT;
INSERT INTO channels_of_all_kinds
  SELECT seq, id, organisation_id, name, type, level, topics, receivers, url, secret, managed_by, revision, created_at,
         updated_at, applied_hash
  FROM channels;
DROP TABLE channels;
ALTER TABLE channels_of_all_kinds RENAME TO channels;
CREATE INDEX channels_in_order ON channels (organisation_id, seq);
