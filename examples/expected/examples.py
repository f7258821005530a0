#!/usr/bin/env python3
"""What the examples must give, computed without pipec: `python3 examples.py` compares it with the files in the folders beside it, which the tests
compare with every run of the examples. Floats may differ in the last digits.
"""
import csv
import datetime
import gzip
import json
import math
import pathlib
import zoneinfo
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

here = pathlib.Path(__file__).parent
day = datetime.timedelta(days=1)
hours = lambda n: datetime.timedelta(hours=n)
time = lambda text: datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
text = lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")
number = lambda s: None if s == "NA" else int(s)
midnight = lambda t: t.replace(hour=0, minute=0, second=0)


def read(name):
    with gzip.open(here / "../data" / name, "rt", newline="") as f:
        return list(csv.DictReader(f))


flights, planes, weather = read("flights-2013-01.csv.gz"), read("planes.csv.gz"), read("weather-2013-01.csv.gz")


def groups(rows, *key):
    found = defaultdict(list)
    for row in rows:
        found[tuple(row[k] for k in key)].append(row)
    return found.items()


def nulls():
    for (origin,), rows in groups(flights, "origin"):
        delays = [number(r["dep_delay"]) for r in rows]
        known = [d for d in delays if d is not None]
        yield "airports", {
            "origin": origin, "flights": len(rows), "departed": len(known), "cancelled": len(rows) - len(known),
            "unknown_planes": sum(r["tailnum"] == "NA" for r in rows), "late": sum(d > 15 for d in known),
            "average": sum(known) / len(known), "average_of_all": sum(known) / len(rows),
        }


def late():
    """A row is late when the largest time before it, less two hours, has passed its day by two hours."""
    days, missed, high = defaultdict(int), defaultdict(int), datetime.datetime.min + day
    for r in flights:
        at = time(r["time_hour"])
        start = midnight(at)
        if high - hours(2) >= start + day + hours(2):
            missed[r["origin"], r["carrier"]] += 1
        else:
            days[r["origin"], start] += 1
        high = max(high, at)
    for (origin, start), n in days.items():
        yield "days", {"origin": origin, "window_start": text(start), "window_end": text(start + day), "flights": n}
    for (origin, carrier), n in missed.items():
        yield "missed", {"origin": origin, "carrier": carrier, "flights": n}


def sliding():
    weeks = defaultdict(list)
    for r in weather:
        start = midnight(time(r["time_hour"]))
        for n in range(7):
            weeks[r["origin"], start - n * day].append(r)
    for (origin, start), rows in weeks.items():
        temps = [Decimal(r["temp"]) for r in rows]
        average = (sum(temps) / len(temps)).quantize(Decimal("1.000000"), ROUND_HALF_UP).quantize(Decimal("1.00"), ROUND_HALF_UP)
        yield "weeks", {
            "origin": origin, "window_start": text(start), "window_end": text(start + 7 * day), "hours": len(rows),
            "coldest": min(temps), "warmest": max(temps), "average": average, "rain": sum(Decimal(r["precip"]) for r in rows),
        }


def split_union():
    age = lambda r: "unknown" if r["year"] == "NA" else "veteran" if int(r["year"]) < 1980 else "modern"
    for r in planes:
        r["age"] = age(r)
        if r["age"] == "veteran":
            yield "veterans_file", {"tailnum": r["tailnum"], "year": int(r["year"]), "manufacturer": r["manufacturer"], "seats": int(r["seats"]), "engine": r["engine"]}
    for (a, engine), rows in groups(planes, "age", "engine"):
        yield "summary", {"age": a, "engine": engine, "planes": len(rows), "seats": sum(int(r["seats"]) for r in rows)}


def errors():
    columns = "tailnum,year,type,manufacturer,model,engines,seats,speed,engine".split(",")
    for r in planes:
        if r["year"] == "NA":
            row = ",".join(r[c] for c in columns)
            yield "failed", {"code": "E803", "stage": "planes/source/1", "text": 'column "year": found "NA", expected a whole number', "row": row}
        elif r["manufacturer"] == "CESSNA" and r["model"].isdigit():
            yield "cessnas", {"tailnum": r["tailnum"], "year": int(r["year"]), "number": int(r["model"])}
        elif r["manufacturer"] == "CESSNA":
            row = json.dumps({"tailnum": r["tailnum"], "year": int(r["year"]), "manufacturer": "CESSNA", "model": r["model"]}, separators=(",", ":"))
            yield "failed", {"code": "E803", "stage": "cessnas/derive/1", "text": ..., "row": row}


def totals():
    for (carrier,), rows in groups([r for r in flights if r["dep_delay"] != "NA"], "carrier"):
        average = sum(int(r["dep_delay"]) for r in rows) / len(rows)
        yield "carriers_file", {"carrier": carrier, "flights": len(rows), "average": average}
        if average > 10:
            yield "unpunctual_file", {"carrier": carrier, "flights": len(rows), "average": average}


def parameters():
    for r in flights:
        if r["origin"] == "JFK" and (number(r["dep_delay"]) or 0) >= 120:
            yield "delays", {"at": r["time_hour"], "carrier": r["carrier"], "flight": int(r["flight"]), "dest": r["dest"], "minutes": int(r["dep_delay"])}


def parallel():
    for (dest,), rows in groups(flights, "dest"):
        known = [int(r["air_time"]) for r in rows if r["air_time"] != "NA"]
        miles = max(int(r["distance"]) for r in rows)
        yield "destinations", {"dest": dest, "flights": len(rows), "miles": miles, "fastest": min(known, default=None), "slowest": max(known, default=None)}


def site():
    new_york = zoneinfo.ZoneInfo("America/New_York")
    for r in flights:
        r["clock"] = time(r["time_hour"]).replace(tzinfo=datetime.timezone.utc).astimezone(new_york).hour
    for (origin, hour), rows in groups(flights, "origin", "clock"):
        yield "hours", {"origin": origin, "hour": hour, "flights": len(rows)}


def same(a, b):
    if a is ... or b is ...:  # a message in words
        return True
    if isinstance(a, float) or isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12)
    return a == b


def order(row):
    return json.dumps({k: str(v) for k, v in row.items() if k != "text"})


for example in (nulls, late, sliding, split_union, errors, totals, parameters, parallel, site):
    sinks = defaultdict(list)
    for sink, row in example():
        sinks[sink].append(row)
    folder = here / example.__name__
    assert {p.stem for p in folder.iterdir()} == set(sinks), folder
    for sink, want in sinks.items():
        exact = any(isinstance(v, Decimal) for v in want[0].values())
        lines = (folder / (sink + ".json")).read_text().splitlines()
        got = [json.loads(line, parse_float=Decimal if exact else float) for line in lines]
        assert len(got) == len(want), (example.__name__, sink, len(got), len(want))
        for g, w in zip(sorted(got, key=order), sorted(want, key=order)):
            assert list(g) == list(w) and all(same(g[k], w[k]) for k in w), (example.__name__, sink, g, w)
        print(f"{example.__name__}/{sink}: {len(want)} rows, as expected")
