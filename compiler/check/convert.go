package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// How types meet. There are three relations, from the strictest to the loosest, and each has its question:
//
//	physical  do the values look the same in a batch?          nothing needs to be done
//	fits      is every value of one a value of the other?      what may be assigned to a declared type (assign)
//	common    which type holds the values of both?             comparisons, branches, elements, `??`
//
// int fits float and decimal; decimal and float meet nowhere, for either way digits would be lost that somebody wants; an enumeration fits string. Nothing
// else is converted without being asked: `string(x)`, `int(x)` and their like are calls, which can fail and are seen.
//
// Literals of numbers have no type of their own to lose and take that of what is beside them (adapt), digit by digit from the text, never through a float.

// integer is a number without a point: an int, until something beside it decides otherwise.
func (r *run) integer(n *ast.IntegerNode) val {
	v := r.literal(n, value.Of(value.Int), plan.Literal{Kind: value.Int, Int: int64(n.Value)})
	v.free = true
	return v
}

// decimal is a number with a point or an exponent. expr has read it as a float; the digits are in the text.
func (r *run) decimal(n *ast.FloatNode) val {
	text := r.e.NumberText(n)
	t, ok := decimalType(text)
	if !ok { // 38 digits are not enough: it can only be meant as a float
		return r.literal(n, value.Of(value.Float), plan.Literal{Kind: value.Float, Float: n.Value})
	}
	d, err := value.ParseDecimal([]byte(text), int(t.Precision), int(t.Scale))
	if err != nil {
		return r.literal(n, value.Of(value.Float), plan.Literal{Kind: value.Float, Float: n.Value})
	}
	v := r.literal(n, t, plan.Literal{Kind: value.Decimal, Int: int64(d.Lo), Hi: d.Hi})
	v.free = true
	return v
}

