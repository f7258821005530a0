package check_test

import (
	"strings"
	"testing"

	"pipec/compiler/check"
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/eval"
	"pipec/vm/fn"
	"pipec/vm/op"
	"pipec/vm/value"
)

// noNames is a file without parameters and functions, but for one of each.
type noNames struct{}

func (noNames) Param(name string) (*plan.Expr, bool) {
	if name == "most" {
		return &plan.Expr{Op: plan.OpLiteral, Type: value.Of(value.Int), Lit: &plan.Literal{Kind: value.Int, Int: 7}}, true
	}
	return nil, false
}
func (noNames) Function(name string) (*check.Function, bool) {
	if name == "twice" {
		return &check.Function{Name: "twice", Params: []check.Param{{Name: "x"}}, Body: parse("x + x"), Names: noNames{}}, true
	}
	return nil, false
}
func (noNames) Broken(string) bool    { return false }
func (noNames) Similar(bool) []string { return []string{"most"} }

func parse(text string) *grammar.Expr {
	f, list := grammar.Parse("x.pipe", []byte("from a\n  |> derive v = "+text+"\n"))
	if list.HasErrors() {
		panic(text + ": " + list[0].Message)
	}
	return f.Decls[0].(*grammar.Pipeline).Stages[0].Op.(*grammar.Derive).Items[0].Expr
}

var (
	money = value.DecimalOf(12, 2)
	words = value.Type{Kind: value.String, Words: []string{"a", "b"}}
	row   = value.Schema{Fields: []value.Field{
		{Name: "i", Type: value.Of(value.Int)}, {Name: "f", Type: value.Of(value.Float)}, {Name: "d", Type: money}, {Name: "s", Type: value.Of(value.String)},
		{Name: "b", Type: value.Of(value.Bool)}, {Name: "at", Type: value.Of(value.Timestamp)}, {Name: "dur", Type: value.Of(value.Duration)},
		{Name: "ni", Type: value.Of(value.Int).Null()}, {Name: "ns", Type: value.Of(value.String).Null()}, {Name: "w", Type: words},
		{Name: "xs", Type: value.ListOf(value.Of(value.Int))}, {Name: "ts", Type: value.ListOf(value.Of(value.String))},
		{Name: "r", Type: value.Type{Kind: value.Record, Fields: []value.Field{{Name: "x", Type: value.Of(value.Int)}, {Name: "y", Type: value.Of(value.String).Null()}}}},
		{Name: "nr", Type: value.Type{Kind: value.Record, Nullable: true, Fields: []value.Field{{Name: "x", Type: value.Of(value.Int)}}}},
	}}
)

