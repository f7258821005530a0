package compiler_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pipec/compiler"
)

// TestCodes compiles the example of every entry and looks for the code.
func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range compiler.Codes() {
		t.Run(c.Code, func(t *testing.T) {
			if seen[c.Code] || c.Title == "" || c.Why == "" || c.WayOut == "" {
				t.Errorf("twice, or incomplete: %+v", c)
			}
			seen[c.Code] = true
			if c.Example == "" {
				t.Error("no example")
			}
			if c.AtRunTime() { // the tests of the command line run them
				return
			}
			r := compiler.Check(compiler.Options{File: "main.pipe", Text: c.Program(), Cores: 2, Load: func(string) (string, error) { return "", os.ErrNotExist }})
			for _, d := range r.List {
				if d.Code == c.Code {
					return
				}
			}
			t.Errorf("the example gives:\n%s", rendered(t, r))
		})
	}
}

var codeLiteral = regexp.MustCompile(`"([PNTSCRJKE][0-9]{3})[":]`)

// TestCodesAreRegistered holds that the register knows what the project uses, and the other way round.
func TestCodesAreRegistered(t *testing.T) {
	used := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range codeLiteral.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for code, path := range used {
		if _, ok := compiler.Explain(code); !ok {
			t.Errorf("%s of %s is not registered", code, path)
		}
	}
	for _, c := range compiler.Codes() {
		if used[c.Code] == "" {
			t.Errorf("%s is registered, but nothing uses it", c.Code)
		}
	}
}
