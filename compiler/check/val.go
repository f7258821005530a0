package check

import (
	"slices"
	"strings"

	"pipec/compiler/plan"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// val is a checked part of an expression.
type val struct {
	*plan.Expr
	free    bool     // made of number literals only: it becomes what is beside it
	path    string   // of a column, a `let` or a field of one: what can be known not to be null
	why     string   // path of the first operand that makes it nullable
	yes, no []string // of a condition: paths that are not null where it is true, where it is false
	chained bool     // nullable only because of a `?.` further left in the same chain
	later   bool     // a parameter whose value is not known yet: a constant all the same
}

func (v val) unknown() bool { return v.Type.Kind == value.Unknown }

// null says whether v is the literal null.
func (v val) null() bool { return v.Type.Kind == value.Null }

// nullName is what a message calls the reason why v may be null.
func (v val) nullName() string {
	if v.why != "" {
		return v.why
	}
	return v.path
}

// A path is how a place in a row is spoken of: `discount`, `address.zip`, `$let0`. Two vals with the same path read the same value, so what a condition proves
// of one holds for the other:
//
//	where address != null and address.zip != null    yes: address, address.zip
//	if zip == null { "none" } else { upper(zip) }     the second branch knows that zip is there
//
// Values that are computed have no path, and nothing is known of them.

// facts are the paths that are known not to be null at a place.
type facts []string

func (f facts) has(path string) bool { return path != "" && slices.Contains(f, path) }

// with adds paths for the time of f.
func (r *run) with(paths []string, f func() val) val {
	// A stack: what one branch knows must not be known in the other.
	n := len(r.known)
	r.known = append(r.known, paths...)
	v := f()
	r.known = r.known[:n]
	return v
}

// prefixes are the path and everything it goes through: where a.b is not null, a is not either.
func prefixes(path string) []string {
	if path == "" {
		return nil
	}
	var out []string
	for i := range len(path) {
		if path[i] == '.' {
			out = append(out, path[:i])
		}
	}
	return append(out, path)
}

// both are the paths in a and in b.
func both(a, b []string) []string {
	var out []string
	for _, p := range a {
		if slices.Contains(b, p) {
			out = append(out, p)
		}
	}
	return out
}

func union(a, b []string) []string { return append(slices.Clip(a), b...) }

// topLevel keeps the columns of a list of paths.
func topLevel(paths []string) []string {
	var out []string
	for _, p := range paths {
		// Stages know columns only; that a field of a record is not null is forgotten behind the stage, and a `let` ends with the expression.
		if !strings.ContainsAny(p, ".$") && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// lifted is the type of an operation that gives null for null.
func lifted(t value.Type, args ...val) (value.Type, string) {
	why := ""
	for _, a := range args {
		if a.Type.Nullable || a.null() {
			t.Nullable = true
			if why == "" {
				why = a.nullName()
			}
		}
	}
	return t, why
}

// effects says whether an expression can fail for some row, and whether it can give another result for the same row.
func effects(e *plan.Expr) (fails, varies bool) {
	e.Walk(func(x *plan.Expr) {
		switch x.Op {
		// Overflow is a row error for every number (floats: a result that is not finite). Texts are joined without one.
		case plan.OpAdd, plan.OpSub, plan.OpMul, plan.OpNeg:
			fails = fails || x.Type.Kind != value.String
		case plan.OpDiv, plan.OpMod, plan.OpPow:
			fails = true
		case plan.OpConvert:
			fails = fails || narrows(x.Args[0].Type, x.Type)
		case plan.OpCall:
			if s, ok := fn.Lookup(x.Name); ok {
				fails, varies = fails || s.CanFail, varies || s.Impure
			}
		case plan.OpEach:
			fails = fails || x.Name == "sum"
		}
	})
	return fails, varies
}

// narrows says whether a conversion can meet a value that does not fit.
func narrows(from, to value.Type) bool {
	if to.Kind != value.Decimal {
		return false
	}
	from = from.AsDecimal()
	return int(from.Precision)-int(from.Scale) > int(to.Precision)-int(to.Scale)
}

func impure(name string) bool {
	s, ok := fn.Lookup(name)
	return ok && s.Impure
}
