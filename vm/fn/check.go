package fn

import (
	"errors"
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// check is the type of Spec.Check.
type check func(args []value.Type, lits []*plan.Literal) (value.Type, error)

// ArgumentError says which argument of a call is wrong, and why.
type ArgumentError struct {
	Arg      int  // from 0
	Constant bool // its type is right, but a constant is needed: its literal decides about it
	Text     string
}

// Error implements error.
func (e *ArgumentError) Error() string { return e.Text }

// notA says that argument i is none of what the words name.
func notA(i int, words string, got value.Type) error {
	return &ArgumentError{Arg: i, Text: fmt.Sprintf("argument %d must be %s, but this is %s", i+1, words, got.Article())}
}

// class is a set of types that a parameter takes, with the words an author reads.
type class struct {
	words string
	has   func(value.Type) bool
}

func kinds(words string, ks ...value.Kind) class {
	return class{words, func(t value.Type) bool {
		for _, k := range ks {
			if t.Kind == k {
				return true
			}
		}
		return false
	}}
}

var (
	aText      = kinds("a string", value.String)
	anInt      = kinds("an int", value.Int)
	aNumber    = kinds("a number", value.Int, value.Float, value.Decimal)
	aTime      = kinds("a timestamp", value.Timestamp)
	aDuration  = kinds("a duration", value.Duration)
	aList      = kinds("a list", value.List)
	aMap       = kinds("a map", value.Map)
	aCountable = kinds("a string, bytes, a list or a map", value.String, value.Bytes, value.List, value.Map)
	anOrdered  = kinds("numbers, strings, timestamps, durations or bools", value.Int, value.Float, value.Decimal, value.String, value.Timestamp, value.Duration, value.Bool)
	anything   = class{"any value", func(t value.Type) bool { return t.Kind != value.Unknown && t.Kind != value.Null }}
)

// takes makes a Check: argument i must be of class i (the last one repeats), and gives says the result's type.
func takes(gives func(args []value.Type) value.Type, classes ...class) check {
	return func(args []value.Type, _ []*plan.Literal) (value.Type, error) {
		for i, a := range args {
			if len(classes) == 0 {
				return value.Type{}, errors.New("it takes no arguments")
			}
			c := classes[min(i, len(classes)-1)]
			if !c.has(a) {
				return value.Type{}, notA(i, c.words, a)
			}
		}
		return gives(args), nil
	}
}

// gives is a result of one type, whatever the arguments are.
func gives(k value.Kind) func([]value.Type) value.Type {
	return func([]value.Type) value.Type { return value.Of(k) }
}

// givesTexts is list<string>.
func givesTexts([]value.Type) value.Type { return value.ListOf(value.Of(value.String)) }

// givesFirst is the type of the first argument.
func givesFirst(args []value.Type) value.Type { return args[0] }

// toFloats converts all arguments to float.
func toFloats(args []value.Type) []value.Type {
	to := make([]value.Type, len(args))
	for i := range to {
		to[i] = value.Of(value.Float)
	}
	return to
}

// common is the one type that all arguments can be converted to; it fails for a mixture such as int and string, or float and decimal.
func common(args []value.Type) (value.Type, error) {
	t := args[0]
	for _, a := range args[1:] {
		switch {
		case a.Kind == value.String && t.Kind == value.String:
			t = value.Of(value.String)
		case a.Same(t):
		case a.Kind == value.Int && t.Kind == value.Float || a.Kind == value.Float && t.Kind == value.Int:
			t = value.Of(value.Float)
		case a.Numeric() && t.Numeric() && a.Kind != value.Float && t.Kind != value.Float:
			t = value.UnionType(a, t)
		default:
			return t, fmt.Errorf("its arguments must have one type, but these are %s and %s", t.Article(), a.Article())
		}
	}
	return t.NotNull(), nil
}

// toCommon is the Convert that goes with common.
func toCommon(args []value.Type) []value.Type {
	t, err := common(args)
	if err != nil {
		return args
	}
	to := make([]value.Type, len(args))
	for i := range to {
		to[i] = t
	}
	return to
}

// constantText demands that argument i is a literal.
func constantText(inner check, i int, verify func(string) error) check {
	return func(args []value.Type, lits []*plan.Literal) (value.Type, error) {
		t, err := inner(args, lits)
		if err != nil || i >= len(args) {
			return t, err
		}
		if lits[i] == nil || lits[i].Kind == value.Null {
			return t, &ArgumentError{Arg: i, Constant: true, Text: fmt.Sprintf("argument %d must be a constant", i+1)}
		}
		if err := verify(lits[i].Text); err != nil {
			return t, &ArgumentError{Arg: i, Text: err.Error()}
		}
		return t, nil
	}
}

// cached gives what a kernel keeps between its calls, made at the first.
func cached[T any](c *Call, make func() T) T {
	if v, ok := (*c.Cache).(T); ok {
		return v
	}
	v := make()
	*c.Cache = v
	return v
}
