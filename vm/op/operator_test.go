package op

import (
	"bytes"
	"strings"
	"testing"

	"pipec/compiler/plan"
	"pipec/connector/format"
	"pipec/state"
	"pipec/vm/value"
)

func TestProject(t *testing.T) {
	in := cols("a int", "b text?", "c int")
	// where a > 1 |> derive d = a + c, e = d * 2 |> drop c, with a set to d: the last step sees the new value
	p := &Project{
		Where: binary(plan.OpGt, value.Bool, column(0, in), number(1)),
		Steps: []Step{
			{3, binary(plan.OpAdd, value.Int, column(0, in), column(2, in))},
			{0, binary(plan.OpMul, value.Int, plan.Column(3, value.Of(value.Int)), number(2))},
			{4, binary(plan.OpAdd, value.Int, column(0, in), number(1))},
		},
		Columns: []int{4, 1, 0},
	}
	w := put(t, nodeOf("where", p, cols("e int", "b text?", "a int")), in, 1024)
	w.process(rows(t, in, []any{1, "x", 0}, []any{2, nil, 3}, []any{"!", 5, "x", 5}, []any{7, "a text of more than twelve bytes", 1}))
	w.want(0, "11 null 10", "17 a text of more than twelve bytes 16")
	w.process(rows(t, in, []any{0, "x", 0}))
	w.want(0)
	in2 := make([]bool, 3)
	p.Wants([][]bool{{false, false, false}}, in2)
	if !in2[0] || in2[1] || !in2[2] {
		t.Errorf("steps and the condition read a and c: %v", in2)
	}
}

// A row error leaves the stage by itself: its neighbours pass, and the stream of errors tells the row, the stage, the code and the time.
func TestProjectErrors(t *testing.T) {
	in := cols("a int", "b text?")
	p := &Project{Steps: []Step{{2, binary(plan.OpMod, value.Int, number(10), column(0, in))}}, Columns: []int{0, 2}}
	w := put(t, withErrors(nodeOf("derive", p, cols("a int", "c int"))), in, 1024)
	b := rows(t, in, []any{0, "\xff"}, []any{3, nil}, []any{0, nil})
	b.Time = []int64{7, 8, value.NoTime}
	w.process(b)
	w.want(0, "3 1 @8")
	if n := len(w.ports[1]); n != 2 || !strings.HasPrefix(w.ports[1][0], `{"a":0,"b":"�"} s/derive/1 E805 `) || !strings.HasSuffix(w.ports[1][0], " 7") || !strings.HasSuffix(w.ports[1][1], " null") {
		t.Errorf("errors: %q", w.ports[1])
	}
	w.ports[1] = nil
	b.Cols[1] = nil // nobody reads it
	w.process(b)
	if !strings.HasPrefix(w.ports[1][0], `{"a":0} s/derive/1`) {
		t.Errorf("errors: %q", w.ports[1])
	}
	w.process(rows(t, in, []any{0, nil}, []any{0, nil}))
	w.want(0, "3 1 @8")
}

