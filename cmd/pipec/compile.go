package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"pipec/compiler"
	"pipec/compiler/plan"
	"pipec/grammar/diag"
)

// given is what every verb that compiles takes from the command line.
type given struct {
	sets        []string
	config      string
	parallelism int
}

func (g *given) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&g.sets, "set", nil, "a parameter, `NAME=VALUE`, or a setting of the job block (job.checkpoint.interval=10s)")
	f.StringVar(&g.config, "config", "", "configuration `FILE` with site defaults (default: $PIPEC_CONFIG, ./pipec.conf, /etc/pipec/pipec.conf)")
	f.VarP((*tasks)(&g.parallelism), "parallelism", "p", "`N` tasks for each stage, instead of what the job says")
	completeSets(cmd)
}

// tasks is a number of tasks on the command line; 0: what the job says.
type tasks int

// String implements pflag.Value.
func (n *tasks) String() string {
	if *n == 0 {
		return ""
	}
	return strconv.Itoa(int(*n))
}

// Set implements pflag.Value.
func (n *tasks) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err != nil || v < 1 {
		return errors.New("not a number of tasks")
	}
	*n = tasks(v)
	return nil
}

// Type implements pflag.Value.
func (n *tasks) Type() string { return "tasks" }

// compiled is a program with everything that was found wrong with it.
type compiled struct {
	plan    *plan.Plan // nil if there are errors
	origins []plan.Origin
	diags   diag.List
	sources map[string]string
}

// compile reads a program and compiles it with what the command line and the site say. The error is one of the command line, not of the program.
func compile(std streams, file string, g given, validate bool) (*compiled, error) {
	text, err := readProgram(std, file)
	if err != nil {
		return nil, &exit{exitUsage, plainError(file, err)}
	}
	o := compiler.Options{File: file, Text: string(text), Params: map[string]string{}, Sets: map[string]string{}, Env: os.LookupEnv,
		Parallelism: g.parallelism, Validate: validate, Load: load}
	for _, s := range g.sets {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, &exit{exitUsage, fmt.Errorf("--set %s: write --set name=value, or --set job.path=value", s)}
		}
		if strings.HasPrefix(name, "job.") {
			o.Sets[name] = value
		} else {
			o.Params[name] = value
		}
	}
	if o.Site, err = siteFile(g.config); err != nil {
		return nil, &exit{exitUsage, err}
	}
	r := compiler.Check(o)
	return &compiled{plan: r.Plan, origins: r.Job.Origins, diags: r.List, sources: r.Sources}, nil
}

func load(path string) (string, error) {
	text, err := os.ReadFile(path)
	var p *fs.PathError
	if errors.As(err, &p) { // the message names the file already
		err = p.Err
	}
	return string(text), err
}

// siteFile finds the configuration file: the one that is named, else the first of the usual places that exists.
func siteFile(named string) (*compiler.Site, error) {
	if named == "" {
		named = os.Getenv("PIPEC_CONFIG")
	}
	if named != "" {
		text, err := os.ReadFile(named)
		if err != nil {
			return nil, plainError(named, err)
		}
		return &compiler.Site{Name: named, Text: string(text)}, nil
	}
	for _, name := range []string{"pipec.conf", filepath.Join("/etc", "pipec", "pipec.conf")} {
		text, err := os.ReadFile(name)
		if err == nil {
			return &compiler.Site{Name: name, Text: string(text)}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, plainError(name, err)
		}
	}
	return nil, nil
}

// plainError is an error of a file in words for people.
func plainError(file string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("cannot read %s: %w", file, p.Err)
	}
	return fmt.Errorf("cannot read %s: %w", file, err)
}

// render shows diagnostics on stderr.
func render(std streams, diags diag.List, sources map[string]string) {
	if len(diags) == 0 {
		return
	}
	_ = diag.Render(std.err, diags, sources, colors(std))
}

// withoutHints leaves out what is only advice: validate shows it.
func withoutHints(list diag.List) diag.List {
	var out diag.List
	for _, d := range list {
		if d.Severity != diag.Hint {
			out = append(out, d)
		}
	}
	return out
}

// colors says whether stderr shows colours: a terminal, and NO_COLOR is not set.
func colors(std streams) bool {
	f, ok := std.err.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
