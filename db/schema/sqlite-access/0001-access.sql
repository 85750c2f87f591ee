-- Who may what: sites, the keys of programs, and people. Secrets are not stored, their hashes are.
CREATE TABLE access_sites (
  site TEXT PRIMARY KEY,
  created_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE access_keys (
  id TEXT PRIMARY KEY,          -- Public.
  digest BLOB NOT NULL,         -- SHA-256 of the secret.
  role TEXT NOT NULL,           -- ingest, read or admin
  site TEXT NOT NULL,           -- '*' stands for all.
  name TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL,  -- 0: never.
  revoked_us INTEGER NOT NULL,  -- 0: it is not.
  rate INTEGER NOT NULL,        -- A second; 0: no limit of its own.
  used_day INTEGER NOT NULL) STRICT, WITHOUT ROWID;  -- Days since 1970; 0: never.

CREATE TABLE access_users (
  name TEXT PRIMARY KEY,
  password TEXT NOT NULL,       -- As argon2id made it.
  role TEXT NOT NULL,           -- read or admin
  site TEXT NOT NULL,           -- '*' stands for all.
  created_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE access_sessions (
  id TEXT PRIMARY KEY,          -- SHA-256 of what the browser has.
  name TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  used_day INTEGER NOT NULL) STRICT, WITHOUT ROWID;  -- Days since 1970.

-- Rises with each change of what a key may, so that nodes need not read it all to see one.
CREATE TABLE access_revision (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  revision INTEGER NOT NULL) STRICT;
INSERT INTO access_revision VALUES (1, 0);
INSERT INTO access_sites VALUES ('default', CAST(unixepoch() AS INTEGER) * 1000000);
