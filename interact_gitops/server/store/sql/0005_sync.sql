-- What the sync loops said of themselves last, for people: one row for each ownership mark.

CREATE TABLE sync_standings (
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  managed_by      TEXT NOT NULL,
  standing        TEXT NOT NULL,
  reported_at     TEXT NOT NULL,
  PRIMARY KEY (organisation_id, managed_by)
) STRICT, WITHOUT ROWID;
