package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pipec/checkpoint/event"
	"pipec/vm"
)

// watched is a scheduler that knows the longest step of any machine while a checkpoint is under way, in the time that its own thread was running. It begins to look after so many steps,
// when all keys are there: what a growing table costs is another question.
type watched struct {
	vm.Scheduler
	t       testing.TB
	skip    int64
	steps   atomic.Int64
	under   atomic.Int64 // checkpoints
	longest atomic.Int64
}

func (w *watched) Start(name string, m vm.Machine) func() {
	return w.Scheduler.Start(name, &watchedMachine{w, m})
}

type watchedMachine struct {
	of *watched
	m  vm.Machine
}

// Step implements vm.Machine.
func (w *watchedMachine) Step() (vm.Progress, time.Time) {
	if w.of.steps.Add(1) < w.of.skip || w.of.under.Load() != 1 {
		return w.m.Step()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := cpuTime(w.of.t, unix.CLOCK_THREAD_CPUTIME_ID)
	p, until := w.m.Step()
	took := int64(cpuTime(w.of.t, unix.CLOCK_THREAD_CPUTIME_ID) - before)
	for {
		old := w.of.longest.Load()
		if took <= old || w.of.longest.CompareAndSwap(old, took) {
			return p, until
		}
	}
}

// Emit implements event.Sink.
func (w *watched) Emit(e event.Event) {
	switch e.Body.(type) {
	case *event.CheckpointTriggered:
		w.under.Add(1)
	case *event.CheckpointCompleted, *event.CheckpointFailed:
		w.under.Add(-1)
	}
}

// How long a checkpoint holds a batch up: the CPU time of the longest step while one is under way.
func BenchmarkStall(b *testing.B) {
	for _, c := range []struct {
		name, every string
		keys, rows  int64
	}{{"1M", "500ms", 1_000_000, 20_000_000}, {"10M", "2s", 10_000_000, 40_000_000}} {
		b.Run(c.name, func(b *testing.B) {
			rows := size(c.rows)
			text := fmt.Sprintf("job stall { }\nsource numbers from sequence { to = %d }\nfrom numbers |> derive k = value * 7919 %% %d |> key by k |> aggregate n = count(), total = sum(value) |> into blackhole", rows-1, c.keys)
			var longest []float64
			for b.Loop() {
				w := &watched{t: b, skip: 2 * c.keys / 1024} // a step is a batch or, between batches, a look at the watermark
				p := program{text: text, events: w, sets: map[string]string{"job.state": "fs", "job.checkpoint.interval": c.every, "job.checkpoint.storage": b.TempDir()}, sched: func(s vm.Scheduler) vm.Scheduler {
					w.Scheduler = s
					return w
				}}
				s := p.run(b, p.compile(b))
				if s.Checkpoints.Completed < 2 {
					b.Fatalf("%d checkpoints: none while rows came", s.Checkpoints.Completed)
				}
				longest = append(longest, float64(w.longest.Load())/1e6)
			}
			b.ReportMetric(median(longest), "stall-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// From the start of the binary to the first row of a small job.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	binary, job := filepath.Join(dir, "pipec"), filepath.Join(dir, "job.pipe")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "pipec/cmd/pipec")
	build.Stderr = os.Stderr
	must(b, build.Run())
	must(b, os.WriteFile(job, []byte("source n from sequence { to = 9 }\nfrom n |> where value > 0 |> key by k = value % 3 |> count |> into stdout\n"), 0o644))
	var all []float64
	for b.Loop() {
		for range 9 {
			cmd := exec.Command(binary, "run", job)
			out, err := cmd.StdoutPipe()
			must(b, err)
			begun := time.Now()
			must(b, cmd.Start())
			first := make([]byte, 1)
			_, err = out.Read(first)
			all = append(all, float64(time.Since(begun).Microseconds())/1000)
			must(b, err)
			_ = cmd.Wait() // the rest of its output has no reader
		}
	}
	b.ReportMetric(median(all), "start-ms")
	b.ReportMetric(0, "ns/op")
}

// Bytes of the heap for each key with a count and a sum, over sizes between two growths of a table.
func BenchmarkMemory(b *testing.B) {
	per := 0.0
	for b.Loop() {
		var all float64
		sizes := []int64{500_000, 600_000, 700_000, 800_000, 900_000, 1_000_000, 1_200_000, 1_400_000}
		base := held(b, 0)
		for _, keys := range sizes {
			all += float64(held(b, keys)-base) / float64(keys)
		}
		per = all / float64(len(sizes))
	}
	b.ReportMetric(per, "B/key")
	b.ReportMetric(0, "ns/op")
}

// held is the live heap of a job that has seen so many keys.
func held(b *testing.B, keys int64) int64 {
	in, feed, err := os.Pipe()
	must(b, err)
	seen := &rowCounter{want: keys + 1, done: make(chan struct{})}
	p := program{stdin: in, stdout: seen, text: "source numbers from stdin { format json, schema { k: int } }\nfrom numbers |> key by k |> aggregate n = count(), total = sum(k) |> select k |> into stdout"}
	var heap int64
	var wait sync.WaitGroup
	wait.Go(func() {
		w := bufio.NewWriterSize(feed, 1<<16)
		for k := range keys + 1 {
			fmt.Fprintf(w, "{\"k\":%d}\n", k)
		}
		_ = w.Flush() // a missing row is seen below
		<-seen.done
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what pools hold goes with the second
		runtime.ReadMemStats(&m)
		heap = int64(m.HeapAlloc)
		_ = feed.Close()
	})
	p.run(b, p.compile(b))
	wait.Wait()
	must(b, in.Close())
	return heap
}

// rowCounter closes done when it has seen so many lines.
type rowCounter struct {
	want int64
	done chan struct{}
}

// Write implements io.Writer.
func (r *rowCounter) Write(p []byte) (int, error) {
	before := r.want
	for _, c := range p {
		if c == '\n' {
			r.want--
		}
	}
	if before > 0 && r.want <= 0 {
		close(r.done)
	}
	return len(p), nil
}

// How long a row is on its way to the standard output: at 100,000 rows a second in a hundred a millisecond, from the standard input, a file that grows and a connection, and in a pipeline
// where a row comes every five milliseconds.
func BenchmarkLatency(b *testing.B) {
	for _, c := range []struct {
		name  string
		every time.Duration
		burst int
		rows  int
		open  func(b *testing.B) (feed io.WriteCloser, source program)
	}{
		{"100k", time.Millisecond, 100, 200_000, fromStdin}, {"100k-file", time.Millisecond, 100, 200_000, fromFile}, {"100k-socket", time.Millisecond, 100, 200_000, fromSocket},
		{"quiet", 5 * time.Millisecond, 1, 400, fromStdin},
	} {
		b.Run(c.name, func(b *testing.B) {
			var all []float64
			for b.Loop() {
				feed, source := c.open(b)
				all = append(all, latencies(b, feed, source, c.every, c.burst, c.rows)...)
			}
			slices.Sort(all)
			at := func(q float64) float64 { return all[int(q*float64(len(all)-1))] }
			b.ReportMetric(at(0.5), "p50-ms")
			b.ReportMetric(at(0.99), "p99-ms")
			b.ReportMetric(at(0.999), "p99.9-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

const sentRows = "format json, schema { id: int, sent: int } }\n"

func fromStdin(b *testing.B) (io.WriteCloser, program) {
	in, feed, err := os.Pipe()
	must(b, err)
	return feed, program{stdin: in, text: "source rows from stdin { " + sentRows}
}

func fromFile(b *testing.B) (io.WriteCloser, program) {
	name := filepath.Join(b.TempDir(), "rows.json")
	feed, err := os.Create(name)
	must(b, err)
	return feed, program{text: fmt.Sprintf("source rows from file { path = %q, follow = true, ", name) + sentRows}
}

func fromSocket(b *testing.B) (io.WriteCloser, program) {
	server, err := net.Listen("tcp", "localhost:0")
	must(b, err)
	return &accepted{server: server}, program{text: fmt.Sprintf("source rows from socket { address = %q, ", server.Addr()) + sentRows}
}

// accepted is the first connection to a server.
type accepted struct {
	server net.Listener
	conn   net.Conn
}

// Write implements io.Writer.
func (a *accepted) Write(p []byte) (n int, err error) {
	if a.conn == nil {
		if a.conn, err = a.server.Accept(); err != nil {
			return 0, err
		}
	}
	return a.conn.Write(p)
}

// Close implements io.Closer.
func (a *accepted) Close() error { return errors.Join(a.conn.Close(), a.server.Close()) }

// latencies are those of all rows, in milliseconds.
func latencies(b *testing.B, feed io.WriteCloser, p program, every time.Duration, burst, rows int) []float64 {
	result, out, err := os.Pipe()
	must(b, err)
	begun := time.Now()
	var all []float64
	var both sync.WaitGroup
	enough := make(chan struct{})
	both.Go(func() {
		if _, err := feed.Write([]byte("{\"id\":-1,\"sent\":0}\n")); err != nil { // a connection is there with it
			return
		}
		start := time.Since(begun)
		tick := time.NewTicker(every)
		defer tick.Stop()
		var buf []byte
		for sent := 0; sent < rows; {
			// Rows that are due since the last tick are sent as if they came one after the other: a late ticker is not a slow engine.
			<-tick.C
			for due := int((time.Since(begun)-start)/every) * burst; sent < min(due, rows); {
				buf = buf[:0]
				for range burst {
					buf = fmt.Appendf(buf, "{\"id\":%d,\"sent\":%d}\n", sent, time.Since(begun).Microseconds())
					sent++
				}
				if _, err := feed.Write(buf); err != nil {
					return
				}
			}
		}
		<-enough // a file or a connection goes on
		_ = feed.Close()
	})
	both.Go(func() {
		r := bufio.NewScanner(result)
		for len(all) < rows && r.Scan() {
			now := time.Since(begun).Microseconds()
			line := after(r.Bytes(), `{"sent":`)
			sent, err := strconv.ParseInt(string(line[:len(line)-1]), 10, 64)
			if err != nil {
				continue // the count of rows tells
			}
			all = append(all, float64(now-sent)/1000)
		}
		close(enough)
	})
	p.text += "from rows |> where id >= 0 |> select sent |> into stdout"
	p.stdout, p.enough = out, enough
	p.run(b, p.compile(b))
	must(b, out.Close())
	both.Wait()
	if len(all) != rows {
		b.Fatalf("%d rows of %d came out", len(all), rows)
	}
	return all
}
