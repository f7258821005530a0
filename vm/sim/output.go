package sim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
)

// straight runs the job alone, in one task, without checkpoints and faults: what every other run is compared with.
func straight(s *Scenario) (map[string][]string, error) {
	calm := *s
	calm.Lives, calm.Faults, calm.AtMost = nil, nil, true
	w := newWorld(&calm, vfs.NewMem(), 1)
	if err := place(w.disk, s.Job.Inputs); err != nil {
		return nil, err
	}
	l := Life{Tasks: 1, Batch: 1024, State: plan.State{Backend: "memory", MaxSize: 5 << 20}, Restart: plan.Restart{Strategy: "none"}}
	p, err := w.boot(1, l, true, checkpoint.Request{})
	if err != nil {
		return nil, err
	}
	w.drive(p)
	if len(w.out.Wrong) > 0 {
		return nil, errors.New(strings.Join(w.out.Wrong, "; "))
	}
	if p.result.State != event.Finished {
		return nil, fmt.Errorf("it %s: %v", p.result.State, p.result.Err)
	}
	return s.Job.Published(w.disk, ".")
}

// place writes the inputs so that they survive everything.
func place(disk *vfs.Mem, files []File) error {
	for _, f := range files {
		if err := disk.MkdirAll(path.Dir(f.Name)); err != nil {
			return err
		}
		if err := vfs.WriteFile(disk, f.Name, f.Data); err != nil {
			return err
		}
		if err := errors.Join(disk.SyncDir(path.Dir(f.Name)), disk.SyncDir(".")); err != nil {
			return err
		}
	}
	return nil
}

// Published reads what the sinks of a job have published, its output folder lying below root: by sink, the rows as they were written.
func (j *Job) Published(disk vfs.FS, root string) (map[string][]string, error) {
	all := map[string][]string{}
	for _, sink := range j.Sinks {
		rows, err := published(disk, root, sink)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sink.Name, err)
		}
		all[sink.Name] = rows
	}
	return all, nil
}

// Differ says in what a run's output differs from that of the straight run, nil if it equals it (architecture, rule 4). loose: at least once is enough.
func (j *Job) Differ(want, got map[string][]string, loose bool) []string {
	var all []string
	for _, sink := range j.Sinks {
		if why := sink.differ(want[sink.Name], got[sink.Name], loose); why != "" {
			all = append(all, sink.Name+": "+why)
		}
	}
	return all
}

func (sink Sink) differ(want, got []string, loose bool) string {
	switch {
	case loose && sink.Group != nil:
		return fewer(sink, want, got)
	case sink.Key != nil:
		want, got = fold(want, sink.Key), fold(got, sink.Key)
	case loose && sink.Late:
		got = slices.DeleteFunc(onlyOnce(got), func(l string) bool { return !slices.Contains(want, l) })
	case loose:
		got = onlyOnce(got)
	case sink.Any > 0:
		if n := len(got); n != len(want) || n != len(onlyOnce(got)) {
			return fmt.Sprintf("%d rows passed a limit of %d, %d of them different; the straight run gives %d", n, sink.Any, len(onlyOnce(got)), len(want))
		}
		return ""
	}
	return difference(want, got)
}

// difference says which rows are missing and which are too many.
func difference(want, got []string) string {
	count := map[string]int{}
	for _, l := range want {
		count[l]++
	}
	for _, l := range got {
		count[l]--
	}
	var missing, extra []string
	for l, n := range count {
		for ; n > 0; n-- {
			missing = append(missing, l)
		}
		for ; n < 0; n++ {
			extra = append(extra, l)
		}
	}
	if missing == nil && extra == nil {
		return ""
	}
	sort.Strings(missing)
	sort.Strings(extra)
	return fmt.Sprintf("%d rows, want %d: %d missing %v, %d too many %v", len(got), len(want), len(missing), missing[:min(3, len(missing))], len(extra), extra[:min(3, len(extra))])
}

func onlyOnce(lines []string) []string {
	lines = slices.Clone(lines)
	sort.Strings(lines)
	return slices.Compact(lines)
}

// fewer compares counts: at least once, no group may have less than in the straight run, and none may be new.
func fewer(sink Sink, want, got []string) string {
	least, most := counts(want, sink.Group), counts(got, sink.Group)
	for _, g := range slices.Sorted(func(yield func(string) bool) {
		for g := range least {
			if !yield(g) {
				return
			}
		}
	}) {
		if most[g] < least[g] {
			return fmt.Sprintf("group %q has %d rows, want at least %d", g, most[g], least[g])
		}
	}
	for g := range most {
		if _, ok := least[g]; !ok {
			return fmt.Sprintf("group %q is new", g)
		}
	}
	return ""
}

// counts is the largest n that was said of each group.
func counts(lines, group []string) map[string]int64 {
	all := map[string]int64{}
	for _, l := range lines {
		row := columns(l)
		n, _ := strconv.ParseInt(string(row["n"]), 10, 64)
		key := keyOf(row, group)
		all[key] = max(all[key], n)
	}
	return all
}

func columns(line string) map[string]json.RawMessage {
	var row map[string]json.RawMessage
	_ = json.Unmarshal([]byte(line), &row) // a line that is none has no columns, and compares unequal
	return row
}

func keyOf(row map[string]json.RawMessage, key []string) string {
	var b strings.Builder
	for _, name := range key {
		b.Write(row[name])
		b.WriteByte(' ')
	}
	return b.String()
}

// fold keeps the last row of each key, as readers of a keyed sink do.
func fold(lines, key []string) []string {
	table := map[string]string{}
	for _, l := range lines {
		row := columns(l)
		k, op := keyOf(row, key), string(row["_op"])
		if op == `"delete"` {
			delete(table, k)
			continue
		}
		table[k] = strings.Replace(l, `"_op":`+op+`,`, "", 1)
	}
	var rows []string
	for _, l := range table {
		rows = append(rows, l)
	}
	return rows
}

// published reads the parts of a sink in the order (run, epoch, task, n).
func published(disk vfs.FS, root string, sink Sink) ([]string, error) {
	dir := path.Join(root, "out", sink.Name)
	entries, err := disk.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	type part struct {
		name string
		run  string
		at   [3]int
	}
	var parts []part
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			continue
		}
		base, _, _ := strings.Cut(e.Name, ".json")
		p := part{name: e.Name}
		if n, err := fmt.Sscanf(strings.ReplaceAll(base, "-", " "), "part %s %d %d %d", &p.run, &p.at[0], &p.at[1], &p.at[2]); n != 4 {
			return nil, fmt.Errorf("%s/%s is no published part: %w", dir, e.Name, err)
		}
		parts = append(parts, p)
	}
	sort.Slice(parts, func(i, j int) bool {
		if parts[i].run != parts[j].run {
			return parts[i].run < parts[j].run
		}
		return slices.Compare(parts[i].at[:], parts[j].at[:]) < 0
	})
	var lines []string
	for _, p := range parts {
		data, err := vfs.ReadFile(disk, path.Join(dir, p.name))
		if err == nil && sink.Zip {
			data, err = unpack(data)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		text := strings.TrimSuffix(string(data), "\n")
		if len(data) == 0 || len(text) == len(data) {
			return nil, fmt.Errorf("%s is empty, or its last line is torn", p.name)
		}
		lines = append(lines, strings.Split(text, "\n")...)
	}
	return lines, nil
}

func unpack(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