// TestTypes gives the type of expressions, and what they become where that is of interest.
func TestTypes(t *testing.T) {
	for _, c := range []struct{ text, typ, form string }{
		{"1", "int", "1"}, {"-1", "int", "-1"}, {"1.50", "decimal(3, 2)", "1.50"}, {"1e3", "decimal(4, 0)", "1000"}, {"1e-50", "float", "1e-50"},
		{"5s", "duration", "5s"}, {"true", "bool", "true"}, {`"x"`, "string", `"x"`}, {"most", "int", "7"},
		{"i + 1", "int", "i + 1"}, {"i / 2", "float", ""}, {"f + 1", "float", "f + 1"}, {"f * 1.5", "float", "f * 1.5"}, {"1.5 * f", "float", ""},
		{"d + 1", "decimal(13, 2)", ""}, {"d * 1.5", "decimal(14, 3)", ""}, {"d * i", "decimal(31, 2)", ""}, {"d / 3", "decimal(16, 6)", ""},
		{"d * (if b { 1.5 } else { 1 })", "decimal(14, 3)", ""}, {"f * (if b { 1.5 } else { 1.0 })", "float", ""}, {"f * (2 * 1.5)", "float", "f * 3"},
		{"2 + 3 * 4", "int", "14"}, {"i ** 2", "float", ""}, {"i % 3", "int", ""}, {"-d", "decimal(12, 2)", "-d"}, {"ni + 1", "int?", ""},
		{"at - 5m", "timestamp", "at - 5m"}, {"at - at", "duration", ""}, {"dur * 2", "duration", ""}, {"dur / 2", "duration", ""}, {"dur / 1h", "float", ""},
		{"s + s", "string", ""}, {"s == ns", "bool", ""}, {"ni == null", "bool", "ni == null"}, {"ni < 3", "bool?", ""}, {"1 < i < 5", "bool", "1 < i and i < 5"},
		{`w == "a"`, "bool", ""}, {"i in 1..5", "bool", "i in 1..5"}, {"ni in [1, 2]", "bool?", ""}, {"f in [0.5, 1]", "bool", "f in [0.5, 1]"}, {"i in xs", "bool", ""},
		{`s not in ["a"]`, "bool", `not (s in ["a"])`}, {`s contains "a" and s startsWith "b"`, "bool", ""}, {`ns contains "a"`, "bool?", ""},
		{"ni ?? 0", "int", "ni ?? 0"}, {"ni ?? f", "float", ""}, {"(ni ?? ni) == null", "bool", ""}, {"ni != null and ni > 3", "bool", ""},
		{"ni == null or ni > 3", "bool", ""}, {"if ni == null { 0 } else { ni }", "int", ""}, {"not (ni == null) and ni > 1", "bool", ""}, {"ni == i and ni > 1", "bool", ""},
		{`if b { "x" } else { "y" }`, `"x" | "y"`, ""}, {`if b { "x" } else { s }`, "string", ""}, {"if b { null } else { i }", "int?", ""}, {"b ? 1 : 2.5", "decimal(2, 1)", ""},
		{"r.x + 1", "int", "r.x + 1"}, {"r.y", "string?", ""}, {"r.y != null and len(r.y) > 1", "bool", ""}, {"nr?.x", "int?", "nr?.x"}, {"nr?.x ?? 0", "int", ""},
		{"nr != null and nr.x > 1", "bool", ""}, {"nr?.x != null and nr.x > 1", "bool", ""}, {"xs[0]", "int?", ""}, {"xs[1:]", "list<int>", ""},
		{"map(xs, # * 2)", "list<int>", "map(xs, # * 2)"}, {"filter(ts, len(#) > 1)", "list<string>", ""}, {"any(ts, # == s)", "bool", ""},
		{"map(ts, let t = #; t + t)", "list<string>", ""}, {"let x = i * 2; x + x", "int", "let i * 2; let0 + let0"}, {"twice(i)", "int", "i + i"}, {"twice(i + 1)", "int", "let i + 1; let0 + let0"},
		{"twice(twice(i + 1))", "int", ""}, {`{a: i, b: "x"}`, `{ a: int, b: "x" }`, ""}, {"[1, 2.5]", "list<decimal(2, 1)>", ""}, {"[i, f]", "list<float>", ""},
		{"upper(ns)", "string?", ""}, {"least(f, 1.0)", "float", ""}, {"round(d, 1)", "", ""}, {"b and i > 1 or not b", "bool", "b and i > 1 or not b"}, {"(i + 1) * 2", "int", "(i + 1) * 2"},
		{"dur % 5s", "duration", ""}, {"f ** 0.5", "float", ""}, {"map(xs, ({a: #}))", "list<{ a: int }>", ""}, {"any(xs, any(xs, # > i))", "bool", ""},
		{"if b { nr } else { null }", "{ x: int }?", ""}, {"let x = map(xs, # + i); any(x, # > most)", "bool", ""}, {"dur in 1s..5s", "bool", ""}, {"at in [at, at]", "bool", ""},
		{"i - (i - 1)", "int", "i - (i - 1)"}, {"i - i - 1", "int", "i - i - 1"},
	} {
		var list diag.List
		x := (&check.Checker{Names: noNames{}, List: &list}).Expr(parse(c.text), op.Scope{Schema: row, Doing: "derive"})
		if x == nil || len(list) > 0 {
			t.Errorf("%s: %v", c.text, messages(list))
			continue
		}
		if _, err := eval.Compile(x.Expr, &fn.Env{}); err != nil {
			t.Errorf("%s: the engine cannot run it: %v", c.text, err)
		}
		if got := x.Expr.Type.String(); c.typ != "" && got != c.typ {
			t.Errorf("%s: type %s, want %s", c.text, got, c.typ)
		}
		if got := x.Expr.Format(row); c.form != "" && got != c.form {
			t.Errorf("%s: %s, want %s", c.text, got, c.form)
		}
	}
}

