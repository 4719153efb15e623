-- How many requests of a kind a caller or an address made in a window of time, by all services together
-- (server/access/shared-rates.ts). Lost in a crash, which costs nobody more than a window.
create unlogged table request_counts (
  bucket text not null,
  key text not null,
  -- Epoch milliseconds.
  window_end bigint not null,
  hits integer not null,
  primary key (bucket, key, window_end)
) with (fillfactor = 50);
