// Package spec is the specification of pipec, executed.
//
//	*.md                     prose; every fenced block that is tagged `pipe` is checked, run or refused as its tag says
//	run/*.txtar              programs with their input and what they give, each in many modes
//	fail/*.txtar             programs with mistakes and what is said about them
//	plan/*.txtar             programs and their plans
//	corpus_test.go           how a case of run/ is executed: backends, parallelism, batch sizes, crashes, other parallelism at restore
//	prose_test.go            how the chapters are executed; tables_test.go: their tables, from the catalogues of the engine
//	fail_test.go             how the cases of fail/ and plan/ are compared
//
// PIPEC_UPDATE=1 go test ./spec rewrites what the cases want.
package spec
