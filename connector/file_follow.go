package connector

import (
	"context"
	"errors"
	"io/fs"

	"pipec/compiler/plan"
	"pipec/connector/follow"
	"pipec/connector/intake"
	"pipec/connector/listing"
)

// checkFollow says what contradicts `follow`.
func checkFollow(s plan.Settings) string {
	if s.Bool("follow") && compression(s.Text("path")) != "" {
		return "a compressed file cannot be followed; with follow = false the job reads what is there and finishes"
	}
	return ""
}

// followSource reads files that grow. Each path is a split of its own; `order` is that in which a task reads what is there when it begins.
type followSource struct {
	o       SourceOptions
	path    string
	order   string
	tracker *follow.Tracker
}

func newFollowSource(o SourceOptions, name, order string) (Source, error) {
	if text := checkFollow(o.Config.Settings); text != "" {
		return nil, &Error{Kind: ErrOpen, What: name, Text: text}
	}
	s := &followSource{o: o, path: name, order: order}
	s.tracker = follow.NewTracker(follow.Options{FS: o.Env.FS, Clock: o.Env.Clock, Watcher: o.Env.Watcher, Inline: o.Env.Inline, Note: o.Env.note,
		List: func() ([]listing.File, []string, error) { return listing.Live(o.Env.FS, name, order) },
		Lost: func(file, text string) error { return &Error{Kind: ErrPosition, What: file, Text: text} },
	})
	return s, nil
}

// Splits implements Source. Splits of a snapshot whose files were read and are gone are left out. A path that names one file must name one at a start without a snapshot: who
// mistyped it would wait for ever.
func (s *followSource) Splits(ctx context.Context, _ int, known []Split) ([]Split, error) {
	if _, err := s.o.Env.FS.Stat(s.path); len(known) == 0 && err != nil && !listing.Pattern(s.path) {
		return nil, openError(s.path, err)
	}
	var before []follow.Split
	for _, k := range known {
		if k.Chain {
			return nil, &Error{Kind: ErrPosition, What: s.path, Text: "the snapshot was taken with `follow = false`"}
		}
		before = append(before, follow.Split{ID: k.ID, Position: k.Position, Ended: k.Ended})
	}
	found, err := s.tracker.Splits(before)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, openError(s.path, err)
		}
		return nil, listError(err)
	}
	var splits []Split
	for _, f := range found {
		splits = append(splits, Split{ID: f.ID, Position: f.Position, Ended: f.Ended})
	}
	return splits, ctx.Err()
}

// Reader implements Source.
func (s *followSource) Reader(splits []Split, wake func()) (Reader, error) {
	splits = append([]Split(nil), splits...)
	var mine []follow.Split
	for _, k := range splits {
		mine = append(mine, follow.Split{ID: k.ID, Position: k.Position, Ended: k.Ended})
	}
	stop, halt := make(chan struct{}), make(chan struct{})
	limit := intake.BlocksMax
	if s.o.Env.Inline {
		limit = 0
	}
	files, err := s.tracker.Feed(mine, intake.NewPool(limit, halt), halt)
	if err != nil {
		return nil, err
	}
	blocks := intake.Feed(files)
	if !s.o.Env.Inline {
		blocks = intake.NewPrefetch(intake.NewAhead(1, nil, halt, files.Next), stop, files)
	}
	r, err := newRowReader(s.o, splits, blocks, stop, wake)
	if err != nil {
		blocks.Close()
		return nil, err
	}
	r.found = files
	return r, nil
}

// Close implements Source.
func (s *followSource) Close() error { return s.tracker.Close() }
