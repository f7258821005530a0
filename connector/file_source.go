package connector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"pipec/compiler/plan"
	"pipec/connector/intake"
	"pipec/connector/listing"
)

func fileSpec() Spec {
	return Spec{
		Name: "file",
		Doc: "Reads files, directories and globs, compressed ones too; writes parts of files into a directory, each published whole. " +
			"By name or time the files are one sequence that one task reads in order; with `order = any` each file is a split of its own.",
		SourceParams: []plan.Param{
			{Name: "path", Doc: "A file, a directory (its files whose names do not begin with a dot) or a glob; .gz and .zst are decompressed. Relative to the working directory.",
				Kind: plan.TextParam, Required: true, Example: `path = "data/*.csv.gz"`, Check: checkPath},
			formatParam("How rows are written.", "format csv", true),
			{Name: "follow", Doc: "Go on when the end is reached and wait for more, and for new files; rotation by renaming and by cutting is understood. Each path is a split of its own. Compressed files are not followed.",
				Kind: plan.BoolParam, Default: false, Example: "follow = false"},
			{Name: "order", Doc: "In which order several files are read.", Kind: plan.WordParam, Words: []string{listing.ByName, listing.ByTime, listing.Any}, Default: listing.ByName, Example: "order = time"},
		},
		SinkParams:  fileSinkParams(),
		Formats:     true,
		Replayable:  true,
		Endless:     func(s plan.Settings) bool { return s.Bool("follow") },
		ExactlyOnce: true,
		CheckSource: checkFollow,
		CheckSink:   checkFileSink,
		Probe:       probeFileSink,
		Source:      newFileSource,
		Sink:        newFileSink,
		Examples: []string{
			`from file { path = "data/flights.csv.gz", format csv { null = "NA" } }`,
			`from file { path = "/var/log/orders/*.json", format json, follow = true }`,
			`into file { path = "out/flights", format json, roll { size = 64MiB }, compression = zstd }`,
		},
	}
}

func checkPath(v any) string {
	if v == "" {
		return "path must not be empty"
	}
	return ""
}

// fileSource is one split, named "files", for `order = name` and `time`, else one per file, named by its path.
//
// A restore goes on behind the position. Files that are new since the snapshot are read too if they come in order behind it (by name: a greater path; by time:
// a later one; any: always); a new file in front of it is not.
type fileSource struct {
	o     SourceOptions
	path  string
	order string
	files []listing.File // as of the last call of Splits
}

const filesID = "files"

func newFileSource(o SourceOptions) (Source, error) {
	if _, _, err := decoderOptions(o); err != nil {
		return nil, err
	}
	s := &fileSource{o: o, path: o.Config.Settings.Text("path"), order: o.Config.Settings.Text("order")}
	if s.order == "" {
		s.order = listing.ByName
	}
	if o.Config.Settings.Bool("follow") {
		return newFollowSource(o, s.path, s.order)
	}
	return s, nil
}

// Splits implements Source. It opens every file once, so that an unreadable one is known before anything is claimed. With positions of a snapshot a file that
// is missing is ErrPosition, not ErrOpen.
func (s *fileSource) Splits(ctx context.Context, _ int, known []Split) ([]Split, error) {
	files, err := listing.Files(s.o.Env.FS, s.path, s.order)
	if err != nil && (len(known) == 0 || !errors.Is(err, fs.ErrNotExist)) {
		return nil, listError(err) // with a position in a file that is gone, check says more
	}
	s.files = files
	if len(known) == 0 {
		if err := s.readable(ctx); err != nil {
			return nil, err
		}
	}
	splits := append([]Split(nil), known...)
	has := map[string]bool{}
	for _, k := range known {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.check(k); err != nil {
			return nil, err
		}
		has[k.ID] = true
	}
	if s.order != listing.Any {
		if len(splits) == 0 {
			splits = append(splits, Split{ID: filesID, Chain: true})
		}
		return splits, nil
	}
	for _, f := range files {
		if !has[f.Path] {
			splits = append(splits, Split{ID: f.Path})
		}
	}
	return splits, nil
}

// readable opens and closes every file: permissions are known only by trying.
func (s *fileSource) readable(ctx context.Context) error {
	for _, file := range s.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := s.o.Env.FS.Open(file.Path)
		if err != nil {
			return openError(file.Path, err)
		}
		f.Close()
	}
	return nil
}

// check says whether a split of a snapshot can go on.
func (s *fileSource) check(k Split) error {
	if k.Chain != (s.order != listing.Any) {
		return &Error{Kind: ErrPosition, What: s.path, Text: fmt.Sprintf("the snapshot was taken with another `order` than %s", s.order)}
	}
	if k.Ended || k.Chain && k.Position == nil {
		return nil
	}
	if k.Position == nil {
		for _, f := range s.files {
			if f.Path == k.ID {
				return nil
			}
		}
		return &Error{Kind: ErrPosition, What: k.ID, Text: "it is gone, and the snapshot has still to read it"}
	}
	p, err := parsePosition(k.Position)
	if err != nil {
		return err
	}
	return p.check(s.o.Env.FS)
}

// Reader implements Source.
func (s *fileSource) Reader(splits []Split, wake func()) (Reader, error) {
	splits = append([]Split(nil), splits...)
	files := &fileFeed{fs: s.o.Env.FS}
	for i, split := range splits {
		inputs, err := s.inputs(i, split)
		if err != nil {
			return nil, err
		}
		files.inputs = append(files.inputs, inputs...)
	}
	stop := make(chan struct{})
	if s.o.Env.Inline {
		files.pool = intake.NewPool(0, nil)
		return newRowReader(s.o, splits, files, stop, wake)
	}
	// Two goroutines: one reads and decompresses until halt, one decodes until stop. The decoder is stopped first, for it waits for the other.
	halt := make(chan struct{})
	files.pool = intake.NewPool(intake.BlocksMax, halt)
	blocks := intake.NewPrefetch(intake.NewAhead(1, nil, halt, files.Next), stop, files)
	r, err := newRowReader(s.o, splits, blocks, stop, wake)
	if err != nil {
		blocks.Close()
		return nil, err
	}
	return r, nil
}

// inputs are the files that a split has still to read.
func (s *fileSource) inputs(index int, split Split) ([]*fileInput, error) {
	if split.Ended && !split.Chain { // files that have come since go on a chain, whether or not it had been read to its end
		return nil, nil
	}
	var list []*fileInput
	add := func(path string, from *position) {
		list = append(list, &fileInput{Input: intake.Input{Name: path, Split: index}, path: path, from: from})
	}
	var at *position
	if split.Position != nil {
		p, err := parsePosition(split.Position)
		if err != nil {
			return nil, err
		}
		if at = p; !p.End {
			add(p.File, p)
		}
	}
	switch {
	case split.Chain: // the list is that of the last Splits, so it holds what has come since the snapshot
		for _, f := range s.files {
			if at == nil || at.precedes(s.order, f) {
				add(f.Path, nil)
			}
		}
	case at == nil:
		add(split.ID, nil)
	}
	if len(list) > 0 {
		list[len(list)-1].Final = true
	}
	return list, nil
}

// precedes says whether a file comes behind the position in order.
func (p *position) precedes(order string, f listing.File) bool {
	if f.Path == p.File {
		return false
	}
	if order == listing.ByTime && f.Info.ModTime.UnixNano() != p.Time {
		return p.Time < f.Info.ModTime.UnixNano()
	}
	return p.File < f.Path
}

// Close implements Source.
func (s *fileSource) Close() error { return nil }
