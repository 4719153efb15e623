-- Schedules of notebooks. next_run_at is the planned time that is due next; whoever queues its execution moves it on in the
-- same transaction. It is null while a schedule is disabled.
create table schedules (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  notebook_id text not null references notebooks (id) on delete cascade,
  name text,
  cron text not null,
  time_zone text not null,
  enabled boolean not null,
  catch_up text not null,
  catch_up_limit integer not null,
  overlap text not null,
  template_context text,
  -- {email, callbackUrl, baseUrl}, as executions have it.
  tells jsonb not null default '{}',
  next_run_at timestamptz,
  last_run jsonb,
  last_missed jsonb,
  last_skipped jsonb,
  last_error jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index schedules_notebook on schedules (notebook_id, name);
create index schedules_due on schedules (next_run_at) where next_run_at is not null;

-- What an execution was planned by. No reference: it is told also when the schedule is gone.
alter table executions
  add column schedule_id text,
  add column planned_for timestamptz;
-- Once for each planned time, whatever the code believes; and those of a schedule run in this order.
create unique index executions_planned on executions (schedule_id, planned_for) where schedule_id is not null;
