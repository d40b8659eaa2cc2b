"""The pages where coordinators, planners, technicians and administrators meet the system, in a browser.

- `application`: `make_console(store, settings)` gives the web application: pages, API, static files
- `visitors`: who is looking, what they may do, and that a request is their own (`visitor`, `must`)
- `texts`: Chinese and English, dates, numbers
- `pages/`: one module a page, `templates/` and `static/` beside them
- `shown_plan`: a plan with its edits as the plan page shows it, worked out once for each version; `first_answers`: those of the inbox
- `live`: news for open pages
"""
