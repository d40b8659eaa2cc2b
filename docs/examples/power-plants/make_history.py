"""A year of made-up tickets at real plants: `python make_history.py gppd_chn_rows.csv history.csv [tickets]`.

Large plants report more often than small ones, by the square root of their capacity; three tickets in ten are emergencies; two in
three come between 08:00 and 20:00. The same file comes out each time.
"""

import csv
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path


def main() -> None:
    """Read the plants, write the tickets."""
    source, target, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    with source.open(encoding="utf-8", newline="") as file:
        plants = list(csv.DictReader(file))
    chance = random.Random(2025)
    weights = [float(plant["capacity_mw"]) ** 0.5 for plant in plants]
    tickets = []
    for plant in chance.choices(plants, weights, k=count):
        hour = chance.uniform(8, 20) if chance.random() < 2 / 3 else chance.uniform(20, 32)
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(365), hours=hour % 24)
        severity = chance.choices(("emergency", "important", "general"), (3, 4, 3))[0]
        tickets.append((at.strftime("%Y-%m-%d %H:%M"), plant["latitude"], plant["longitude"], severity, plant["primary_fuel"]))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("opened_at", "lat", "lon", "severity", "product"))
        writer.writerows(sorted(tickets))


if __name__ == "__main__":
    main()