// A condition over updates: what becomes of one depends on which half passes (language A14).
func TestWhereOverUpdates(t *testing.T) {
	in := cols("k text", "n int")
	p := &Project{Where: binary(plan.OpGt, value.Bool, binary(plan.OpMod, value.Int, number(100), column(1, in)), number(10)), Columns: []int{0, 1}} // fails for n = 0
	w := put(t, withErrors(nodeOf("where", p, in)), in, 1024)
	w.process(rows(t, in,
		[]any{"+", "in", 60}, []any{"+", "out", 50},
		[]any{"<", "both", 60}, []any{">", "both", 70},
		[]any{"<", "leaves", 60}, []any{">", "leaves", 50},
		[]any{"!", "+", "unseen", 60},
		[]any{"<", "comes", 50}, []any{">", "comes", 60},
		[]any{"<", "stays out", 50}, []any{">", "stays out", 20},
		[]any{"<", "fails", 60}, []any{">", "fails", 0},
		[]any{"<", "failed", 0}, []any{">", "failed", 60},
		[]any{"-", "gone", 60}, []any{"-", "never there", 50}, []any{"-", "never there", 0}))
	w.want(0, "+ in 60", "< both 60", "> both 70", "- leaves 60", "+ comes 60", "+ failed 60", "- gone 60")
	if len(w.ports[1]) != 1 || !strings.HasPrefix(w.ports[1][0], `{"k":"fails","n":0}`) {
		t.Errorf("only the new row that fails is an error: %q", w.ports[1])
	}
	w.process(rows(t, in, []any{"<", "leaves", 50}, []any{">", "leaves", 20}))
	w.want(0)
	w = putBefore(t, nodeOf("where", p, in), in, 1024, false)
	w.process(rows(t, in, []any{"<", "both", 60}, []any{">", "both", 70}, []any{"<", "leaves", 60}, []any{">", "leaves", 50}))
	w.want(0, "> both 70", "- leaves 60")
}

func TestExplode(t *testing.T) {
	in := cols("id int", "tags list?")
	list := column(1, in)
	for _, size := range []int{1, 2, 3, 1024} {
		w := put(t, nodeOf("explode", &Explode{List: list, At: true}, cols("id int", "tags list?", "tag text?", "at int")), in, size)
		b := rows(t, in, []any{1, []string{"a", "", "a tag of more than twelve bytes"}}, []any{2, []string{}}, []any{3, nil}, []any{"!", 4, []string{"x"}}, []any{5, []string{"b"}})
		b.Time = []int64{10, 20, 30, 40, 50}
		w.process(b)
		all := "[a null a tag of more than twelve bytes]"
		w.want(0, "1 "+all+" a 0 @10", "1 "+all+" null 1 @10", "1 "+all+" a tag of more than twelve bytes 2 @10", "5 [b] b 0 @50")
		for _, n := range w.sizes {
			if n > size {
				t.Errorf("a batch of %d rows, although %d are a batch", n, size)
			}
		}
		w = put(t, nodeOf("explode", &Explode{List: list, At: true, Empty: true}, cols("id int", "tags list?", "tag text?", "at int?")), in, size)
		w.process(b)
		w.want(0, "1 "+all+" a 0 @10", "1 "+all+" null 1 @10", "1 "+all+" a tag of more than twelve bytes 2 @10", "2 [] null null @20", "3 null null null @30", "5 [b] b 0 @50")
		w.process(rows(t, in, []any{2, []string{}}, []any{3, nil}))
		w.want(0, "2 [] null null", "3 null null null")
		w.process(b) // the element's memory is not the list's
		if len(w.ports[0]) != 6 {
			t.Errorf("again: %q", w.ports[0])
		}
	}
}

// The first branch that matches takes the row; rows that none takes are counted.
func TestSplit(t *testing.T) {
	in := cols("k text", "n int")
	over := func(n int64) *plan.Expr {
		return binary(plan.OpGt, value.Bool, binary(plan.OpMod, value.Int, number(100), column(1, in)), number(n))
	}
	w := put(t, withErrors(nodeOf("split", &Split{When: []*plan.Expr{over(40), over(30)}}, in, in)), in, 1024)
	b := rows(t, in, []any{"a", 75}, []any{"b", 51}, []any{"c", 65}, []any{"d", 90}, []any{"!", "e", 60}, []any{"f", 0})
	w.process(b)
	w.want(0, "b 51")
	w.want(1, "c 65")
	if w.stats.Skipped != 2 || len(w.ports[2]) != 1 {
		t.Errorf("%d skipped, errors %q", w.stats.Skipped, w.ports[2])
	}
	w = put(t, nodeOf("split", &Split{When: []*plan.Expr{over(40), nil}}, in, in), in, 1024)
	w.process(rows(t, in, []any{"<", "moves", 51}, []any{">", "moves", 60}, []any{"<", "stays", 51}, []any{">", "stays", 52}))
	w.want(0, "- moves 51", "< stays 51", "> stays 52")
	w.want(1, "+ moves 60")
	w.process(rows(t, in, []any{"<", "stays", 51}, []any{">", "stays", 52}))
	w.want(0, "< stays 51", "> stays 52")
	w.want(1)
}

