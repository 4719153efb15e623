-- Notebooks and their executions. The execution row is the queue item: claimed with SKIP LOCKED, held by a lease, and
-- fenced by its attempt number.
create table notebooks (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  name text not null,
  description text,
  image_version text not null,
  inputs jsonb not null default '[]',
  outputs jsonb not null default '[]',
  jupyter_file_name text,
  jupyter_blob_key text,
  last_execution_requested timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index notebooks_application on notebooks (application_id, name);

create table executions (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  notebook_id text not null references notebooks (id) on delete cascade,
  status text not null default 'queued',
  -- The notebook as it was when the execution was asked for: name, inputs, outputs, image version, blob of the .ipynb.
  snapshot jsonb not null,
  relative_to timestamptz not null,
  template_context text,
  source_type text not null,
  source_id text,
  max_run_minutes double precision not null,
  attempt integer not null default 0,
  worker_id text,
  lease_until timestamptz,
  queued_at timestamptz not null default now(),
  started_at timestamptz,
  inputs_completed_at timestamptz,
  notebook_completed_at timestamptz,
  outputs_completed_at timestamptz,
  input_info jsonb not null default '{}',
  output_info jsonb not null default '{}',
  errors jsonb not null default '[]',
  -- What it really ran on: image with its packages, and the level of the sandbox.
  ran_on jsonb,
  phase text not null default 'queued',
  cell integer not null default 0,
  cells integer not null default 0
);
create index executions_waiting on executions (queued_at) where status = 'queued';
create index executions_held on executions (lease_until) where status in ('inProgress', 'canceling');
create index executions_notebook on executions (notebook_id, queued_at desc);
