-- Devices, and the hot table of what they report: append-only, merged when read (last write of an attribute wins).
create table devices (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  name text not null,
  description text,
  device_class text not null default 'standalone',
  gateway_id text,
  parent_id text,
  keep_duplicates boolean not null default false,
  tags jsonb not null default '[]',
  attributes jsonb not null default '[]',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index devices_application on devices (application_id, name);
create index devices_tags on devices using gin (tags jsonb_path_ops);

-- ts is epoch milliseconds; doc maps attribute names to numbers, strings and booleans.
create table hot_states (
  seq bigint generated always as identity primary key,
  application_id text not null,
  device_id text not null,
  ts bigint not null,
  doc jsonb not null
);
create index hot_states_device on hot_states (device_id, ts, seq);

create aggregate jsonb_merge (jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}');

-- A value as it stands in a CSV cell: booleans as 1 and 0, everything else as its text.
create function csv_cell(value jsonb) returns text language sql immutable parallel safe as
  $$ select case jsonb_typeof(value) when 'boolean' then case when value::boolean then '1' else '0' end else value #>> '{}' end $$;
