"""The demo company: a made-up maker of ethanol with real geography.

| module | what it gives |
| --- | --- |
| `company` | `write_company`: its tables as import files, with a morning's tickets around a given moment |
| `history` | `write_history`: what happened there in the year before and on that morning, as events; `write_day`: the day by a plan |
| `words` | names and titles that both are made of |
"""
