-- Who may what: sites, the keys of programs, and people. Secrets are not stored, their hashes are.
CREATE TABLE core.access_sites (
  site text COLLATE "C" PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE core.access_keys (
  id text COLLATE "C" PRIMARY KEY,     -- Public.
  digest bytea NOT NULL,               -- SHA-256 of the secret.
  role text NOT NULL,                  -- ingest, read or admin
  site text COLLATE "C" NOT NULL,      -- '*' stands for all.
  name text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,              -- NULL: never.
  revoked_at timestamptz,              -- NULL: it is not.
  rate int NOT NULL,                   -- A second; 0: no limit of its own.
  used_day int NOT NULL DEFAULT 0);    -- Days since 1970; 0: never.

CREATE TABLE core.access_users (
  name text COLLATE "C" PRIMARY KEY,
  password text NOT NULL,              -- As argon2id made it.
  role text NOT NULL,                  -- read or admin
  site text COLLATE "C" NOT NULL,      -- '*' stands for all.
  created_at timestamptz NOT NULL);

CREATE TABLE core.access_sessions (
  id text COLLATE "C" PRIMARY KEY,     -- SHA-256 of what the browser has.
  name text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  used_day int NOT NULL);              -- Days since 1970.

-- Rises with each change of what a key may, so that nodes need not read it all to see one.
CREATE TABLE core.access_revision (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  revision bigint NOT NULL);
INSERT INTO core.access_revision (revision) VALUES (0);
INSERT INTO core.access_sites (site) VALUES ('default');
