-- Who may sign in, and the applications everything else belongs to.
create table users (
  id text primary key,
  email text not null,
  password_hash text not null,
  created_at timestamptz not null default now()
);
create unique index users_email on users (lower(email));

create table applications (
  id text primary key,
  owner_id text not null references users (id),
  name text not null,
  description text,
  globals jsonb not null default '[]',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index applications_owner on applications (owner_id, name);