// limit lets n rows pass, whatever the batches, says once that it has enough, and goes on counting after a restore.
func TestLimit(t *testing.T) {
	in := cols("a int")
	node := nodeOf("limit", &Limit{N: 3}, in)
	w := put(t, node, in, 1024)
	w.process(rows(t, in, []any{1}, []any{"!", 9}, []any{2}))
	if w.want(0, "1", "2"); w.enough != 0 {
		t.Error("two rows are not three")
	}
	file := []byte{}
	for c := w.store.Cut(1, nil); ; {
		chunk, done, err := c.Next(100)
		if err != nil {
			t.Fatal(err)
		}
		if file = append(file, chunk...); done {
			break
		}
	}
	w.process(rows(t, in, []any{3}, []any{4}))
	w.process(rows(t, in, []any{5}))
	if w.want(0, "3"); w.enough != 1 {
		t.Errorf("said %d times that it has enough", w.enough)
	}
	w = put(t, node, in, 1024)
	f, err := state.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err == nil {
		err = w.store.Load(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.process(rows(t, in, []any{6}, []any{7}))
	w.want(0, "6")
	none := put(t, nodeOf("limit", &Limit{}, in), in, 1024)
	if none.process(rows(t, in, []any{1})); none.enough != 1 {
		t.Error("limit 0 has enough at once")
	}
	none.want(0)
}

// What a source could not read is a row error with the text as it was, invalid bytes replaced.
func TestRawErrors(t *testing.T) {
	in := cols("a int")
	node := withErrors(nodeOf("where", &Project{Columns: []int{0}}, in))
	w := put(t, node, in, 1024)
	emit := func(port int, b *value.Batch) error {
		for _, r := range b.Rows() {
			w.ports[port] = append(w.ports[port], line(b, node.Ports[port].Type.Schema, r))
		}
		return nil
	}
	job := &plan.Job{}
	bad := []format.Bad{{Raw: []byte("{\xfe"), Code: "E801", Text: "no object"}, {Raw: []byte(strings.Repeat("é", 150)), Code: "E803", Text: "no int"}}
	c := &Context{Job: job, Node: node, Stats: &w.stats, Emit: emit}
	if err := NewRowErrors(c).Raw(bad); err != nil {
		t.Fatal(err)
	}
	w.want(1, "{� s/where/1 E801 no object null", strings.Repeat("é", 150)+" s/where/1 E803 no int null")
	node.Errors = 0
	err, ok := NewRowErrors(c).Raw(bad[1:]).(*RowError)
	if !ok || err.Row != strings.Repeat("é", 100)+"..." || !strings.Contains(err.Error(), "row error[E803]: no int") {
		t.Errorf("%v", err)
	}
	job.SkipErrors = true
	if err := NewRowErrors(c).Raw(bad); err != nil || w.stats.Skipped != 2 {
		t.Errorf("%v, %d skipped", err, w.stats.Skipped)
	}
}

// Every stage that runs says how it is written and shows it; every other one says what to do instead.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		if seen[s.Verb] || s.Doc == "" || s.Syntax == "" || s.Check == nil {
			t.Errorf("%s: twice, or without doc, syntax or check", s.Verb)
		}
		seen[s.Verb] = true
		if s.Later == "" && len(s.Examples) == 0 || s.Later != "" && s.New != nil {
			t.Errorf("%s: no example, or refused although it runs", s.Verb)
		}
	}
	if s, ok := Lookup("key by"); !ok || s.Verb != "key_by" {
		t.Error("a verb as it is spoken is found")
	}
	codes := map[string]bool{}
	for _, r := range refusals() {
		if codes[r.code] {
			t.Errorf("%s is used twice", r.code)
		}
		codes[r.code] = true
	}
}
