"""Settings and presets.

| module | what it gives |
| --- | --- |
| `settings` | `load_settings`: the typed settings of an installation, from the environment and `twohour.toml` |
| `policies` | `load_policy`, `load_policies`, `preset_names`: service policies by name, from `policies/*.toml` and a company's folder |
| `notices`, `notice_settings` | `load_texts`, `render`: the texts of notices, from `notices/*.toml`; channels and quiet hours |
| `cron` | `parse_cron`, the check of a schedule line |
| `demo` | the made-up company of `twohour demo` |
"""
