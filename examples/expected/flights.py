#!/usr/bin/env python3
"""What flights.pipe must give, computed without pipec. `python3 flights.py [DELAY_HOURS]` writes flights.json beside this file.

A row is late when the largest time_hour of the rows before it, minus the delay, has reached the end of its day. The figures of
flights.json are compared with every run of the example in the tests.
"""
import csv
import datetime
import gzip
import json
import pathlib
import sys

here = pathlib.Path(__file__).parent
delay = datetime.timedelta(hours=int(sys.argv[1]) if len(sys.argv) > 1 else 4)
day = datetime.timedelta(days=1)
text = lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")

daily, totals, late = {}, {}, []
high = None
with gzip.open(here / "../data/flights-2013-01.csv.gz", "rt", newline="") as f:
    for row in csv.DictReader(f):
        at = datetime.datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ")
        start = at.replace(hour=0, minute=0, second=0)
        total = totals.setdefault(row["carrier"], {"carrier": row["carrier"], "flights": 0, "cancelled": 0, "minutes_late": 0})
        total["flights"] += 1
        total["cancelled"] += row["dep_delay"] == "NA"
        total["minutes_late"] += 0 if row["dep_delay"] == "NA" else max(0, int(row["dep_delay"]))
        if high is not None and high - delay >= start + day:
            late.append({"carrier": row["carrier"], "flight": int(row["flight"]), "at": text(at)})
        else:
            d = daily.setdefault((row["carrier"], start), [])
            d.append(None if row["dep_delay"] == "NA" else int(row["dep_delay"]))
        high = at if high is None else max(high, at)

days = []
for (carrier, start), delays in sorted(daily.items()):
    known = [d for d in delays if d is not None]
    days.append({
        "carrier": carrier, "window_start": text(start), "window_end": text(start + day), "flights": len(delays), "cancelled": len(delays) - len(known),
        "average_delay": sum(known) / len(known) if known else None, "worst_delay": max(known) if known else None,
    })
result = {"days": days, "totals": [totals[c] for c in sorted(totals)], "late": sorted(late, key=lambda r: (r["at"], r["carrier"], r["flight"]))}
(here / "flights.json").write_text(json.dumps(result, indent=1) + "\n")
print(len(days), "days,", sum(d["flights"] for d in days), "flights,", len(late), "late")
