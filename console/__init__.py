"""Where people meet the system: the command line.

- `cli.main`: gathers the commands and turns every error into a message and an exit status
- `front_door`: `solve` and `check`, for files alone
- `company`: `import`, `plan`, `show`, `approve`, `publish`, `export`, `up`, over the store
- `watching.clocks`: the clocks of tickets, and what is owed
- `notices`: what waits to be told or failed, and sending it
- `answering.respond`, which `answer_tables` prints
- `webhooks`: other systems that are told what happens; `api`: what they may ask and tell by HTTP
- `overrides`: which advice coordinators overruled, why, and how it went
- `readiness`: who is left for the next emergency, hour by hour
- `siting.locate`: which station sites to open, from a file
- `demonstration.demo`, `doctor.doctor`
- `printing` and `showing`: tables for people, JSON for machines; `text.printable`: names made fit for a terminal
"""
