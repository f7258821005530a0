package main

import (
	"strconv"
	"strings"
)

// preface stands above the tables of BENCHMARKS.md.
const preface = `# What a row costs

Whole jobs, text to sink, as ` + "`pipec run`" + ` runs them, each beside a Go loop written by hand for this one job over the same rows; both run in turns in the same process. ` + "`make bench`" + `
prints the tables, ` + "`make bench-update`" + ` writes this file, ` + "`make bench-check`" + ` fails when a ratio falls 25 %% behind the committed one.

Machine: %s, %d cores, shared with other work; %s. Figures are medians of five runs. *ns/row* is CPU time of the whole process, all goroutines and the collector included, divided by
the rows of input; *rows/s per core* is its inverse; *wall* is what the clock said. Trust ratios before digits.

`

// notesBegin is where the part of BENCHMARKS.md begins that is written by hand.
const notesBegin = "## What holds each path"

// path is a benchmark with a loop beside it. Floor and aim are rows per second and core, as "10 M" or, where the ratio to the loop decides, "10 M (3.5x)".
type path struct{ name, what, floor, aim string }

var paths = []path{
	{"Nexmark/q0", "nexmark q0, wanted columns only", "15 M", "40 M"},
	{"Nexmark/q1", "nexmark q1", "15 M", "40 M"},
	{"Nexmark/q2", "nexmark q2", "15 M", "40 M"},
	{"Nexmark/q0-texts", "nexmark q0 with all texts", "5 M", "12 M"},
	{"Tumbling/one", "generated rows > filter > key > tumbling count", "10 M (3.5x)", "25 M (1.5x)"},
	{"Tumbling/two", "the same over a 2 x 2 exchange", "8 M", "18 M"},
	{"Running/memory", "running count and sum, 1 M keys", "8 M", "20 M"},
	{"Running/badger-checkpoints", "the same, badger, a checkpoint each second", "3 M", "10 M"},
	{"Sliding/count", "sliding window 10 s / 2 s, count, 100 k keys", "4 M", "12 M"},
	{"JSON/project", "NDJSON bids > filter > project > NDJSON", "1.2 M (3.0x)", "3 M (1.5x)"},
	{"JSON/unchanged", "NDJSON > filter > NDJSON, rows unchanged", "2.5 M", "5 M"},
	{"JSON/window", "NDJSON > key > tumbling count and max > NDJSON", "1.2 M (3.0x)", "3 M (1.5x)"},
	{"CSV/flights", "CSV flights > key > aggregate", "1.5 M", "4 M"},
	{"Words/count", "words from text > count", "10 M", "30 M"},
}

// low says whether a path is below its floor.
func (p path) low(f figures) bool {
	rows, ratio, byRatio := strings.Cut(p.floor, " M (")
	if byRatio {
		most, err := strconv.ParseFloat(strings.TrimSuffix(ratio, "x)"), 64)
		return err == nil && f["ratio"] > most
	}
	least, err := strconv.ParseFloat(strings.TrimSuffix(rows, " M"), 64)
	return err == nil && 1000/f["cpu-ns/row"] < least
}

// moment is a single figure. More is better only for the speedup.
type moment struct {
	name, unit, what, shown string
	floor, aim              float64
}

var moments = []moment{
	{"Tumbling/speedup", "speedup", "two cores against one, keyed work", "x", 1.5, 1.7},
	{"Tumbling/speedup", "loops-speedup", "the same of two loops that share nothing: what the machine has to give", "x", 0, 0},
	{"Stall/1M", "stall-ms", "longest step during a checkpoint, own CPU, 1 M keys", "ms", 10, 3},
	{"Stall/10M", "stall-ms", "the same, 10 M keys", "ms", 20, 5},
	{"Start", "start-ms", "start of the binary to the first row", "ms", 50, 15},
	{"Memory", "B/key", "memory per 8-byte key with count and sum, mean over table sizes", "B", 96, 56},
	{"Latency/quiet", "p50-ms", "stdin to stdout, a row each 5 ms: median", "ms", 1, 0},
	{"Latency/quiet", "p99-ms", "99 of 100", "ms", 0, 0},
	{"Latency/100k", "p50-ms", "stdin to stdout at 100,000 rows/s: median", "ms", 0, 0},
	{"Latency/100k", "p99-ms", "99 of 100", "ms", 0, 0},
	{"Latency/100k", "p99.9-ms", "999 of 1,000", "ms", 0, 0},
	{"Latency/100k-file", "p50-ms", "a file that is followed, at 100,000 rows/s: median", "ms", 0, 0},
	{"Latency/100k-file", "p99-ms", "99 of 100", "ms", 0, 0},
	{"Latency/100k-file", "p99.9-ms", "999 of 1,000", "ms", 0, 0},
	{"Latency/100k-socket", "p50-ms", "a socket, at 100,000 rows/s: median", "ms", 0, 0},
	{"Latency/100k-socket", "p99-ms", "99 of 100", "ms", 0, 0},
	{"Latency/100k-socket", "p99.9-ms", "999 of 1,000", "ms", 0, 0},
}

func (m moment) low(v float64) bool {
	if m.unit == "speedup" {
		return v < m.floor
	}
	return m.floor > 0 && v > m.floor
}
