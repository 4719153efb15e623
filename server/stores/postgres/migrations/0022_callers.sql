-- Who may call beside the one who set the installation up: users who share applications, tokens for programs, keys for
-- devices.

alter table users
  add column is_owner boolean not null default false,
  add column disabled_at timestamptz,
  -- Tokens of earlier generations are refused: raised when all sessions of a user have to end.
  add column generation integer not null default 0;
update users set is_owner = true where id = (select id from users order by created_at, id limit 1);

create table application_members (
  application_id text not null references applications (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  role text not null check (role in ('viewer', 'editor', 'admin')),
  created_at timestamptz not null default now(),
  primary key (application_id, user_id)
);
create index application_members_user on application_members (user_id);

create table api_tokens (
  id text primary key,
  application_id text references applications (id) on delete cascade,
  user_id text references users (id) on delete cascade,
  creator_type text not null,
  creator_id text not null,
  creator_name text not null,
  name text not null,
  description text,
  scope text[] not null,
  status text not null default 'active' check (status in ('active', 'inactive')),
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (num_nonnulls(application_id, user_id) = 1)
);
create index api_tokens_application on api_tokens (application_id, name) where application_id is not null;
create index api_tokens_user on api_tokens (user_id, name) where user_id is not null;

create table application_keys (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  -- What a device names it by; the secret is kept as its hash alone.
  key text not null unique,
  secret_hash bytea not null,
  name text,
  description text,
  status text not null default 'active' check (status in ('active', 'inactive')),
  -- Without either it is good for every device of the application.
  device_ids text[] not null default '{}',
  device_tags jsonb not null default '[]',
  -- Kept and told: what a message broker and a firewall would look at.
  told jsonb not null default '{}',
  created_at timestamptz not null default now(),
  created_by_type text not null,
  created_by_id text not null,
  updated_at timestamptz not null default now(),
  updated_by_type text not null,
  updated_by_id text not null
);
create index application_keys_application on application_keys (application_id, created_at);
