-- Whoever asked to be told of an execution's end. The ending is written down in the statement that writes the final status,
-- wherever that statement is, and becomes mails and callbacks (deliveries) in a transaction of its own.

-- {email, callbackUrl, baseUrl}; null when nobody is to be told.
alter table executions add column tells jsonb;

create table execution_endings (
  seq bigint generated always as identity primary key,
  application_id text not null references applications (id) on delete cascade,
  -- The execution's row as it ended: its notebook may be deleted the next moment, and the row with it.
  execution jsonb not null
);

create function write_ending() returns trigger language plpgsql as $$
begin
  insert into execution_endings (application_id, execution) values (new.application_id, to_jsonb(new) - 'metrics');
  perform pg_notify('fieldbook_endings', '');
  return null;
end
$$;
create trigger executions_ending_told after update of status on executions for each row
  when (new.tells is not null and new.status in ('completed', 'errored', 'timeout', 'canceled')
    and old.status is distinct from new.status)
  execute function write_ending();

-- What a delivery is about, the page of a mail beside its text, and what became of each try: [{at, tookMs, error}], the
-- latest fifty. A replay is another turn: what the queue still holds of earlier turns is void.
alter table deliveries
  add column about_type text check (about_type in ('execution', 'job')),
  add column about_id text,
  add column html text,
  add column history jsonb not null default '[]',
  add column turn integer not null default 0,
  add column next_try_at timestamptz;
create index deliveries_about on deliveries (application_id, about_id);

-- refused: a mail over the limit of its application.
alter table deliveries drop constraint deliveries_status_check;
alter table deliveries add constraint deliveries_status_check
  check (status in ('waiting', 'delivered', 'kept', 'failed', 'refused'));

-- Which turns count towards what an application may send in an hour: of mails each, of callbacks the replays. Those that
-- are older than the hour are deleted when the next one comes.
create table delivery_turns (
  delivery_id text not null references deliveries (id) on delete cascade,
  application_id text not null,
  kind text not null check (kind in ('mail', 'callback')),
  at timestamptz not null default clock_timestamp()
);
create index delivery_turns_application on delivery_turns (application_id, kind, at);
create index delivery_turns_delivery on delivery_turns (delivery_id);
insert into delivery_turns (delivery_id, application_id, kind, at)
  select id, application_id, kind, created_at from deliveries
  where kind = 'mail' and created_at > clock_timestamp() - interval '1 hour';

-- How often an application has replaced the secret that its callbacks are signed with. The secret itself is derived from
-- a key outside of the database; no row is the first one.
create table callback_secrets (
  application_id text primary key references applications (id) on delete cascade,
  generation integer not null,
  rotated_at timestamptz not null default clock_timestamp()
);
