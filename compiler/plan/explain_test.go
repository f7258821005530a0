package plan_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// TestSecretsAreMasked in the text and in the JSON of a plan.
func TestSecretsAreMasked(t *testing.T) {
	sub := plan.Settings{Values: []plan.Setting{{Name: "token", Value: "hidden", Secret: true, Given: true}, {Name: "wait", Value: 90 * time.Second, Given: true}}}
	p := &plan.Plan{Nodes: []*plan.Node{{ID: "a/source/1", Kind: "source", Stream: "a", Ports: []plan.Port{{Type: plan.StreamType{Mode: plan.Append}}},
		Config: &plan.SourceConfig{Name: "a", Connector: "file", Settings: plan.Settings{Values: []plan.Setting{
			{Name: "url", Value: "hidden", Secret: true, Given: true}, {Name: "format", Value: "json", Sub: &sub, Given: true}, {Name: "default", Value: "unseen"}}}}}}}
	var text, js bytes.Buffer
	if err := plan.Explain(&text, p); err != nil {
		t.Fatal(err)
	}
	if err := plan.ExplainJSON(&js, p); err != nil {
		t.Fatal(err)
	}
	if s := text.String() + js.String(); strings.Contains(s, "hidden") {
		t.Errorf("a secret shows:\n%s", s)
	}
	if want := "reads  file url = ***, format json { token = ***, wait = 1m30s }\n"; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in:\n%s", want, text.String())
	}
	if !json.Valid(js.Bytes()) || !strings.Contains(js.String(), `"value": "1m30s"`) {
		t.Errorf("JSON:\n%s", js.String())
	}
}

// TestFormat writes brackets only where the meaning needs them.
func TestFormat(t *testing.T) {
	i := value.Of(value.Int)
	s := value.Schema{Fields: []value.Field{{Name: "a", Type: i}, {Name: "b", Type: i}}}
	a, b := plan.Column(0, i), plan.Column(1, i)
	bin := func(o plan.Op, x, y *plan.Expr) *plan.Expr {
		return &plan.Expr{Op: o, Type: i, Args: []*plan.Expr{x, y}}
	}
	for _, c := range []struct {
		e    *plan.Expr
		want string
	}{
		{bin(plan.OpAdd, bin(plan.OpAdd, a, b), a), "a + b + a"}, {bin(plan.OpSub, a, bin(plan.OpSub, b, a)), "a - (b - a)"},
		{bin(plan.OpMul, bin(plan.OpAdd, a, b), a), "(a + b) * a"}, {bin(plan.OpAdd, bin(plan.OpMul, a, b), a), "a * b + a"},
		{bin(plan.OpCoalesce, a, bin(plan.OpAdd, a, b)), "a ?? (a + b)"}, {&plan.Expr{Op: plan.OpNeg, Args: []*plan.Expr{bin(plan.OpAdd, a, b)}}, "-(a + b)"},
		{&plan.Expr{Op: plan.OpNot, Args: []*plan.Expr{bin(plan.OpEq, a, b)}}, "not (a == b)"},
		{&plan.Expr{Op: plan.OpBetween, Args: []*plan.Expr{a, a, bin(plan.OpAdd, a, b)}}, "a in a..a + b"},
		{&plan.Expr{Op: plan.OpConvert, Args: []*plan.Expr{bin(plan.OpAdd, a, b)}}, "a + b"},
		{&plan.Expr{Op: plan.OpField, Name: "x", Args: []*plan.Expr{plan.Column(0, value.Type{Kind: value.Record, Nullable: true})}}, "a?.x"},
		{&plan.Expr{Op: plan.OpLiteral, Type: value.DecimalOf(4, 2), Lit: &plan.Literal{Kind: value.Decimal, Int: 150}}, "1.50"},
	} {
		if got := c.e.Format(s); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
