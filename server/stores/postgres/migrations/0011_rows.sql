-- Rows of data tables obey "required" where they are written. A column that is required later leaves the rows before it
-- empty, so it can't be `not null`; and a check, even one not validated, would refuse every change of such a row.
-- After the row, because a trigger before it makes COPY insert rows one by one; the condition is part of the trigger, so
-- the function is called for the first bad row only.
create function refuse_empty() returns trigger language plpgsql as $$
begin
  raise exception 'column % is required', tg_argv[0]
    using errcode = 'not_null_violation', column = tg_argv[0], schema = tg_table_schema, table = tg_table_name;
end
$$;

do $$
declare
  stored record;
begin
  for stored in
    select 't_' || t.id as name, c ->> 'stored' as col
    from data_tables t, jsonb_array_elements(t.columns) as c
    where c ->> 'constraint' = 'required'
  loop
    execute format('alter table "rows".%I alter column %I drop not null', stored.name, stored.col);
    execute format(
      'create trigger %I after insert or update of %I on "rows".%I for each row when (new.%I is null) execute function refuse_empty(%L)',
      stored.col || '_required', stored.col, stored.name, stored.col, stored.col);
  end loop;
end
$$;

-- The rows go with the table, also when it goes with its application.
create function drop_rows() returns trigger language plpgsql as $$
begin
  execute format('drop table if exists "rows".%I', 't_' || old.id);
  return null;
end
$$;

create trigger data_tables_rows after delete on data_tables for each row execute function drop_rows();
