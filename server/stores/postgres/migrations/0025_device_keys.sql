-- A key that says nothing of topics and addresses says what the published defaults say: addresses are looked at with each
-- request of a device, and what is looked at should be there.
alter table application_keys alter column told set default
  '{"filterType": "all", "pubTopics": [], "subTopics": [], "addressFilterType": "all", "addresses": []}';
update application_keys set told =
  '{"filterType": "all", "pubTopics": [], "subTopics": [], "addressFilterType": "all", "addresses": []}'::jsonb || told;
