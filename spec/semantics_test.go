package spec

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSemanticsTable holds that the table of fault-semantics.md leaves no fact out and names no test that is not there.
func TestSemanticsTable(t *testing.T) {
	text, err := os.ReadFile("fault-semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := evidence(t)
	covered := map[int]bool{}
	fact := regexp.MustCompile(`^\| ([\d, -]+) \|`)
	code := regexp.MustCompile("`(Test\\w+|[\\w-]+\\.txt|[\\w-]+\\.txtar)`")
	for n, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| fact") || strings.HasPrefix(line, "| rule") {
			continue
		}
		cells := strings.Split(line, "|")
		named := 0
		for _, m := range code.FindAllStringSubmatch(line, -1) {
			named++
			if !exists[m[1]] {
				t.Errorf("line %d: there is no %s", n+1, m[1])
			}
		}
		m := fact.FindStringSubmatch(line)
		if m == nil {
			if named == 0 {
				t.Errorf("line %d: no test: %s", n+1, line)
			}
			continue
		}
		for _, part := range strings.Split(m[1], ",") {
			from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
			if !isRange {
				to = from
			}
			a, _ := strconv.Atoi(from)
			b, _ := strconv.Atoi(to)
			for i := a; i <= b; i++ {
				covered[i] = true
			}
		}
		if difference := strings.TrimSpace(cells[len(cells)-2]); named == 0 && difference == "" {
			t.Errorf("line %d: neither a test nor a reason why there is none: %s", n+1, line)
		}
	}
	var missing []string
	for i := 47; i <= 171; i++ {
		if !covered[i] {
			missing = append(missing, fmt.Sprint(i))
		}
	}
	if len(missing) > 0 {
		t.Errorf("the table says nothing of %s", strings.Join(missing, ", "))
	}
}

// evidence is what the table may name: tests of the module, scripts of the coordinator and of the command.
func evidence(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	tests := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != "..":
			return filepath.SkipDir
		case strings.HasSuffix(name, ".txt"), strings.HasSuffix(name, ".txtar"):
			all[d.Name()] = true
		case strings.HasSuffix(name, "_test.go"):
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for _, m := range tests.FindAllStringSubmatch(string(text), -1) {
				all[m[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
