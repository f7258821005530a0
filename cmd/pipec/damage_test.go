package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// numbersJob publishes {"value":0} to {"value":last}, with checkpoints in st.
const numbersJob = `
param last: int = 100000
param rate: float = 2000.0

job j {
  parallelism = 2
  state fs
  checkpoint every 20ms { storage = "st", retain = 3 }
}

source numbers from sequence { to = last, rate = rate }

from numbers
  |> key by bucket = value % 5
  |> count
  |> into counts

from numbers
  |> select value
  |> into out

sink counts into file { path = "counts", format json, key bucket }
sink out into file { path = "out", format json }
`

// dead gives a box in which a run was killed after so many checkpoints.
func dead(t *testing.T, checkpoints int) *box {
	t.Helper()
	b := newBox(t, numbersJob)
	p := b.start()
	p.until("checkpoint_completed", checkpoints)
	p.signal(syscall.SIGKILL)
	p.ends("killed")
	return b
}

// newest is the checkpoint that a recovery takes: the newest that the history has, as `state ls` says.
func (b *box) newest() string {
	b.t.Helper()
	out := b.command("0", "state", "ls", "st/j")
	found := regexp.MustCompile(`(?m)\scomplete +(st/j/\S+)$`).FindAllStringSubmatch(out, -1)
	if len(found) < 2 {
		b.t.Fatalf("no two complete checkpoints:\n%s", out)
	}
	return found[len(found)-1][1]
}

// command runs pipec in the box and gives what it printed on both streams.
func (b *box) command(code string, args ...string) string {
	b.t.Helper()
	p := b.startCommand(args...)
	p.ends(code)
	out, _ := p.out.now()
	return out + p.stderr()
}

