-- Who is applying what one owner manages: at most one at a time, by the primary key. A row outlives its lease until
-- somebody takes it over, so that a holder who was late can go on when nobody did.

CREATE TABLE locks (
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  managed_by      TEXT NOT NULL,
  id              TEXT NOT NULL UNIQUE,
  holder          TEXT NOT NULL,
  request_key     TEXT,
  request_digest  TEXT NOT NULL,
  created_at      TEXT NOT NULL,
  expires_at      TEXT NOT NULL,
  PRIMARY KEY (organisation_id, managed_by)
) STRICT, WITHOUT ROWID;
