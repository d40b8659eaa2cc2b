"""Files in: customers to tickets from CSV and XLSX, checked row by row, into the store.

- `load.import_file` reads a file and puts its good rows in, in one transaction; `load.ImportReport` says what happened
- `specs.TABLES` names what can be imported, `specs.spec_of` its columns; `header.guess_table` finds the table of a file
- `templates.write_template` writes an empty file with notes
- `readers.read_sheet` reads CSV and XLSX, `values` turns cells into values, `checks` holds what several cells must obey
- `rejects` sets bad rows aside in a file that can be mended and imported again
"""