// TestDamagedCheckpoint damages every file of the newest checkpoint in every way. `run` and `run -s` end with 4, name the file and the older checkpoints, and
// change nothing; `state verify` finds the same.
func TestDamagedCheckpoint(t *testing.T) {
	t.Parallel()
	b := dead(t, 5)
	newest := b.newest()
	names, err := filepath.Glob(b.path(newest + "/*"))
	if err != nil || len(names) < 4 {
		t.Fatalf("files of the checkpoint: %v, %v", names, err)
	}
	if out := b.command("0", "state", "verify", "st"); strings.Count(out, "intact") < 3 || strings.Contains(out, "damaged") {
		t.Fatalf("before any damage: %s", out)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(b.dir, name)
		flip := func(at int) func() error {
			bad := slices.Clone(data)
			bad[at] ^= 0x10
			return func() error { return os.WriteFile(name, bad, 0o644) }
		}
		for how, damage := range map[string]func() error{
			"missing":   func() error { return os.Remove(name) },
			"empty":     func() error { return os.Truncate(name, 0) },
			"truncated": func() error { return os.Truncate(name, int64(len(data)-1)) },
			"first":     flip(0), "middle": flip(len(data) / 2), "last": flip(len(data) - 1),
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			before := b.tree("st") + b.tree("out")
			for _, args := range [][]string{nil, {"-s", newest}} {
				p := b.run("4", args...)
				text := p.stderr()
				if !strings.Contains(text, rel) && !(how == "missing" && strings.Contains(text, "it has no _metadata")) {
					t.Errorf("%s %s %v: the file is not named:\n%s", rel, how, args, text)
				}
				if !strings.Contains(text, "older and intact:") || strings.Count(text, "/chk-") < 3 {
					t.Errorf("%s %s %v: the older ones are not offered:\n%s", rel, how, args, text)
				}
				if rows := p.named("summary"); len(rows) != 1 || rows[0].text("state") != "failed" || len(rows[0]["sources"].([]any)) != 0 {
					t.Errorf("%s %s %v: %v", rel, how, args, rows)
				}
			}
			if b.tree("st")+b.tree("out") != before {
				t.Errorf("%s %s: the start changed the disk", rel, how)
			}
			if out := b.command("4", "state", "verify", "st"); !regexp.MustCompile(`(?m)^damaged +`+regexp.QuoteMeta(newest)).MatchString(out) || strings.Count(out, "damaged  ") != 1 {
				t.Errorf("%s %s: verify says\n%s", rel, how, out)
			}
			b.command("4", "state", "verify", newest)
			if err := os.WriteFile(name, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	// An older one that is offered can be taken, by hand.
	if err := os.WriteFile(names[0], nil, 0o644); err != nil {
		t.Fatal(err)
	}
	text := b.run("4").stderr()
	offered := regexp.MustCompile(`(?m)^  (\S+/chk-\d+)$`).FindStringSubmatch(text)
	if offered == nil {
		t.Fatalf("nothing is offered:\n%s", text)
	}
	p := b.run("0", "-s", offered[1], "--set", "last=3000", "--set", "rate=1000000.0")
	if r := p.named("restored"); len(r) != 1 || !strings.HasSuffix(offered[1], fmt.Sprintf("/chk-%d", r[0].number("id"))) {
		t.Fatalf("restored %v, asked for %s", r, offered[1])
	}
}

// TestSecondRunIsRefused: one job, one process; the second learns who the first is, and disturbs nothing.
func TestSecondRunIsRefused(t *testing.T) {
	t.Parallel()
	b := newBox(t, numbersJob)
	p := b.start("--set", "last=3000")
	p.until("checkpoint_completed", 2)
	host, _ := os.Hostname()
	for _, args := range [][]string{nil, {"--resume"}, {"--fresh"}, {"-s", "nowhere/chk-1"}} {
		text := b.run("5", args...).stderr()
		if !strings.Contains(text, fmt.Sprintf("already running: run %s, process %d on %s", p.log()[0].text("run"), p.cmd.Process.Pid, host)) {
			t.Errorf("%v: %s", args, text)
		}
	}
	p.ends("0")
	b.numbers("out", 3000)
}

// TestStorageInTheWay: the storage refuses to take one checkpoint, in the words of the operating system. That checkpoint fails, those before and behind it do not.
func TestStorageInTheWay(t *testing.T) {
	t.Parallel()
	b := newBox(t, strings.Replace(numbersJob, "retain = 3", "retain = 3, tolerate_failures = 1", 1))
	p := b.start("--set", "last=3000")
	done := p.until("checkpoint_completed", 2)
	id := done[len(done)-1].number("id") + 8
	if err := os.WriteFile(b.path(fmt.Sprintf("st/j/%s/chk-%d", done[0].text("run"), id)), []byte("no directory"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.ends("0")
	failed := slices.DeleteFunc(p.named("checkpoint_failed"), func(h happened) bool { return h.number("consecutive") == 0 })
	if len(failed) != 1 || failed[0].number("id") != id || failed[0].text("reason") != "io" || !strings.Contains(failed[0].text("text"), "not a directory") {
		t.Fatalf("failed: %v", failed)
	}
	after := false
	for _, h := range p.named("checkpoint_completed") {
		after = after || h.number("id") > id
	}
	if len(p.named("restart")) != 0 || !after {
		t.Fatalf("the job did not just go on:\n%s", p.stderr())
	}
	b.numbers("out", 3000)
}

// zombie stops a run, takes its lock away and lets a successor take over.
func zombie(t *testing.T, args ...string) (b *box, old, successor *life) {
	t.Helper()
	b = newBox(t, numbersJob)
	old = b.start(append([]string{"--set", "last=4000"}, args...)...)
	old.until("committed", 3)
	old.signal(syscall.SIGSTOP)
	if err := os.Remove(b.path("st/j/lock")); err != nil {
		t.Fatal(err)
	}
	return b, old, b.start("--set", "last=4000")
}

// TestZombie: a run that was thought dead wakes up while its successor runs. It ends, says who took over, and the output is that of one run.
func TestZombie(t *testing.T) {
	t.Parallel()
	b, old, successor := zombie(t)
	successor.until("committed", 2)
	old.signal(syscall.SIGCONT)
	old.ends("1")
	if text := old.stderr(); !strings.Contains(text, fmt.Sprintf("the job was claimed by a newer process: run %s, epoch", old.log()[0].text("run"))) ||
		!strings.Contains(text, fmt.Sprintf("process %d on", successor.cmd.Process.Pid)) {
		t.Errorf("the zombie says:\n%s", text)
	}
	if n := len(old.named("restart")); n > 1 { // one, if it met what its successor deleted before it met the claim
		t.Errorf("the zombie tried again %d times", n)
	}
	successor.ends("0")
	b.numbers("out", 4000)
	if left, _ := filepath.Glob(b.path("st/j/*/chk-*/_metadata")); len(left) != 0 {
		t.Errorf("the successor finished and its checkpoints are there: %v", left)
	}
}

// TestZombieLongAfter: it wakes when its successor has finished, and when another run has begun after that. It changes nothing of theirs and publishes nothing;
// what it leaves are attempts without a record under its own epoch, and they are nobody's checkpoint.
func TestZombieLongAfter(t *testing.T) {
	t.Parallel()
	for _, third := range []bool{false, true} {
		b, old, successor := zombie(t)
		successor.ends("0")
		b.numbers("out", 4000)
		var next *life
		if third { // a new run of the same job, to other files, is in the middle of its work
			b.write("job.pipe", strings.ReplaceAll(strings.ReplaceAll(numbersJob, `path = "out"`, `path = "out2"`), `path = "counts"`, `path = "counts2"`))
			next = b.start("--set", "last=4000")
			next.until("committed", 2)
		}
		published, counts := b.tree("out"), b.tree("counts")
		old.signal(syscall.SIGCONT)
		old.ends("1")
		if b.withoutPending("out") != published || b.withoutPending("counts") != counts {
			t.Errorf("third run %v: the zombie changed the output", third)
		}
		if next != nil {
			next.ends("0")
			b.numbers("out2", 4000)
			for _, h := range next.named("checkpoint_failed") {
				if h.number("consecutive") > 0 {
					t.Errorf("the zombie disturbed %v", h)
				}
			}
		}
		left, _ := filepath.Glob(b.path("st/j/*/chk-*/*"))
		for _, name := range left {
			if base := filepath.Base(name); base != "_metadata" && !strings.HasPrefix(base, "e1-") || !strings.Contains(name, old.log()[0].text("run")) {
				t.Errorf("third run %v: %s is left", third, name)
			}
		}
		if p := b.run("0", "--set", "last=10"); len(p.named("restored")) != 0 {
			t.Error("what the zombie left was recovered")
		}
	}
}

// TestZombieBetweenRecordAndCommit: it was stopped behind its commit point, before its sinks had published. The successor publishes; the zombie, when it wakes, does
// not do it again, even when the files have been taken away meanwhile.
func TestZombieBetweenRecordAndCommit(t *testing.T) {
	t.Parallel()
	b := newBox(t, numbersJob)
	old := b.start("--set", "last=4000", "--fault", "slow,point=before-commit,checkpoint=4,by=2s")
	old.until("checkpoint_completed", 4)
	old.signal(syscall.SIGSTOP)
	if err := os.Remove(b.path("st/j/lock")); err != nil {
		t.Fatal(err)
	}
	successor := b.start("--set", "last=4000")
	recovered := successor.until("committed", 1)[0]
	if recovered.number("id") != 4 || recovered["recovered"] != true {
		t.Fatalf("the successor committed %v first", recovered)
	}
	successor.ends("0")
	b.numbers("out", 4000)
	if err := os.Rename(b.path("out"), b.path("taken")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(b.path("out"), 0o755); err != nil {
		t.Fatal(err)
	}
	old.signal(syscall.SIGCONT)
	old.ends("1")
	if n := len(b.lines("out")); n != 0 {
		t.Errorf("the zombie published %d rows", n)
	}
	b.numbers("taken", 4000)
}
