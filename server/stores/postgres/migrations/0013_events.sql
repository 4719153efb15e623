-- Events of applications. The history of one is in its row: at most a hundred entries, which are only ever read with it.
create table events (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  source_type text not null,
  source_id text not null,
  source_name text not null,
  level text not null check (level in ('info', 'warning', 'error', 'critical')),
  state text not null check (state in ('new', 'acknowledged', 'resolved')),
  subject text not null,
  message text,
  -- SQL null is none; JSON null is a null that somebody gave.
  data jsonb,
  -- The device may be deleted, its name stays with what happened to it.
  device_id text,
  device_name text,
  track_tags boolean not null,
  tags jsonb not null default '{}',
  updates jsonb not null default '[]',
  -- The job that changed it last: when the worker of a bulk change dies, the next one passes over what is done.
  changed_by_job text
);
create index events_created on events (application_id, created_at, id);
create index events_state on events (application_id, state, created_at);
create index events_device on events (device_id) where device_id is not null;
create index events_tags on events using gin (tags jsonb_path_ops);
