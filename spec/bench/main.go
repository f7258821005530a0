// Command bench makes one table of what the benchmarks beside it print, and holds it against the committed one:
//
//	go test -run '^$' -bench . -benchtime 5x ./spec/bench | go run ./spec/bench [-check | -write]
//
// Without a flag it prints the table; -check fails when a path has fallen a quarter behind its committed ratio to the hand-written loop; -write makes BENCHMARKS.md and the committed ratios
// anew. The benchmarks themselves are jobs from text to sink; see harness_test.go.
//
//	main.go     reading, checking, writing
//	paths.go    the paths, with what is asked of them
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// The files that -write makes and -check reads.
const (
	tableFile  = "BENCHMARKS.md"
	ratiosFile = "spec/bench/ratios.json"
)

// tolerance is how much of its committed ratio a path may lose before -check fails.
const tolerance = 1.25

// figures are what one benchmark printed, by unit.
type figures map[string]float64

func main() {
	check := flag.Bool("check", false, "fail when a ratio is 25 % worse than the committed one")
	write := flag.Bool("write", false, "write "+tableFile+" and "+ratiosFile)
	flag.Parse()
	if err := run(os.Stdin, *check, *write); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, check, write bool) error {
	got, machine, err := read(in)
	if err != nil {
		return err
	}
	table(os.Stdout, got)
	switch {
	case check:
		return behind(got)
	case write:
		return keep(got, machine)
	}
	return nil
}

// read understands the lines of `go test -bench`: name-procs, iterations, and pairs of value and unit.
func read(in io.Reader) (got map[string]figures, machine string, err error) {
	got = map[string]figures{}
	lines := bufio.NewScanner(in)
	var all []string
	for lines.Scan() {
		line := lines.Text()
		if cpu, ok := strings.CutPrefix(line, "cpu: "); ok {
			machine = cpu
		}
		all = append(all, line)
		if strings.HasPrefix(line, "FAIL") {
			return nil, "", errors.New("the benchmarks failed:\n" + strings.Join(all, "\n"))
		}
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(words[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i]
		}
		f := figures{}
		for i := 2; i+1 < len(words); i += 2 {
			if f[words[i+1]], err = strconv.ParseFloat(words[i], 64); err != nil {
				return nil, "", fmt.Errorf("%q: %w", line, err)
			}
		}
		got[name] = f
	}
	if len(got) == 0 && lines.Err() == nil {
		return nil, "", errors.New("no benchmarks in the input")
	}
	return got, machine, lines.Err()
}

// table writes what was measured beside what is asked.
func table(w io.Writer, got map[string]figures) {
	fmt.Fprintln(w, "| path | ns/row | rows/s per core | loop ns/row | ratio | wall ns/row | allocs/row | floor | aim |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, p := range paths {
		f, ok := got[p.name]
		if !ok {
			continue
		}
		fmt.Fprintf(w, "| %s | %.1f | %.1f M%s | %.1f | %.2f | %.1f | %.4f | %s | %s |\n", p.what, f["cpu-ns/row"], 1000/f["cpu-ns/row"], mark(p.low(f)),
			f["loop-ns/row"], f["ratio"], f["wall-ns/row"], f["allocs/row"], p.floor, p.aim)
	}
	fmt.Fprintln(w, "\n| moment | measured | floor | aim |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, m := range moments {
		if v, ok := got[m.name][m.unit]; ok {
			fmt.Fprintf(w, "| %s | %.2f %s%s | %s | %s |\n", m.what, v, m.shown, mark(m.low(v)), bound(m.floor, m.shown), bound(m.aim, m.shown))
		}
	}
}

// mark shows what is below its floor.
func mark(low bool) string {
	if low {
		return " **below the floor**"
	}
	return ""
}

func bound(v float64, unit string) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64) + " " + unit
}

// wholeCores is how much faster two loops that share nothing must be on two cores than on one. Virtual cores that share one real core give less, for minutes at a time, and make everything
// slow that runs in more than one goroutine.
const wholeCores = 1.7

// behind compares ratios with the committed ones.
func behind(got map[string]figures) error {
	if both, ok := got["Tumbling/speedup"]["loops-speedup"]; ok && both < wholeCores {
		return fmt.Errorf("two loops that share nothing are only %.2f times as fast on two cores as on one: nothing can be compared now, try again", both)
	}
	data, err := os.ReadFile(ratiosFile)
	if err != nil {
		return err
	}
	committed := map[string]float64{}
	if err := json.Unmarshal(data, &committed); err != nil {
		return fmt.Errorf("%s: %w", ratiosFile, err)
	}
	var slow []string
	for name, was := range committed {
		f, ok := got[name]
		switch {
		case !ok:
			slow = append(slow, fmt.Sprintf("%s was not measured", name))
		case f["ratio"] > tolerance*was:
			slow = append(slow, fmt.Sprintf("%s: %.2f times the loop, committed are %.2f", name, f["ratio"], was))
		}
	}
	if len(slow) == 0 {
		return nil
	}
	sort.Strings(slow)
	return errors.New("paths have fallen behind:\n  " + strings.Join(slow, "\n  "))
}

// keep writes the files.
func keep(got map[string]figures, machine string) error {
	ratios := map[string]float64{}
	for name, f := range got {
		if r, ok := f["ratio"]; ok {
			ratios[name] = r
		}
	}
	data, err := json.MarshalIndent(ratios, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(ratiosFile, append(data, '\n'), 0o644); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, preface, machine, runtime.NumCPU(), runtime.Version())
	table(&b, got)
	old, err := os.ReadFile(tableFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// What people wrote behind the table stays.
	if _, notes, ok := strings.Cut(string(old), notesBegin); ok {
		b.WriteString("\n" + notesBegin + notes)
	}
	return os.WriteFile(tableFile, []byte(b.String()), 0o644)
}
