-- Whether the outputs of an ended execution were deleted because the links to them had ended.
alter table executions add column outputs_expired boolean not null default false;

-- The daily pass looks for what ended long ago.
create index executions_to_expire on executions (outputs_completed_at) where not outputs_expired;

-- And for executions whose own time is over.
create index executions_to_drop on executions (outputs_completed_at) where outputs_completed_at is not null;
