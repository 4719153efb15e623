-- What runs used, by notebook and UTC day: counted once, by the very transaction that ends a run, and kept when logs and
-- notebooks go. Only their names are here, no references: whoever deletes what ran has used its minutes all the same.
create table notebook_minutes (
  notebook_id text not null,
  day date not null,
  application_id text not null,
  owner_id text not null,
  minutes bigint not null,
  completed integer not null,
  canceled integer not null,
  errored integer not null,
  timeout integer not null,
  primary key (notebook_id, day)
) with (fillfactor = 70);
create index notebook_minutes_application on notebook_minutes (application_id, day);
create index notebook_minutes_owner on notebook_minutes (owner_id, day);

-- Begun minutes of the notebook phase, none when it never began. A claim forgets the times of the attempt before, so
-- that of several attempts only the one that ended the run is counted.
create function billed_minutes(inputs_completed timestamptz, notebook_completed timestamptz, ended timestamptz)
returns integer language sql immutable as $$
  select case when inputs_completed is null then 0
    else greatest(1, ceil(extract(epoch from coalesce(notebook_completed, ended) - inputs_completed) / 60))
  end::integer
$$;

create function count_minutes() returns trigger language plpgsql as $$
begin
  insert into notebook_minutes as known
    (notebook_id, day, application_id, owner_id, minutes, completed, canceled, errored, timeout)
  select new.notebook_id, (new.outputs_completed_at at time zone 'UTC')::date, new.application_id, owner_id,
    billed_minutes(new.inputs_completed_at, new.notebook_completed_at, new.outputs_completed_at),
    (new.status = 'completed')::integer, (new.status = 'canceled')::integer, (new.status = 'errored')::integer,
    (new.status = 'timeout')::integer
  from applications where id = new.application_id
  on conflict (notebook_id, day) do update set minutes = known.minutes + excluded.minutes,
    completed = known.completed + excluded.completed, canceled = known.canceled + excluded.canceled,
    errored = known.errored + excluded.errored, timeout = known.timeout + excluded.timeout;
  return null;
end
$$;
-- Deferred, so that the row of the day is the last thing a transaction locks: it waits for nobody while it holds it.
create constraint trigger executions_count_minutes after update of status on executions
  deferrable initially deferred for each row
  when (new.status in ('completed', 'errored', 'timeout', 'canceled') and old.status is distinct from new.status)
  execute function count_minutes();

insert into notebook_minutes
select notebook_id, (outputs_completed_at at time zone 'UTC')::date, application_id, owner_id,
  sum(billed_minutes(inputs_completed_at, notebook_completed_at, outputs_completed_at)),
  count(*) filter (where status = 'completed'), count(*) filter (where status = 'canceled'),
  count(*) filter (where status = 'errored'), count(*) filter (where status = 'timeout')
from executions join applications on applications.id = application_id
where status in ('completed', 'errored', 'timeout', 'canceled') and outputs_completed_at is not null
group by 1, 2, 3, 4;

-- For ranges that begin or end within a day, and for what has not ended.
create index executions_ended on executions (application_id, outputs_completed_at) where outputs_completed_at is not null;
create index executions_unfinished on executions (application_id) where status in ('queued', 'inProgress', 'canceling');
