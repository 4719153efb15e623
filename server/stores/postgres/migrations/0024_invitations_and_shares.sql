-- Users who were invited have no password until they choose one.
alter table users alter column password_hash drop not null;

-- One for each user at most; it goes when it is used. Of the secret there is only its hash.
create table invitations (
  user_id text primary key references users (id) on delete cascade,
  secret_hash bytea not null unique,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);

-- A share is an offer until its user has looked. Till then it is shown as it was made, by an address or an id, so that
-- nobody learns by offering whether there is such a user.
alter table application_members
  add column offered_to text,
  add column joined_at timestamptz default now();
create index application_members_offered on application_members (user_id) where joined_at is null;

-- Offers to addresses that no user has yet; they become shares when there is one.
create table application_offers (
  application_id text not null references applications (id) on delete cascade,
  email text not null,
  role text not null check (role in ('viewer', 'editor', 'admin')),
  created_at timestamptz not null default now(),
  primary key (application_id, email)
);
create index application_offers_email on application_offers (email);
