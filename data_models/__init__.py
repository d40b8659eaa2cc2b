"""Facts, and how they get in and out.

Facts, which every room may read:

- `case`, `plan`: a dispatch case and a dispatch plan, field by field as the file formats have them
- `siting`: a siting case and the choice that answers it
- `domain`: the company as facts, free of any database; `context`: names, addresses and clocks that stand beside a case
- `policy`, `promises`, `calendars`: what is promised (`clocks_for`, `costs_for`, `needs_for`, `tier_for`) and when it is due
- `milestones.milestones_of`: what a ticket reached, from what happened to it; `clocks`: `clock_states` of a ticket, `watch` over many;
  from them `escalations.escalations_due`, `satisfaction.reopening` and `compensation.compensation_owed`
- `snapshot.take_snapshot`: the company and its policies as one case (its tickets in `snapshot_tickets`); `snapshot.with_matrix`: that
  case with other travel times
- `readings`, `sensors.take`: sensor readings, judged by `sensor_rules.sensor_rules(policy)`
  with what `sensor_state` remembers; on `conditions` and `units`
- `manual_edits`: changes of a draft by hand, as kept; `overrides.overrides_report`: which advice was overruled, and how it went
- `datum`: coordinates of Chinese map services to WGS-84 and back
- `expected.expected_emergencies`: rates by area and hour of the day from a history; `expected.read_history`, `history_of_case`
- `errors`: what can go wrong

Files, read with suspicion:

- `case_files`: `read_case`, `read_plan`, `parse_case`, `parse_plan`, `case_json`, `plan_json`, on `reading`, `case_rules` and `json_files`
- `siting_files`: `read_siting`, `read_choice` and their like, held to `siting_rules`
- `policy_files.read_policy`, held to `policy_rules`
- `reading_files`: `reading_from`, `read_lines`: sensor readings of JSON, JSON Lines and CSV
- `intake.load.import_file`: CSV and XLSX into the store; `intake.templates.write_template`: files to fill in

The outside, for `flows` and `console` only:

- `store`: `database.open_store` (the only Session), `facts.load_facts`, and `plans` (`save_plan`, `approve`, `reject`, `publish` and more),
  `readings.take_readings`, `past.past_emergencies`
- `tables` (a module for each subject), `migrations.upgrade`: the tables and their history
- `travel.choose.choose_provider`: seconds and metres by great circle or road; `travel.provider.matrix` asks for them
- `geocoding.find_addresses`: places of addresses, by `gazetteer` without a network or by a service
"""
