-- When devices connected and disconnected: append-only, ts is epoch milliseconds. And what was ignored of their reports.
create table connections (
  seq bigint generated always as identity primary key,
  application_id text not null,
  device_id text not null references devices (id) on delete cascade,
  ts bigint not null,
  connected boolean not null,
  disconnect_reason text,
  messages_from_client integer,
  messages_to_client integer,
  ip_address text
);
create index connections_device on connections (device_id, ts, seq);

-- One row for each device: what its log says of now, for lists, sorting and queries. Null where the log says nothing.
create view connection_info as
  select devices.id as device_id, devices.application_id, newest.connected, newest.ts,
    (select max(ts) from connections c where c.device_id = devices.id and c.connected) as connected_ts,
    (select max(ts) from connections c where c.device_id = devices.id and not c.connected) as disconnected_ts
  from devices left join lateral (
    select connected, ts from connections c where c.device_id = devices.id order by ts desc, seq desc limit 1
  ) newest on true;

create table ignored_reports (
  application_id text not null,
  device_id text not null references devices (id) on delete cascade,
  reason text not null,
  count bigint not null,
  last_at timestamptz not null,
  primary key (application_id, device_id, reason)
);
