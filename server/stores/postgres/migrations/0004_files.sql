-- Application files and folders; the bytes are blobs.
create table files (
  id text primary key,
  application_id text not null references applications (id) on delete cascade,
  private boolean not null default false,
  parent_directory text not null,
  name text not null,
  type text not null check (type in ('file', 'directory')),
  status text not null default 'completed',
  blob_key text,
  size_bytes bigint,
  content_type text,
  author_type text not null,
  author_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index files_path on files (application_id, private, parent_directory, name);
