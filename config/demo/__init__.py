"""The demo company: a made-up maker of ethanol with real geography. `company.write_company` writes its tables as import files."""