// decimalType is the smallest decimal that holds the digits as written; false where 38 digits are not enough.
func decimalType(text string) (value.Type, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	exp := 0
	if exponent != "" {
		var err error
		if exp, err = strconv.Atoi(exponent); err != nil {
			return value.Type{}, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	whole = strings.TrimLeft(whole, "0")
	digits, scale := len(whole)+len(fraction), len(fraction)-exp
	if scale < 0 {
		digits, scale = digits-scale, 0
	}
	digits = max(digits, scale, 1)
	return value.DecimalOf(min(digits, 255), min(scale, 255)), digits <= value.MaxPrecision
}

// dec is the value of a decimal literal.
func dec(l *plan.Literal) value.Dec { return value.Dec{Hi: l.Hi, Lo: uint64(l.Int)} }

// convert makes e a value of a type that holds it. Constants are converted now.
func convert(e *plan.Expr, to value.Type) *plan.Expr {
	to.Nullable = to.Nullable || e.Type.Nullable
	if e.Type.Kind == value.Null {
		return &plan.Expr{Op: plan.OpLiteral, Type: to.Null(), Lit: e.Lit, Span: e.Span}
	}
	// Words and nullability are matters of checking: the values look the same, and an OpConvert would cost a pass over the column.
	if e.Type.Kind == value.String || physical(e.Type, to) {
		return e
	}
	if e.Op == plan.OpLiteral {
		if l := convertLiteral(e, to); l != nil {
			return &plan.Expr{Op: plan.OpLiteral, Type: to, Lit: l, Span: e.Span}
		}
	}
	to.Nullable = e.Type.Nullable
	return &plan.Expr{Op: plan.OpConvert, Type: to, Args: []*plan.Expr{e}, Span: e.Span}
}

// physical says whether values of both types look the same in a batch, so that nothing needs to be done.
func physical(a, b value.Type) bool {
	if a.Kind != b.Kind || a.Precision != b.Precision || a.Scale != b.Scale || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		if !physical(a.Fields[i].Type, b.Fields[i].Type) {
			return false
		}
	}
	return physicalPart(a.Key, b.Key) && physicalPart(a.Elem, b.Elem)
}

func physicalPart(a, b *value.Type) bool {
	if a == nil || b == nil {
		return a == b
	}
	return physical(*a, *b)
}

// convertLiteral gives the constant in another numeric type, nil if it does not fit exactly.
func convertLiteral(e *plan.Expr, to value.Type) *plan.Literal {
	switch {
	case e.Type.Kind == value.Int && to.Kind == value.Float:
		// As exact as a float is: an int beyond 2^53 beside a float column is compared as that column's values are.
		return &plan.Literal{Kind: value.Float, Float: float64(e.Lit.Int)}
	case e.Type.Kind == value.Decimal && to.Kind == value.Float:
		f, _ := strconv.ParseFloat(string(value.AppendDecimal(nil, dec(e.Lit), int(e.Type.Scale))), 64)
		return &plan.Literal{Kind: value.Float, Float: f}
	case (e.Type.Kind == value.Int || e.Type.Kind == value.Decimal) && to.Kind == value.Decimal:
		d, scale := value.DecOf(e.Lit.Int), 0
		if e.Type.Kind == value.Decimal {
			d, scale = dec(e.Lit), int(e.Type.Scale)
		}
		// By its text: rescaling with rounding is not wanted, and ParseDecimal refuses what would lose a digit.
		text := value.AppendDecimal(nil, d, scale)
		d, err := value.ParseDecimal(text, int(to.Precision), int(to.Scale))
		if err != nil {
			return nil
		}
		return &plan.Literal{Kind: value.Decimal, Int: int64(d.Lo), Hi: d.Hi}
	}
	return nil
}

// adapt turns number literals into the kind of what is beside them: `1.5` into a float beside a float. Only free parts change.
func adapt(v val, kind value.Kind) val {
	if !v.free || v.Type.Kind == kind || kind != value.Float && kind != value.Decimal {
		return v
	}
	v.Expr = adaptExpr(v.Expr, kind)
	return v
}

func adaptExpr(e *plan.Expr, kind value.Kind) *plan.Expr {
	if e.Type.Kind == kind || e.Type.Kind == value.Null {
		return e
	}
	switch e.Op {
	case plan.OpLiteral:
		return convert(e, literalType(e, kind))
	// It was put in for the old kind; the literal below it takes the new one itself, with all its digits.
	case plan.OpConvert:
		return adaptExpr(e.Args[0], kind)
	}
	out := *e
	out.Args = slices.Clone(e.Args)
	for i := range out.Args {
		// The condition of an `if` is a bool: it stays what it is.
		if e.Op != plan.OpIf || i > 0 {
			out.Args[i] = adaptExpr(out.Args[i], kind)
		}
	}
	out.Type = numericType(out.Op, kind, out.Args)
	return &out
}

// literalType is the type of a number literal as a float or a decimal.
func literalType(e *plan.Expr, kind value.Kind) value.Type {
	if kind == value.Decimal && e.Type.Kind == value.Int {
		return value.LiteralDecimal(e.Lit.Int)
	}
	return value.Of(kind)
}

// numericType is the type of an operation whose operands are all of one kind.
func numericType(o plan.Op, kind value.Kind, args []*plan.Expr) value.Type {
	t := value.Of(kind)
	if kind == value.Decimal {
		last := args[len(args)-1].Type
		switch t = last; o {
		case plan.OpAdd, plan.OpSub:
			t = value.AddType(args[0].Type, last)
		case plan.OpMul:
			t = value.MulType(args[0].Type, last)
		case plan.OpDiv:
			t = value.DivType(args[0].Type, last)
		case plan.OpMod:
			t = value.ModType(args[0].Type, last)
		case plan.OpIf, plan.OpCoalesce:
			t = value.UnionType(args[len(args)-2].Type, last)
		}
	}
	t.Nullable = false
	for _, a := range args {
		t.Nullable = t.Nullable || a.Type.Nullable
	}
	return t
}

// slim gives a decimal constant without the zeros that its type demands: a parameter of type decimal has 18 digits after the point, and a comparison of a
// column with all of them would take two lanes instead of one. The value is the same, so comparisons are too; arithmetic keeps the declared type.
func slim(v val) val {
	if v.Op != plan.OpLiteral || v.Lit == nil || v.Lit.Kind != value.Decimal || v.Type.Scale == 0 {
		return v
	}
	text := strings.TrimRight(string(value.AppendDecimal(nil, dec(v.Lit), int(v.Type.Scale))), "0")
	t, ok := decimalType(strings.TrimPrefix(text, "-"))
	if !ok {
		return v
	}
	t.Nullable = v.Type.Nullable
	v.Expr = convert(v.Expr, t)
	return v
}

// common finds the type that both values convert to: for comparisons, branches, elements. ok is false if there is none.
func common(a, b val) (x, y val, t value.Type, ok bool) {
	switch {
	case a.unknown() || b.unknown():
		return a, b, value.Of(value.Unknown), true
	case a.null():
		return a, b, b.Type.Null(), true
	case b.null():
		return a, b, a.Type.Null(), true
	}
	// `price * 1.19` is what this is for: a decimal beside a decimal column, a float beside a float column, as the author sees no difference.
	if a.free != b.free { // the literal adapts
		if a.free {
			a = adapt(a, b.Type.Kind)
		} else {
			b = adapt(b, a.Type.Kind)
		}
	} else if a.free && a.Type.Kind != b.Type.Kind {
		a, b = adapt(a, value.Decimal), adapt(b, value.Decimal)
	}
	t, ok = join(a.Type, b.Type)
	t.Nullable = a.Type.Nullable || b.Type.Nullable
	return a, b, t, ok
}

// join is the smallest type that holds the values of both.
func join(a, b value.Type) (value.Type, bool) {
	switch {
	case a.Kind == value.Unknown || b.Kind == value.Unknown:
		return value.Of(value.Unknown), true
	case a.Kind == value.Null:
		return b.Null(), true
	case b.Kind == value.Null:
		return a.Null(), true
	case a.Numeric() && b.Numeric():
		if a.Kind == value.Float || b.Kind == value.Float {
			// A decimal never becomes a float silently, nor the other way round: one of the two would lose digits that somebody wants.
			return value.Of(value.Float), a.Kind != value.Decimal && b.Kind != value.Decimal
		}
		if a.Kind == value.Int && b.Kind == value.Int {
			return a, true
		}
		return value.UnionType(a, b), true
	case a.Kind != b.Kind:
		return a, false
	case a.Kind == value.String:
		return value.Type{Kind: value.String, Words: op.AllWords(a.Words, b.Words)}, true
	case a.Kind == value.List:
		elem, ok := join(*a.Elem, *b.Elem)
		elem.Nullable = a.Elem.Nullable || b.Elem.Nullable
		// The elements lie in one vector, which cannot be converted in passing.
		return value.ListOf(elem), ok && (physical(elem, *a.Elem) && physical(elem, *b.Elem))
	}
	return a, a.Same(b)
}

// assign makes v a value of the type that a name, a parameter or a setting declares, or reports T308, T305 or T311. what names it.
func (r *run) assign(v val, to value.Type, what string, span diag.Span) val {
	if v.unknown() || to.Kind == value.Unknown {
		return v
	}
	// In this order, from what is best to say to what is always true: which variable is not set, which words there are, which type, and last null.
	if strings.HasPrefix(v.why, envPrefix) && v.Type.Nullable && !to.Nullable {
		r.unset(v)
		return r.unknown()
	}
	if v.null() && to.Nullable {
		v.Expr = convert(v.Expr, to)
		return v
	}
	v = adapt(v, to.Kind)
	// An empty list is a list of anything.
	if v.Type.Kind == value.List && to.Kind == value.List && v.Type.Elem.Kind == value.Unknown { // []
		v.Expr = &plan.Expr{Op: v.Op, Type: to, Args: v.Args, Span: v.Span}
		return v
	}
	if to.Kind == value.String && v.Type.Kind == value.String && len(to.Words) > 0 {
		r.oneOf(v, to, span)
		return v
	}
	if !fits(v, to) {
		d := r.errorf("T308", span, "%s is %s, but this is %s", what, to.Article(), v.Type.Article())
		if help := conversionHelp(v, to); help != "" {
			d.WithHelp("%s", help)
		}
		return r.unknown()
	}
	if v.Type.Nullable && !to.Nullable {
		r.errorf("T311", span, "`%s` may be null", r.textOf(v, span)).With("%s is never null", what).
			WithHelp("say what a missing value means: `... ?? %s`", sample(to))
		return r.unknown()
	}
	v.Expr = convert(v.Expr, to.NotNull())
	return v
}

// textOf is the path of a value, else its text.
func (r *run) textOf(v val, span diag.Span) string {
	if name := v.nullName(); name != "" && !strings.Contains(name, "$") {
		return name
	}
	if span == r.e.Span() {
		return r.e.Text
	}
	return "this value"
}

// fits says whether every value of v is one of the type, after an exact conversion.
func fits(v val, to value.Type) bool {
	from := v.Type
	switch {
	case from.Kind == value.Null:
		return false
	case from.Kind == value.Int && (to.Kind == value.Float || to.Kind == value.Decimal):
		return true
	case from.Kind == value.Decimal && to.Kind == value.Decimal:
		// More digits after the point fit when there is room for them; a constant fits if it does, a column if all its values do.
		return from.Scale <= to.Scale && (v.Op != plan.OpLiteral || convertLiteral(v.Expr, to) != nil) ||
			v.Op == plan.OpLiteral && convertLiteral(v.Expr, to) != nil
	case from.Kind == value.String && to.Kind == value.String:
		return true
	case from.Kind == value.String && to.Kind == value.Secret:
		return true
	}
	t, ok := join(from, to)
	return ok && t.Same(to.NotNull())
}

// oneOf reports texts that are no words of an enumeration (T305).
func (r *run) oneOf(v val, to value.Type, span diag.Span) {
	if len(v.Type.Words) == 0 {
		r.errorf("T308", span, "this must be %s, but it is any text", wordList(to.Words, "or"))
		return
	}
	for _, w := range v.Type.Words {
		if !slices.Contains(to.Words, w) {
			d := r.errorf("T305", span, "%q is not one of %s", w, wordList(to.Words, ","))
			if near := diag.Nearest(w, to.Words); near != "" {
				d.With("did you mean %q?", near)
			}
			return
		}
	}
}

// conversionHelp says how to make a value of another type: what is written out is written otherwise, what is computed is converted.
func conversionHelp(v val, to value.Type) string {
	from, literal := v.Type, v.Op == plan.OpLiteral && v.Lit != nil
	switch {
	case to.Kind == value.Duration && from.Kind == value.Int:
		return "give it a unit: `60s`, `60m` or `60h`"
	case to.Kind == value.Size && from.Kind == value.Int:
		return "give it a unit: `64MB` or `64MiB`"
	case from.Kind == value.Decimal && to.Kind == value.Decimal:
		return "round it: `round(x, " + strconv.Itoa(int(to.Scale)) + ")`"
	case literal && to.Numeric() && from.Kind == value.String && isNumber(v.Lit.Text):
		return "a number has no quotes: `" + v.Lit.Text + "`"
	case literal && (to.Kind == value.String || to.Kind == value.Secret):
		return "a text has quotes: `\"" + v.Lit.Format(from) + "\"`"
	case literal && to.Kind == value.List && from.Same(to.Elem.NotNull()):
		return "a list has brackets: `[" + v.Lit.Format(from) + "]`"
	case !literal && (to.Numeric() || to.Kind == value.String || to.Kind == value.Timestamp):
		return "convert it: `" + to.Kind.String() + "(x)`"
	}
	if e := example(to); e != "" {
		return "for example `" + e + "`"
	}
	return ""
}

// isNumber says whether a text is how a number is written.
func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && strings.Trim(text, "0123456789.eE+-") == ""
}
