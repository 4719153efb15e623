-- How many devices a segment has states of, so that readers can tell how much of it a few of them are; null: not counted.
alter table segments add column devices bigint;
