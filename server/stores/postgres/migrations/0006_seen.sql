-- What is seen of a run: its events while it goes on and afterwards, what it used, and the limits it had.
alter table notebooks add column limits jsonb not null default '{}';

-- Peak memory, CPU seconds and the time of each cell, written with the end.
alter table executions add column metrics jsonb;

-- Written in batches by the attempt that holds the execution. An id grows within an execution, over its attempts: it is
-- what a client that reconnects names as the last one it has seen.
create table execution_events (
  execution_id text not null references executions (id) on delete cascade,
  id bigint not null,
  kind text not null,
  -- JSON text: it is handed on as it is and never looked into, and jsonb would refuse NUL characters.
  data text not null,
  primary key (execution_id, id)
);
