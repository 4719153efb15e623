-- Executions that are not simply asked for: one again with the very inputs of another, and one of many windows of time.
-- What they came from is named without a reference: it may be deleted before them.
alter table executions add column rerun_of text;
alter table executions add column given_inputs jsonb;
alter table executions add column backfill_id text;

create table backfills (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  notebook_id text not null references notebooks (id) on delete cascade,
  name text,
  start_at timestamptz not null,
  end_at timestamptz not null,
  window_length text not null,
  time_zone text not null,
  windows integer not null,
  template_context text,
  source_type text not null,
  source_id text not null,
  canceled_at timestamptz,
  created_at timestamptz not null default now()
);
create index backfills_notebook on backfills (notebook_id, created_at);
create index executions_backfill on executions (backfill_id) where backfill_id is not null;
