package main

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"pipec/checkpoint"
	"pipec/state"
	"pipec/state/blob"
	"pipec/state/vfs"
)

func stateCommand(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "look into checkpoints and savepoints",
		Long:  "state looks into checkpoints and savepoints. It only reads, and needs neither the program nor a running job.",
		Example: `  pipec state ls .pipec/flights
  pipec state verify .pipec/flights`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(std.err)
			_ = cmd.Help()
			return &exit{exitUsage, nil}
		},
	}
	cmd.AddCommand(stateList(std), stateVerify(std))
	return cmd
}

func stateList(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls PATH",
		Short: "checkpoints and savepoints, what is in them",
		Long: `ls lists the snapshots below a storage, a job or a run; of one snapshot it shows the states. It reads what describes them, not
what they hold: verify does.`,
		Example: `  pipec state ls .pipec
  pipec state ls .pipec/flights/*/chk-1
  pipec state ls --json .pipec/flights`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := listed(args[0])
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return &exit{exitUsage, fmt.Errorf("%s: there is no snapshot", args[0])}
			}
			if asJSON {
				return printJSON(std.out, list)
			}
			if len(list) == 1 && list[0].States != nil {
				list[0].show(std.out)
				return nil
			}
			printList(std.out, list)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value: every snapshot with its states")
	return cmd
}

