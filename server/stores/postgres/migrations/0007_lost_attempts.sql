-- The death of workers. An attempt's number fences what it writes, so it only ever grows; how many attempts were lost
-- with their worker is counted apart from it.
alter table executions add column lost_attempts integer not null default 0;

-- One ending for each execution, whatever the code believes: a final status can't be taken back or replaced.
create function refuse_second_ending() returns trigger language plpgsql as $$
begin
  raise exception 'execution % has ended as % and can not become %', old.id, old.status, new.status;
end
$$;
create trigger executions_end_once before update of status on executions for each row
  when (old.status in ('completed', 'errored', 'timeout', 'canceled') and new.status is distinct from old.status)
  execute function refuse_second_ending();
