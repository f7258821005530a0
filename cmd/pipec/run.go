package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	mathrand "math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/connector/follow"
	"pipec/connector/redial"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
	"pipec/vm/fault"
)

// runFlags are what `run` takes besides what every verb that compiles takes.
type runFlags struct {
	given
	restore          string
	restoreSet       bool
	allowNonRestored bool
	resume, fresh    bool
	claim            bool
	events           string
	faults           []string
	grace            time.Duration
	log              string
	quiet            bool
	profile          string
	stats            bool
}

func runCommand(std streams) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "compile and run a job",
		Long: `run compiles the program and runs it until its input ends or it is told to stop.

What an earlier run left in the job's storage decides how this one starts: a run that died or was suspended is recovered, a run that
failed is only resumed with --resume, and -s goes back to any snapshot. The first Ctrl-C takes a last checkpoint and ends; the second ends at once.`,
		Example: `  printf 'to be or not to be\n' | pipec run examples/wordcount.pipe
  pipec run examples/flights.pipe --set job.state=memory --set output=out/try`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, files []string) error {
			f.restoreSet = cmd.Flags().Changed("restore")
			return run(std, files[0], f)
		},
	}
	flags := cmd.Flags()
	f.flags(cmd)
	flags.StringVarP(&f.restore, "restore", "s", "", "start from the snapshot at `PATH`: a checkpoint's directory, or its _metadata")
	flags.BoolVarP(&f.allowNonRestored, "allow-non-restored-state", "n", false, "leave state of the snapshot behind that no stage takes")
	flags.BoolVar(&f.claim, "claim", false, "with -s: the snapshot becomes this job's own")
	flags.BoolVar(&f.resume, "resume", false, "go on from the newest checkpoint of a run that failed or was cancelled")
	flags.BoolVar(&f.fresh, "fresh", false, "start empty, whatever is in the storage")
	flags.StringVar(&f.events, "events", "", "append what happens to `FILE`, one JSON object a line")
	completeSnapshots(cmd, &f.given)
	faultFlag(cmd, &f.faults, &f.given)
	flags.DurationVar(&f.grace, "grace", 20*time.Second, "how long the last checkpoint may take after a signal, a `DURATION`")
	logFlag(cmd, &f.log)
	flags.BoolVar(&f.quiet, "quiet", false, "print errors only")
	flags.StringVar(&f.profile, "profile", "", "write cpu.pprof, heap.pprof and trace.out of the run into the folder `DIR`")
	flags.BoolVar(&f.stats, "stats", false, "show in the end report what each stage took: nanoseconds per row, and its share of the time")
	_ = flags.MarkHidden("claim")
	return cmd
}

// check says what is wrong with the flags together.
func (f *runFlags) check() error {
	chosen := 0
	for _, on := range []bool{f.restoreSet, f.resume, f.fresh} {
		if on {
			chosen++
		}
	}
	switch {
	case f.restoreSet && f.restore == "":
		return errors.New("-s needs the path of a snapshot")
	case chosen > 1:
		return errors.New("-s, --resume and --fresh exclude each other")
	case f.claim:
		return errors.New("--claim comes in a later version: the snapshot stays yours")
	case f.grace <= 0:
		return errors.New("--grace must be longer than nothing")
	}
	return nil
}

// fits says what is asked of a program that cannot do it: to begin without the state that the user named would be worse than not to begin.
func (f *runFlags) fits(p *plan.Plan) error {
	asked := "-s"
	switch {
	case p.Job.Checkpoint.Enabled() || !f.restoreSet && !f.resume:
		return nil
	case f.resume:
		asked = "--resume"
	}
	return fmt.Errorf("%s: this job takes no checkpoints, and goes on from none: `checkpoint every ...` in its job block turns them on", asked)
}

func run(std streams, file string, f runFlags) error {
	log, err := newJournal(f.log, std.err)
	if err != nil {
		return &exit{exitUsage, err}
	}
	return log.end(runJob(std, file, f, log))
}

// runJob is run without its last word. log is nil if that is text.
func runJob(std streams, file string, f runFlags, log *journal) error {
	if err := f.check(); err != nil {
		return &exit{exitUsage, err}
	}
	faults, err := fault.Parse(f.faults)
	if err != nil {
		return &exit{exitUsage, err}
	}
	c, err := compile(std, file, f.given, false)
	if err != nil {
		return err
	}
	log.render(std, withoutHints(c.diags), c.sources)
	if c.diags.HasErrors() {
		return &exit{exitInvalid, nil}
	}
	if err := errors.Join(checkFaults(faults, c.plan), f.fits(c.plan)); err != nil {
		return &exit{exitUsage, err}
	}
	show := newDisplay(std, c.plan, f.quiet || log != nil)
	defer show.close()
	r := &reporter{w: show.err, log: log.through(show.err), quiet: f.quiet, stats: f.stats, plan: c.plan}
	front := newDesk(c.plan)
	env := &vm.Env{FS: vfs.OS(), Clock: clock.Real(), Random: seeded(), Stdin: connector.Keep(std.in), Stdout: show.stdout(),
		Watcher: follow.OS(), Dialer: redial.Keep(redial.Net()), Faults: faults, Process: process()}
	env.Local = localDir(&c.plan.Job)
	limitMemory(c.plan.Job.Memory)
	events, err := openEvents(f.events)
	if err != nil {
		return &exit{exitUsage, fmt.Errorf("--events: %w", err)}
	}
	defer events.close()
	env.Events = event.FanOut(r, front, show, events)
	if f.restore, err = absolute(f.restore); err != nil {
		return &exit{exitUsage, err}
	}
	taken, err := profile(f.profile)
	if err != nil {
		return &exit{exitUsage, fmt.Errorf("--profile: %w", err)}
	}
	res, err := supervise(env, c.plan, r, show, front, f)
	if err != nil { // it is left as it is
		res = vm.Result{State: event.Failed, Err: err}
	}
	front.close(res)
	show.close()
	if err = errors.Join(err, taken.stop()); err != nil {
		return err
	}
	if err := events.close(); err != nil {
		r.fail("--events: %v", err)
	}
	r.footer(res, again(file, f))
	for _, rule := range faults.Unused() {
		r.line("--fault %s never happened", rule)
	}
	if res.Err != nil {
		return &exit{res.Exit, res.Err}
	}
	return nil
}

