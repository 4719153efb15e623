-- What became of background work: one row for each job. The queue itself is pg-boss's, in a schema of its own; an item of
-- it carries the id of its row here and no more.
create table job_logs (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  kind text not null,
  name text not null,
  resource_type text not null,
  resource_id text,
  requested_by_type text not null,
  requested_by_id text,
  status text not null default 'queued' check (status in ('queued', 'inProgress', 'completed', 'errored', 'failed')),
  input jsonb not null default '{}',
  -- Where the caller reached the service: links in mails and callbacks start with it.
  base_url text not null,
  progress jsonb,
  error jsonb,
  output jsonb not null default '{}',
  -- What it made, as [{name, key, sizeBytes}]; emptied when the links have ended and the blobs are gone.
  files jsonb not null default '[]',
  -- Fences what an attempt writes, so it only grows. A job whose worker died several times is given up.
  attempt integer not null default 0,
  lost_attempts integer not null default 0,
  worker_id text,
  -- When the present attempt began; started_at is when the first one did.
  claimed_at timestamptz,
  queued_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  completed_at timestamptz
);
create index job_logs_application on job_logs (application_id, queued_at, id);
create index job_logs_held on job_logs (id) where status = 'inProgress';
create index job_logs_ended on job_logs (completed_at) where completed_at is not null;

-- What people and programs are told, by mail or by a POST to an address of theirs. The id goes along, so that a receiver
-- knows one that comes twice.
create table deliveries (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  kind text not null check (kind in ('mail', 'callback')),
  target text not null,
  subject text,
  body text not null,
  -- kept: a mail of an installation that has no mail server.
  status text not null default 'waiting' check (status in ('waiting', 'delivered', 'kept', 'failed')),
  tries integer not null default 0,
  error text,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create index deliveries_application on deliveries (application_id, created_at);
create index deliveries_ended on deliveries (ended_at) where ended_at is not null;
