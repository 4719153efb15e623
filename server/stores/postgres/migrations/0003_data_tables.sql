-- The catalogue of data tables. The rows of each live in a table of its own, "rows"."t_<id>", whose columns are named
-- c1, c2, … because a column's public name may be longer than an identifier of PostgreSQL.
create table data_tables (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  name text not null,
  description text,
  columns jsonb not null default '[]',
  next_column integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index data_tables_application on data_tables (application_id, name);

create schema "rows";
