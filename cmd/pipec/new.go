package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"pipec/compiler"
	"pipec/grammar/diag"
)

// first is the folder that new writes; its job is called firstJob there.
//
//go:embed first
var first embed.FS

const firstJob = "first_job"

func newCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "new NAME",
		Short: "a first job, its data and its test",
		Long: `new makes a folder with a first job to change: the program, data it reads, what it must give for them, and a script that compares.
NAME is the name of the job; a folder in front of it (jobs/NAME) says where. Nothing that exists is written over.`,
		Example:           "  pipec new hello && pipec run hello/hello.pipe",
		ValidArgsFunction: cobra.NoFileCompletions,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%s takes one name, not %d", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return newJob(std, filepath.Clean(args[0])) },
	}
}

// firstFile is one file that new writes.
type firstFile struct {
	path string // within the folder
	text string
}

func newJob(std streams, dir string) error {
	files := firstFiles(filepath.Base(dir))
	if err := checkName(filepath.Base(dir), files); err != nil {
		return &exit{exitUsage, err}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return &exit{exitFailed, err}
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return &exit{exitUsage, fmt.Errorf("%s exists already, and nothing is written over: take another name", dir)}
	} else if err != nil {
		return &exit{exitFailed, err}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return &exit{exitFailed, err}
		}
		if err := os.WriteFile(path, []byte(f.text), 0o644); err != nil {
			return &exit{exitFailed, err}
		}
		fmt.Fprintf(std.err, "wrote %s\n", path)
	}
	program := filepath.Join(dir, filepath.Base(dir)+".pipe")
	fmt.Fprintf(std.err, "\nrun it:   pipec run %s\ntest it:  sh %s\n", quote(program), quote(filepath.Join(dir, "test.sh")))
	return nil
}

// firstFiles are the files of the folder for a job of that name.
func firstFiles(name string) []firstFile {
	var files []firstFile
	_ = fs.WalkDir(first, "first", func(path string, d fs.DirEntry, err error) error { // it is part of the binary: no error
		if err != nil || d.IsDir() {
			return err
		}
		text, err := first.ReadFile(path)
		files = append(files, firstFile{
			path: filepath.FromSlash(strings.ReplaceAll(strings.TrimPrefix(path, "first/"), firstJob, name)),
			text: strings.ReplaceAll(string(text), firstJob, name),
		})
		return err
	})
	return files
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// checkName says whether a job can have the name: what would be written must compile.
func checkName(name string, files []firstFile) error {
	fit := strings.Trim(notInNames.ReplaceAllString(name, "_"), "_")
	if fit == "" || fit[0] <= '9' {
		fit = strings.TrimSuffix("job_"+fit, "_")
	}
	if fit != name {
		return fmt.Errorf("the name of a job has letters, digits and _, and begins with a letter, unlike %q: try %s", name, fit)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.path, ".pipe") {
			continue
		}
		r := compiler.Check(compiler.Options{File: f.path, Text: f.text, Load: load})
		for _, d := range r.List {
			if d.Severity == diag.Error {
				return fmt.Errorf("%q cannot be the name of a job: %s", name, d.Message)
			}
		}
	}
	return nil
}
