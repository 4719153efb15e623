-- What users tell of themselves, their second factor, and failed sign-ins.

alter table users
  add column first_name text,
  add column last_name text,
  add column company_name text,
  add column title text,
  add column phone_number text,
  add column location text,
  add column url text,
  add column updated_at timestamptz not null default now(),
  add column password_updated_at timestamptz not null default now(),
  -- Sessions that began before are refused.
  add column token_cutoff timestamptz;
update users set updated_at = created_at, password_updated_at = created_at;

create table two_factor (
  user_id text primary key references users (id) on delete cascade,
  -- Keys are encrypted with a key that is not in the database. The offered one is not in use until a code proves it.
  offered bytea,
  offered_at timestamptz,
  secret bytea,
  -- The last period a code was taken for: no code is good twice.
  last_period bigint not null default 0
);

-- Of an account in one network, and of an account as a whole, by digests: nobody's addresses are kept.
create table sign_in_attempts (
  key bytea primary key,
  failures integer not null,
  last_at timestamptz not null,
  locked_until timestamptz
);
create index sign_in_attempts_age on sign_in_attempts (last_at);

-- Where an account was signed in to before.
create table familiar_networks (
  key bytea primary key,
  last_at timestamptz not null
);
create index familiar_networks_age on familiar_networks (last_at);
