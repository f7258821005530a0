// Package fn is the catalogue of scalar functions: one file per family, one table.
//
// A function is a Spec: its types, its vectorised kernel, its documentation and its examples, which run as tests.
//
//	fn.go   Spec, Call, the table and its look-up
package fn

import (
	"time"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Spec is one scalar function.
type Spec struct {
	Name     string
	Family   string // text, number, time, collection, json, conversion, hash, system
	Doc      string // one or two sentences
	Params   []string
	Variadic bool // the last parameter may repeat
	Optional int  // how many of the last parameters may be left out
	// Check gives the type of the result. Arguments come without their nullability; lits[i] is the argument's literal, or nil. An error text is shown to
	// the author with the call's position; it says what the function takes.
	Check func(args []value.Type, lits []*plan.Literal) (value.Type, error)
	// Convert, when set, gives the type each argument is converted to before the call (int to float, say).
	Convert func(args []value.Type) []value.Type
	// Eval computes the rows of c.Rows. Rows with a null argument never reach it unless KeepsNull is set: they are null.
	Eval      func(c *Call)
	KeepsNull bool // sees null arguments itself; Check's result then says whether it may be null (arguments come with nullability)
	CanNull   bool // the result may be null even for arguments that are not
	CanFail   bool // a row error is possible
	Impure    bool // replay gives other results
	Examples  []Example
	Flink     string // the Flink SQL form, "" if there is none
}

// Example is one call and its result, both as expressions of the language.
type Example struct{ Call, Result string }

// Env is what functions may know of the world.
type Env struct {
	Zone *time.Location   // the job's time_zone
	Now  func() time.Time // processing time
	Rand func() uint64
}

// Call is one vectorised evaluation. Out has room for N rows; entries of other rows than Rows may hold anything.
type Call struct {
	Args  []*value.Vec
	Types []value.Type
	Lits  []*plan.Literal // constant arguments, nil where not constant
	Out   *value.Vec
	Type  value.Type
	Rows  []int32
	N     int
	Env   *Env
	Fail  func(row int32, code, text string) // marks a row error (E803, E804, E805, E806); the entry's value is then ignored
	Cache *any                               // the kernel's own, kept between calls of the same place (a compiled format, say)
}

// Lookup finds a function by name.
func Lookup(name string) (*Spec, bool) {
	s, ok := index()[name]
	return s, ok
}
