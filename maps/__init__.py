"""Pictures and papers: what people look at, print and take along.

- `plan_map.plan_map`: a plan on a map, with a slider over the day
- `coverage_map.coverage_map`: what stations reach by road against the promised circle
- `dispatch_sheet.dispatch_sheet`: a plan as XLSX
- `itineraries.itineraries`: a page to print per technician
- `calendars.calendars`: an iCalendar file per technician
- `service_report.report_page`, `report_sheet.report_sheet`: a service report as a page and as XLSX
- `study_report.study_page`: scenarios compared, for a board; `scenario_map.scenario_map`, `scenario_map.share_map`,
  `study_plots.response_curves`, `study_plots.week_heat` and `study_plots.frontier_plot` are its pictures
- `visits.TicketLabel`: what people call a ticket; every function above takes `labels` by ticket id

The papers of a plan work from a `Case` and a `Plan`; labels are optional. Every page is one file that asks the network for nothing.
"""
