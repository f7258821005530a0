// Package fn is the catalogue of scalar functions: one file per family, one table.
//
// A function is a Spec: its types, its vectorised kernel, its documentation and its examples, which run as tests.
//
//	fn.go          Spec, Call, the table and its look-up
//	check.go       how a Spec says what it takes
//	text.go        texts; text_split.go: texts to lists; text_regex.go: regular expressions
//	number.go      numbers; number_round.go: rounding
//	time.go        the calendar; time_format.go: patterns
//	conversion.go  int, float, decimal, string, timestamp, bool and their try_ forms
//	collection.go  lists and maps
//	hash.go        hash, md5, sha256
//	system.go      now, uuid, random
package fn

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Spec is one scalar function.
type Spec struct {
	Name     string
	Family   string // text, number, time, collection, conversion, hash, system
	Doc      string // one or two sentences
	Params   []string
	Variadic bool // the last parameter may repeat
	Optional int  // how many of the last parameters may be left out
	// Check gives the type of the result. Arguments come without their nullability; lits[i] is the argument's literal, or nil. An error text is shown to
	// the author with the call's position; it says what the function takes.
	Check func(args []value.Type, lits []*plan.Literal) (value.Type, error)
	// Convert, when set, gives the type each argument is converted to before the call (int to float, say); whether it may be null does not change.
	Convert func(args []value.Type) []value.Type
	// Eval computes the rows of c.Rows. Rows with a null argument never reach it unless KeepsNull is set: they are null.
	Eval      func(c *Call)
	KeepsNull bool // sees null arguments itself; Check's result then says whether it may be null (arguments come with nullability)
	CanNull   bool // the result may be null even for arguments that are not
	CanFail   bool // a row error is possible
	Impure    bool // replay gives other results
	Examples  []Example
	Flink     string // the Flink SQL form with $1, $2 ... for the arguments and $* for all of them, "" if there is none
}

// Example is one call and its result, both as expressions of the language.
type Example struct{ Call, Result string }

// Env is what functions may know of the world. Fields that are not set stand for UTC, 1970-01-01 and 0.
type Env struct {
	Zone *time.Location   // the job's time_zone
	Now  func() time.Time // processing time
	Rand func() uint64
}

// Call is one vectorised evaluation. Out has room for N rows; entries of other rows than Rows may hold anything. A kernel that makes lists appends
// their elements to Out's children.
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

// All is the table: every function, by family.
func All() []*Spec {
	return slices.Concat(texts(), splits(), regexes(), numbers(), roundings(), times(), timeFormats(), conversions(), collections(), hashes(), system())
}

var index = sync.OnceValue(func() map[string]*Spec {
	m := map[string]*Spec{}
	for _, s := range All() {
		m[s.Name] = s
	}
	return m
})

// Lookup finds a function by name.
func Lookup(name string) (*Spec, bool) {
	s, ok := index()[name]
	return s, ok
}

// Names lists all functions in alphabetical order. The parser of expressions must be told them, or it takes some for its own.
func Names() []string {
	names := make([]string, 0, len(index()))
	for name := range index() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Arity says what is wrong with a call of n arguments.
func (s *Spec) Arity(n int) error {
	most := len(s.Params)
	least := most - s.Optional
	if s.Variadic {
		most = n
	}
	switch {
	case n >= least && n <= most:
		return nil
	case least == most && least == 1:
		return fmt.Errorf("it takes one argument, but there are %d", n)
	case least == most:
		return fmt.Errorf("it takes %d arguments, but there are %d", least, n)
	case n < least:
		return fmt.Errorf("it takes at least %d arguments, but there are %d", least, n)
	}
	return fmt.Errorf("it takes at most %d arguments, but there are %d", most, n)
}

// TypeOf is the type of a whole call: the number of arguments and their types are checked, and the result may be null if an argument may be or the
// function says so.
func (s *Spec) TypeOf(args []value.Type, lits []*plan.Literal) (value.Type, error) {
	if err := s.Arity(len(args)); err != nil {
		return value.Type{}, err
	}
	if s.KeepsNull {
		return s.Check(args, lits)
	}
	nullable := s.CanNull
	plain := make([]value.Type, len(args))
	for i, a := range args {
		nullable = nullable || a.Nullable
		plain[i] = a.NotNull()
	}
	t, err := s.Check(plain, lits)
	t.Nullable = t.Nullable || nullable
	return t, err
}

// Codes of row errors (language reference, Row errors).
const (
	codeKind     = "E803"
	codeRange    = "E804"
	codeZero     = "E805"
	codeInfinite = "E806"
)