// supervise runs the job and passes signals on: the first suspends it, the second ends the process.
func supervise(env *vm.Env, p *plan.Plan, r *reporter, show *display, front *desk, f runFlags) (vm.Result, error) {
	sched := &vm.Goroutines{Clock: env.Clock}
	env.Sched = sched
	job, err := vm.New(p, env, vm.Request{Request: checkpoint.Request{Resume: f.resume, Fresh: f.fresh, Restore: f.restore}, AllowNonRestored: f.allowNonRestored})
	if err != nil {
		return vm.Result{}, &exit{exitInvalid, err}
	}
	r.how = job.Describe()
	if env.Faults != nil {
		env.Faults.Wait = job.Hold
	}
	job.Note = func(text string) { r.line("%s", text) }
	front.job, front.note = job, job.Note
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away is an error of the sink, not the end of the process
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	result := job.Start()
	show.follow(job)
	var grace <-chan time.Time
	for {
		select {
		case res := <-result:
			return res, nil
		case <-signals:
			if grace != nil {
				return vm.Result{}, &exit{exitKilled, errors.New("ended at once by a second signal")}
			}
			r.line("suspending: again to end at once")
			grace = env.Clock.NewTimer(f.grace).C()
			job.Suspend()
		case <-grace:
			return vm.Result{}, &exit{exitFailed, fmt.Errorf("the last checkpoint was not complete within --grace %s", f.grace)}
		}
	}
}

// absolute makes a path independent of the working directory; URIs are that already.
func absolute(path string) (string, error) {
	if path == "" || strings.Contains(path, "://") {
		return path, nil
	}
	slash := strings.HasSuffix(path, "/")
	path, err := filepath.Abs(path)
	if slash {
		path += "/"
	}
	return path, err
}

// again is the command that goes on from here.
func again(file string, f runFlags) string {
	parts := []string{"pipec run", quote(file)}
	for _, s := range f.sets {
		parts = append(parts, "--set", quote(s))
	}
	if f.config != "" {
		parts = append(parts, "--config", quote(f.config))
	}
	if f.parallelism > 0 {
		parts = append(parts, fmt.Sprintf("-p %d", f.parallelism))
	}
	return strings.Join(parts, " ")
}

// quote makes a word safe for a shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,@%+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// seeded gives random numbers that no two processes share; it may be called from several goroutines.
func seeded() func() uint64 {
	var seed [16]byte
	_, _ = rand.Read(seed[:]) // never fails
	rng := mathrand.New(mathrand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])))
	var mu sync.Mutex
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return rng.Uint64()
	}
}

func process() vm.Process {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return vm.Process{Host: host, ID: os.Getpid(), Engine: versionText()}
}

// limitMemory tells the collector what the job may have, as GOMEMLIMIT does; of two limits the smaller holds. Some is left for what the collector does
// not count.
func limitMemory(memory int64) {
	if limit := memory - memory/16; limit > 0 && limit < debug.SetMemoryLimit(-1) {
		debug.SetMemoryLimit(limit)
	}
}

// localDir is where backends keep working files. Also below a directory that the program names each job has its own, told apart by name and storage, so
// that a job that died finds, and wipes, its own database and nobody else's. Without a storage nobody looks for it again: it goes by the process.
func localDir(j *plan.Job) string {
	own := fmt.Sprintf("pipec-%d", os.Getpid())
	stored := j.Checkpoint.Storage != "" && j.Name != ""
	if stored {
		where, err := filepath.Abs(j.Checkpoint.Storage)
		if err != nil {
			where = j.Checkpoint.Storage
		}
		h := fnv.New64a()
		h.Write([]byte(where))
		own = fmt.Sprintf("%s-%016x", j.Name, h.Sum64())
	}
	switch base := os.Getenv("XDG_STATE_HOME"); {
	case j.State.Local != "":
		return filepath.Join(j.State.Local, own)
	case stored && base != "":
		return filepath.Join(base, "pipec", own)
	case stored:
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, ".local", "state", "pipec", own)
		}
	}
	return filepath.Join(os.TempDir(), own)
}
