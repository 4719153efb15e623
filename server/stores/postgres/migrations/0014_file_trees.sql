-- Files by hash of their path: an index entry has room for 2,704 bytes, and a path may have four times as many.
create function file_hash(path text) returns bytea language sql immutable strict parallel safe
  return sha256(convert_to(path, 'UTF8'));

alter table files
  add column path_hash bytea not null generated always as (
    file_hash(case parent_directory when '/' then '/' else parent_directory || '/' end || name)) stored,
  add column parent_hash bytea not null generated always as (file_hash(parent_directory)) stored,
  add column etag text,
  add column dimensions jsonb,
  add constraint files_status check (status in ('pending', 'moving', 'deleting', 'completed'));

drop index files_path;
create unique index files_path on files (application_id, private, path_hash);
-- No two files share a blob, and whether a blob has a file is found without looking at all files.
create unique index files_blob on files (blob_key) where blob_key is not null;
-- Pages of one directory, and of everything, in the orders that clients ask for.
create index files_directory_updates on files (application_id, private, parent_hash, updated_at, id);
create index files_directory_names on files (application_id, private, parent_hash, left(name, 255), id);
create index files_updates on files (application_id, private, updated_at, id);