// TestMistakes gives the code of what is wrong, and exactly one.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ text, code string }{
		{"x", "N201"}, {"a", "N201"}, {"i.x", "N202"}, {"r.z", "N202"}, {"nr.x", "T311"}, {"nosuch(i)", "N203"}, {"s.upper()", "N203"}, {"find(xs, # > 1)", "N203"},
		{"i + s", "T301"}, {"d * f", "T301"}, {"d ** 2", "T301"}, {"at + 5", "T301"}, {"dur * f", "T301"}, {"b + b", "T301"}, {"i..5", "T301"}, {"xs == xs", "T301"}, {"s < i", "T301"},
		{"b < b", "T301"}, {`i in "abc"`, "T301"}, {"s in xs", "T301"}, {"s[0]", "T301"}, {"not i", "T302"}, {"i and b", "T303"}, {"if i { 1 } else { 2 }", "T303"},
		{"if b { 1 } else { s }", "T304"}, {"[1, s]", "T304"}, {"ni ?? s", "T304"}, {`w == "c"`, "T305"}, {`w in ["a", "z"]`, "T305"}, {"upper()", "T306"}, {"upper(i)", "T307"},
		{`xs["a"]`, "T308"}, {"ni > 1 and b", "T312"}, {"not (ni > 1)", "T312"}, {"i == null", "T313"}, {"i ?? 1", "T314"}, {"1 / 0", "T321"}, {`s matches "("`, "T321"},
		{"9223372036854775807 + 1", "T321"}, {"sum(i)", "S401"}, {"ni == null and ni > 1", "T312"}, {"ni != null or ni > 1", "T312"}, {"twice(1, 2)", "T306"}, {"twice(b)", "T301"},
		{"#", "P102"}, {"any(xs, b > 1)", "T301"}, {"any(xs, #index > 1)", "N201"}, {"env.HOME", "N201"},
	} {
		if c.code == "P102" {
			continue // the parser's
		}
		var list diag.List
		(&check.Checker{Names: noNames{}, List: &list}).Expr(parse(c.text), op.Scope{Schema: row, Doing: "where"})
		if len(list) != 1 || list[0].Code != c.code {
			t.Errorf("%s: %v, want %s", c.text, messages(list), c.code)
		}
	}
}

// TestUnknownIsSilent holds that columns that are not known are never complained about, nor anything made of them.
func TestUnknownIsSilent(t *testing.T) {
	for _, text := range []string{"x", "x.y.z", "x?.y", "x + 1 > 2 and y", "f(1) ?? x", "map(x, #.y + 1)", "x[0]", "x in y", "not x", "if x { y } else { z }", "let a = x; a.b", "[x, 1]", "{a: x}", "upper(x)", "x matches y"} {
		if strings.HasPrefix(text, "f(") {
			continue // functions are known
		}
		var list diag.List
		x := (&check.Checker{Names: noNames{}, List: &list}).Expr(parse(text), op.Scope{Unknown: true, Doing: "where"})
		if len(list) > 0 || x == nil {
			t.Errorf("%s: %v", text, messages(list))
		}
	}
}

func messages(list diag.List) []string {
	var out []string
	for _, d := range list {
		out = append(out, d.Code+" "+d.Message)
	}
	return out
}
