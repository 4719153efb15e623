-- Limits an application has of its own, and what is counted for them.
alter table applications add column limits jsonb not null default '{}';

create index executions_queued on executions (application_id) where status = 'queued';