func stateVerify(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "every checksum",
		Long: `verify reads every byte of the snapshots below a storage, a job or a run, or of one, and compares lengths and checksums, the records of the
history included. Exit 0: all are intact; 4: something is damaged, or there is no snapshot. What was never completed is said and is no damage.`,
		Example: `  pipec state verify .pipec
  pipec state verify .pipec/flights/*/chk-1`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := listed(args[0])
			if err != nil {
				return err
			}
			bad := 0
			for _, s := range list {
				s.verify()
				if s.Status == statusDamaged || s.Status == statusIncomplete && len(list) == 1 {
					bad++
				}
				if !asJSON {
					s.line(std.out)
				}
			}
			if asJSON {
				if err := printJSON(std.out, list); err != nil {
					return err
				}
			}
			switch {
			case len(list) == 0:
				return &exit{exitSnapshot, fmt.Errorf("%s: there is no snapshot", args[0])}
			case bad > 0:
				return &exit{exitSnapshot, fmt.Errorf("%d of %d cannot be restored", bad, len(list))}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value: every snapshot with what is wrong with it")
	return cmd
}

// What can be said of a snapshot without or with reading it.
const (
	statusComplete   = "complete"   // as far as its description goes
	statusNoRecord   = "no record"  // whole, but its history does not know it
	statusIncomplete = "incomplete" // given up, or its process died half-way
	statusIntact     = "intact"     // to the last byte
	statusDamaged    = "damaged"
)

// snapshotInfo is one snapshot of `state ls` and `state verify`.
type snapshotInfo struct {
	Path           string      `json:"path"`
	Status         string      `json:"status"`
	Error          string      `json:"error,omitempty"`
	Job            string      `json:"job,omitempty"`
	Run            string      `json:"run,omitempty"`
	ID             uint64      `json:"id,omitempty"`
	Kind           string      `json:"kind,omitempty"`
	Time           *time.Time  `json:"time,omitempty"`
	Bytes          int64       `json:"bytes"`
	Files          int         `json:"files"`
	Parallelism    int         `json:"parallelism,omitempty"`
	MaxParallelism int         `json:"max_parallelism,omitempty"`
	Engine         string      `json:"engine,omitempty"`
	Program        string      `json:"program,omitempty"`
	States         []stateInfo `json:"states,omitempty"`

	snapshot *checkpoint.Snapshot
}

// stateInfo is one state of a snapshot, of all its tasks together.
type stateInfo struct {
	Node  string `json:"node"`
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	Tasks int    `json:"tasks"`
}

// listed describes what lies below a path; of a single snapshot its states too.
func listed(uri string) ([]*snapshotInfo, error) {
	found, err := checkpoint.List(uri, vfs.OS())
	if err != nil {
		return nil, &exit{exitFailed, err}
	}
	list := make([]*snapshotInfo, len(found))
	for i, l := range found {
		list[i] = describe(l)
	}
	return list, nil
}

func describe(l checkpoint.Listed) *snapshotInfo {
	s := &snapshotInfo{Path: l.URI, Status: statusComplete, snapshot: l.Snapshot}
	switch {
	case l.Err != nil && !l.Recorded && errors.Is(l.Err, blob.ErrNotExist):
		s.Status, s.Error = statusIncomplete, l.Err.Error()
		return s
	case l.Err != nil:
		s.damage(l.Err)
		return s
	case !l.Recorded:
		s.Status = statusNoRecord
	}
	m := l.Snapshot.Manifest
	at := m.Time
	s.Job, s.Run, s.ID, s.Kind, s.Time = m.Job, m.Run, m.ID, string(m.Kind), &at
	s.Bytes, s.Files, s.Parallelism, s.MaxParallelism = m.Bytes(), len(m.Files()), m.Parallelism, m.MaxParallelism
	s.Engine, s.Program = m.Engine, m.Hash
	if err := s.readStates(false); err != nil {
		s.damage(err)
	}
	return s
}

func (s *snapshotInfo) damage(err error) { s.Status, s.Error = statusDamaged, err.Error() }

// verify reads everything: each file against the checksum in `_metadata`, and each section against its own.
func (s *snapshotInfo) verify() {
	if s.snapshot == nil || s.Status == statusDamaged {
		return
	}
	err := s.snapshot.Verify()
	if err == nil {
		err = s.readStates(true)
	}
	switch {
	case err != nil && s.Status == statusNoRecord && errors.Is(err, blob.ErrNotExist):
		s.Status, s.Error = statusIncomplete, err.Error()
	case err != nil:
		s.damage(err)
	case s.Status == statusComplete:
		s.Status = statusIntact
	}
}

// readStates opens every file of the snapshot and adds up what it holds; whole: with every row.
func (s *snapshotInfo) readStates(whole bool) error {
	type id struct{ node, name, kind string }
	all := map[id]*stateInfo{}
	at := func(node, name, kind string) *stateInfo {
		k := id{node, name, kind}
		if all[k] == nil {
			all[k] = &stateInfo{Node: node, Name: name, Kind: kind}
		}
		return all[k]
	}
	for _, h := range s.snapshot.Manifest.Handles {
		if h.Kind == checkpoint.Token {
			t := at(h.Node, "output to publish", string(h.Kind))
			t.Rows, t.Bytes, t.Tasks = t.Rows+1, t.Bytes+int64(len(h.Inline)), t.Tasks+1
		}
	}
	for _, ref := range s.snapshot.Manifest.Files() {
		if err := readFile(s.snapshot.Store, ref, whole, func(sec state.Section, first bool) {
			st := at(sec.Schema.Node, sec.Schema.Name, string(sec.Kind))
			st.Rows, st.Bytes = st.Rows+sec.Rows, st.Bytes+sec.Bytes
			if first {
				st.Tasks++
			}
		}); err != nil {
			return err
		}
	}
	s.States = []stateInfo{}
	for _, st := range all {
		s.States = append(s.States, *st)
	}
	sort.Slice(s.States, func(i, j int) bool {
		a, b := s.States[i], s.States[j]
		return a.Node+"\x00"+a.Name+a.Kind < b.Node+"\x00"+b.Name+b.Kind
	})
	return nil
}

// readFile goes through the sections of one state file; first is true for the first one of each state.
func readFile(store blob.Store, ref blob.Ref, whole bool, each func(s state.Section, first bool)) error {
	r, err := blob.OpenRef(store, ref)
	if err != nil {
		return checkpoint.Damaged(err)
	}
	defer r.Close()
	f, err := state.OpenFile(r, r.Size())
	if err == nil && whole {
		err = f.Verify()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", blob.JoinURI(store.URI(), ref.Name), err)
	}
	seen := map[string]bool{}
	for _, s := range f.Sections() {
		key := string(s.Kind) + s.Schema.Node + "\x00" + s.Schema.Name
		each(s, !seen[key])
		seen[key] = true
	}
	return nil
}

// line is one snapshot of verify.
func (s *snapshotInfo) line(w io.Writer) {
	switch s.Status {
	case statusDamaged, statusIncomplete:
		reason := strings.TrimPrefix(s.Error, s.Path+": ")
		fmt.Fprintf(w, "%-10s  %s: %s\n", s.Status, s.Path, reason)
	default:
		fmt.Fprintf(w, "%-10s  %s (%s, %s)\n", s.Status, s.Path, count(s.Files, "file"), humanize.IBytes(uint64(s.Bytes)))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func printList(w io.Writer, list []*snapshotInfo) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tKIND\tTAKEN\tSIZE\tTASKS\tSTATUS\tPATH")
	for _, s := range list {
		if s.snapshot == nil {
			fmt.Fprintf(t, "-\t-\t-\t-\t-\t%s\t%s\n", s.Status, s.Path)
			continue
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d\t%s\t%s\n", s.ID, s.Kind, s.Time.UTC().Format(time.DateTime), humanize.IBytes(uint64(s.Bytes)), s.Parallelism, s.Status, s.Path)
	}
	_ = t.Flush()
}

// show is one snapshot of ls.
func (s *snapshotInfo) show(w io.Writer) {
	fmt.Fprintf(w, "%s %d of job %s, run %s\n", s.Kind, s.ID, s.Job, s.Run)
	fmt.Fprintf(w, "taken %s by pipec %s, program %s\n", s.Time.UTC().Format(time.DateTime), s.Engine, short(s.Program))
	fmt.Fprintf(w, "%s, %s, parallelism %d of at most %d, %s\n\n", count(s.Files, "file"), humanize.IBytes(uint64(s.Bytes)), s.Parallelism, s.MaxParallelism, s.Status)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tSTATE\tKIND\tROWS\tSIZE\tTASKS")
	for _, st := range s.States {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\n", st.Node, st.Name, st.Kind, humanize.Comma(st.Rows), humanize.IBytes(uint64(st.Bytes)), st.Tasks)
	}
	_ = t.Flush()
}
