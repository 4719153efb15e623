-- What must not be done twice, and who did what.

-- Requests that came with an Idempotency-Key: written down before the work, answered after it.
create table idempotency_keys (
  id text primary key,
  caller_type text not null,
  caller_id text not null,
  -- SHA-256 of the key, and of everything that makes a request the same as another one.
  key_hash bytea not null,
  fingerprint bytea not null,
  -- settled: the effect is there, in the same transaction, and the answer is being made.
  state text not null default 'underWay' check (state in ('underWay', 'settled', 'answered')),
  attempt integer not null default 1,
  -- Renewed by whoever is at it.
  lease_until timestamptz not null,
  status smallint,
  -- Enciphered with the key, which is not kept: answers hold tokens. Null when there is none, or it is too large.
  answer bytea,
  created_at timestamptz not null default now(),
  unique (caller_type, caller_id, key_hash)
);
create index idempotency_keys_caller on idempotency_keys (caller_type, caller_id, created_at);

-- Deeds. They outlive the application they were done in, so they do not refer to its row.
create table audit_log (
  id text primary key,
  at timestamptz not null default now(),
  -- Null for what is about the installation: signing in, users, what a user has.
  application_id text,
  actor_type text check (actor_type in ('user', 'apiToken', 'device')),
  actor_id text,
  -- As it was then.
  actor_name text,
  operation text not null,
  -- The ids and names of its path.
  path jsonb not null default '{}',
  -- The names of what the body had at its top; never values.
  fields text[] not null default '{}',
  -- What it made.
  made_id text,
  -- Null while it is under way, and for good when the service died meanwhile.
  status smallint,
  client_address text,
  request_id text,
  idempotency_id text,
  -- How many requests the entry stands for.
  count integer not null default 1,
  -- Entries that count: one for each of these and each minute.
  counted_by text unique
);
create index audit_log_application on audit_log (application_id, at desc, id desc) where application_id is not null;
create index audit_log_installation on audit_log (at desc, id desc)
  where application_id is null or operation = 'application.delete';
create index audit_log_at on audit_log (at);
