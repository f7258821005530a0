package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
)

// profiles writes what `--profile` asks for into a folder: cpu.pprof and heap.pprof for `go tool pprof`, trace.out for `go tool trace`.
type profiles struct {
	dir        string
	cpu, trace *os.File
}

// profile begins; with "" it does nothing, nor does stop.
func profile(dir string) (*profiles, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p := &profiles{dir: dir}
	var err error
	if p.cpu, err = os.Create(filepath.Join(dir, "cpu.pprof")); err != nil {
		return nil, err
	}
	if p.trace, err = os.Create(filepath.Join(dir, "trace.out")); err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(p.cpu); err != nil {
		return nil, err
	}
	return p, trace.Start(p.trace)
}

// stop ends the profiles and writes that of the heap: what is alive when the job has ended, and what was allocated in all.
func (p *profiles) stop() error {
	if p == nil {
		return nil
	}
	trace.Stop()
	pprof.StopCPUProfile()
	err := errors.Join(p.trace.Close(), p.cpu.Close())
	heap, e := os.Create(filepath.Join(p.dir, "heap.pprof"))
	if e != nil {
		return errors.Join(err, e)
	}
	runtime.GC() // the heap profile is as old as the last collection
	if err = errors.Join(err, pprof.Lookup("heap").WriteTo(heap, 0), heap.Close()); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	return nil
}
