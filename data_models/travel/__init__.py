"""Travel times between places: seconds and metres, read `[origin, destination]`.

| module | what it gives |
| --- | --- |
| `provider` | `matrix(places, provider)`, `as_case_travel`, `WithFallback`; the facts `TravelTimes`, `TravelProvider` |
| `great_circle` | `GreatCircleTravel`, the default: haversine × detour ÷ speed |
| `osrm_http` | `OsrmServer`, roads from an `osrm-routed` over HTTP |
| `osrm_embedded` | `OsrmEngine`, roads from OSRM inside this process (extra `roads`) |
| `cache` | `CachedTravel`, which asks each pair of places once and keeps the answer in the store |
| `choose` | `choose_provider`, from settings to a provider |
"""
