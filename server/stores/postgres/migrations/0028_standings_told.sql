-- Whatever may end what a caller is, or change it, is told to the services, which remember it for some seconds
-- (server/access/standings.ts). What a caller is not is never remembered, so nothing is told when they become something.
create function tell_standings() returns trigger language plpgsql as $$
begin
  perform pg_notify('standings', '');
  return null;
end $$;

create trigger users_tell_standings after update of disabled_at, generation or delete on users
  for each statement execute function tell_standings();
create trigger applications_tell_standings after update of owner_id, deleted_at or delete on applications
  for each statement execute function tell_standings();
create trigger application_members_tell_standings after update or delete on application_members
  for each statement execute function tell_standings();
create trigger api_tokens_tell_standings after update or delete on api_tokens
  for each statement execute function tell_standings();
