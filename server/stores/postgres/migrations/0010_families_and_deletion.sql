-- Devices that can be restored for a while after they were deleted, the families they form, what their connection is now,
-- and the indexes that keep lists and queries of a hundred thousand of them quick. Applications keep what they are told,
-- and go in two steps.
alter table devices
  add column deleted_at timestamptz,
  -- The parent first, then its parent, and so on.
  add column ancestor_ids text[] not null default '{}',
  add column system_interval integer,
  -- Attributes that were taken away, with the type of what they left in the history: {<name>: <data type>}.
  add column former_types jsonb not null default '{}';

with recursive above as (
  select id, parent_id, array[parent_id] as ids from devices where parent_id is not null
  union all
  select above.id, devices.parent_id, above.ids || devices.parent_id
  from above join devices on devices.id = above.parent_id
  -- Circles were not refused before.
  where devices.parent_id is not null and devices.parent_id <> above.id and not devices.parent_id = any (above.ids)
)
update devices set ancestor_ids = longest.ids
from (select distinct on (id) id, ids from above order by id, cardinality(ids) desc) longest
where longest.id = devices.id;

drop index devices_application;
create index devices_live on devices (application_id, name, id) where deleted_at is null;
create index devices_classes on devices (application_id, device_class, name, id) where deleted_at is null;
create index devices_created on devices (application_id, created_at, id) where deleted_at is null;
create index devices_updated on devices (application_id, updated_at, id) where deleted_at is null;
create index devices_deleted on devices (deleted_at) where deleted_at is not null;
create index devices_parent on devices (parent_id) where parent_id is not null;
create index devices_gateway on devices (gateway_id) where gateway_id is not null;
create index devices_ancestors on devices using gin (ancestor_ids);
create index devices_attribute_names on devices using gin (jsonb_path_query_array(attributes, '$[*].name'));

-- What the log of connections says of now stands with the device: sorted and asked by, a hundred thousand logs took two
-- seconds. Written by whoever changes the log, after the device is locked, so that the newest entry is seen by the last.
alter table devices
  add column connected boolean,
  add column connection_ts bigint,
  add column connected_ts bigint,
  add column disconnected_ts bigint;

create index devices_connected on devices (application_id, connected, id) where deleted_at is null and connected is not null;

create function refresh_connection() returns trigger language plpgsql as $$
begin
  perform from devices where id in (select device_id from changed) order by id for no key update;
  update devices set
    (connected, connection_ts) = (
      select connected, ts from connections where device_id = devices.id order by ts desc, seq desc limit 1),
    connected_ts = (select max(ts) from connections where device_id = devices.id and connected),
    disconnected_ts = (select max(ts) from connections where device_id = devices.id and not connected)
  where id in (select device_id from changed);
  return null;
end
$$;
create trigger connections_added after insert on connections referencing new table as changed
  for each statement execute function refresh_connection();
create trigger connections_forgotten after delete on connections referencing old table as changed
  for each statement execute function refresh_connection();

drop view connection_info;

-- When devices that are gone for good were made and deleted, for the counts by day.
create table purged_devices (
  application_id text not null references applications (id) on delete cascade,
  created_at timestamptz not null,
  deleted_at timestamptz not null
);
create index purged_devices_application on purged_devices (application_id);

alter table applications
  -- What is kept and given back without any meaning here.
  add column told jsonb not null default '{}',
  add column readme jsonb,
  -- Nobody sees it any more; what belongs to it is being removed.
  add column deleted_at timestamptz;
create index applications_deleted on applications (deleted_at) where deleted_at is not null;

-- Counts of an application's runs, and their cancellation when it goes.
create index executions_application on executions (application_id, queued_at);
