-- Sealed telemetry: what devices reported, in Parquet files among the blobs, and what is known of them here.

-- Every read and every seal names its application, and sealing reads in this order. Reads never go by seq alone.
drop index hot_states_device;
alter table hot_states drop constraint hot_states_pkey;
create index hot_states_device on hot_states (application_id, device_id, ts);
-- It is filled and emptied all the time: dead rows are cleared away early.
alter table hot_states set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);

create table telemetry (
  application_id text primary key references applications (id) on delete cascade,
  -- How long states are kept, counted from their own time; null as the installation says.
  retention_ms bigint,
  -- Every report of the application with a seq up to this one is sealed; none of them will come any more.
  sealed_seq bigint not null default 0
);

-- A file of states, merged within itself and sorted by device and time. to_seq is not less than the seq of any report in
-- it; where two segments hold the same device and time, that with the greater to_seq was reported later.
create table segments (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  to_seq bigint not null,
  first_device text collate "C" not null,
  last_device text collate "C" not null,
  min_ts bigint not null,
  max_ts bigint not null,
  rows bigint not null,
  bytes bigint not null,
  -- The newest tombstone when it was written: what was to be forgotten until then is not in it.
  forgotten_to bigint not null,
  -- [{ attribute, kind: number | text | boolean, whole: all numbers are whole }]
  columns jsonb not null,
  created_at timestamptz not null default now()
);
create index segments_application on segments (application_id, max_ts);

-- What is to be forgotten of earlier reports: a device (null: all), a range of time (null: open), attributes (null: all).
-- Numbered in the order in which they are committed: one transaction at a time writes those of an application.
create table tombstones (
  id bigint generated always as identity primary key,
  application_id text not null references applications (id) on delete cascade,
  device_id text,
  from_ts bigint,
  to_ts bigint,
  attributes text[],
  up_to_seq bigint not null
);
create index tombstones_application on tombstones (application_id, device_id);

-- Files that are no segments (yet, or any more): written down before they are made and after they are replaced.
create table segment_garbage (
  id text primary key,
  application_id text not null,
  since timestamptz not null default now(),
  -- Its file is being deleted.
  doomed boolean not null default false
);

create function segment_to_garbage() returns trigger language plpgsql as $$
begin
  insert into segment_garbage (id, application_id) values (old.id, old.application_id) on conflict (id) do nothing;
  return null;
end $$;
create trigger segments_to_garbage after delete on segments for each row execute function segment_to_garbage();

create function forget_hot_states() returns trigger language plpgsql as $$
begin
  delete from hot_states where application_id = old.id;
  return null;
end $$;
create trigger applications_forget_hot_states after delete on applications
  for each row execute function forget_hot_states();

-- A value as it stands in a CSV cell: booleans as 1 and 0, texts as they are, numbers with as few digits as read back to
-- the same number, in decimals from 0.0001 up to 10^16 and with an exponent beyond. DuckDB writes them alike.
create or replace function csv_cell(value jsonb) returns text language sql immutable parallel safe as $$
  select case jsonb_typeof(value)
    when 'boolean' then case when value::boolean then '1' else '0' end
    when 'number' then case
      when value::numeric = 0 then '0'
      when abs(value::numeric) >= 1e16 or abs(value::numeric) < 0.0001 then value::float8::text
      else trim_scale(value::numeric)::text end
    else value #>> '{}' end $$;
