-- Whether an owner of the installation has said that the address is this user's, by making or inviting them with it, at the
-- machine too, or by setting it. What is offered to an address is for such a user only: anybody may give themselves any
-- address that is free. True unless said otherwise, because users are made in no other way.
alter table users add column is_address_vouched boolean not null default true;
