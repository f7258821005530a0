package main

import (
	"os"
	"strings"
	"testing"
)

const printed = `goos: linux
cpu: a machine
BenchmarkNexmark/q0-2 	       5	         0.001 allocs/row	        10.0 cpu-ns/row	        9.0 loop-ns/row	         1.10 ratio	        19.2 wall-ns/row
BenchmarkJSON/project-2 	 5	 0.004 allocs/row	 300.0 cpu-ns/row	 90.0 loop-ns/row	 3.33 ratio	 600 wall-ns/row
BenchmarkTumbling/speedup-2 	       5	         1.40 speedup
BenchmarkStart-2 	       5	         14.5 start-ms
PASS
`

func TestTable(t *testing.T) {
	got, machine, err := read(strings.NewReader(printed))
	if err != nil || machine != "a machine" || len(got) != 4 {
		t.Fatal(got, machine, err)
	}
	var b strings.Builder
	table(&b, got)
	for _, want := range []string{
		"| nexmark q0, wanted columns only | 10.0 | 100.0 M | 9.0 | 1.10 | 19.2 | 0.0010 | 15 M | 40 M |\n",
		"| 300.0 | 3.3 M **below the floor** | 90.0 | 3.33 |",
		"| two cores against one, keyed work | 1.40 x **below the floor** | 1.5 x | 1.7 x |\n",
		"| start of the binary to the first row | 14.50 ms | 50 ms | 15 ms |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %q in\n%s", want, b.String())
		}
	}
	for _, bad := range []string{"", "PASS\n", strings.Replace(printed, "PASS", "FAIL", 1), "BenchmarkX-2 1 one ns/op\n"} {
		if _, _, err := read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestCheckAndWrite(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("spec/bench", 0o755); err != nil {
		t.Fatal(err)
	}
	got, _, err := read(strings.NewReader(printed))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tableFile, []byte("old\n"+notesBegin+"\n\nKept.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(strings.NewReader(printed), false, true); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(tableFile); err != nil || !strings.HasPrefix(string(text), "# What a row costs") || !strings.HasSuffix(string(text), "|\n\n"+notesBegin+"\n\nKept.\n") {
		t.Fatalf("%s %v", text, err)
	}
	got["Tumbling/speedup"]["loops-speedup"] = 1.4
	if err := behind(got); err == nil || !strings.Contains(err.Error(), "1.40 times") {
		t.Errorf("two cores that are one: %v", err)
	}
	got["Tumbling/speedup"]["loops-speedup"] = 1.9
	if err := behind(got); err != nil {
		t.Fatal(err)
	}
	got["Nexmark/q0"]["ratio"] *= 1.24
	if err := behind(got); err != nil {
		t.Fatal(err)
	}
	got["Nexmark/q0"]["ratio"] *= 1.02
	delete(got, "JSON/project")
	want := "paths have fallen behind:\n  JSON/project was not measured\n  Nexmark/q0: 1.39 times the loop, committed are 1.10"
	if err := behind(got); err == nil || err.Error() != want {
		t.Fatalf("%v, want %s", err, want)
	}
}
