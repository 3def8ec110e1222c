-- Who is signed in to the pages. `password` is a mark of the password that was given: with another, nobody is.
CREATE TABLE sessions (
  digest       BLOB PRIMARY KEY,
  password     TEXT NOT NULL,
  signed_in_at TEXT NOT NULL,
  expires_at   TEXT NOT NULL
) STRICT;
