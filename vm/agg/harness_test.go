package agg

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pipec/vm/value"
)

// memory is a value.Heap that fails loudly when a handle is used after it was given back.
type memory struct {
	t    testing.TB
	next uint64
	live map[uint64][]byte
}

func newMemory(t testing.TB) *memory { return &memory{t: t, live: map[uint64][]byte{}} }

func (m *memory) Bytes(h uint64) []byte {
	if h == 0 {
		return nil
	}
	p, ok := m.live[h]
	if !ok {
		m.t.Fatalf("handle %d was given back", h)
	}
	return p
}

func (m *memory) Put(old uint64, p []byte) uint64 {
	kept := append([]byte(nil), p...)
	if old != 0 {
		m.Bytes(old)
		delete(m.live, old)
	}
	if len(kept) == 0 {
		return 0
	}
	m.next++
	m.live[m.next] = kept
	return m.next
}

// call is one aggregate over one column, with a slot per group.
type call struct {
	spec  *Spec
	args  []value.Type
	out   value.Type
	heap  *memory
	slots []value.Slot
}

// word is where the accumulators begin: not at 0, so that a kernel which forgets its word fails.
const word = 1

func newCall(t testing.TB, name string, args []value.Type, filtered bool, groups int) *call {
	t.Helper()
	spec, ok := Lookup(name)
	if !ok {
		t.Fatalf("no aggregate %s", name)
	}
	out, err := spec.Check(args, filtered)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c := &call{spec: spec, args: args, out: out, heap: newMemory(t)}
	width := word + Words(spec.Fields(args)) + 1
	words := make([]uint64, groups*width+1)
	for g := range groups {
		c.slots = append(c.slots, value.SlotAt(&words[g*width]))
		words[g*width] = 0xDEAD
		words[(g+1)*width-1] = 0xBEEF
	}
	return c
}

// add updates the groups of rows with the column's rows.
func (c *call) add(x *value.Vec, times []int64, rows []int32, group func(row int32) int) {
	u := &Update{Types: c.args, Time: times, Word: word, Heap: c.heap, Rows: rows}
	if len(c.args) > 0 {
		u.Args = []*value.Vec{x}
	}
	for _, r := range rows {
		u.Slots = append(u.Slots, c.slots[group(r)])
	}
	c.spec.Update(u)
}

// merge adds the groups of o to those of c.
func (c *call) merge(o *call) {
	c.spec.Merge(&Merge{Dst: c.slots, Src: o.slots, Types: c.args, Word: word, DstHeap: c.heap, SrcHeap: o.heap})
}

// results gives each group's result as text; of a failure its code.
func (c *call) results() []string {
	n := len(c.slots)
	out := value.NewVec(c.out)
	out.Resize(n)
	failed := map[int32]string{}
	c.spec.Result(&Result{Slots: c.slots, Types: c.args, Type: c.out, Word: word, Heap: c.heap, Out: out, Fail: func(i int32, code, _ string) { failed[i] = code }})
	texts := make([]string, n)
	for i := range texts {
		if texts[i] = failed[int32(i)]; texts[i] == "" {
			texts[i] = show(out, c.out, i)
		}
	}
	return texts
}

func show(v *value.Vec, t value.Type, i int) string {
	if v.IsNull(i) {
		return "null"
	}
	switch t.Kind {
	case value.Float:
		return strconv.FormatFloat(v.F64[i], 'g', -1, 64)
	case value.Bool:
		return strconv.FormatBool(v.Bool[i])
	case value.Decimal:
		return string(value.AppendDecimal(nil, v.Dec(i), int(t.Scale)))
	case value.String, value.Bytes:
		return strconv.Quote(string(v.Text(i)))
	case value.List:
		var parts []string
		for e := v.Range[i].From; e < v.Range[i].To; e++ {
			parts = append(parts, show(v.Kids[0], *t.Elem, int(e)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case value.Record:
		var parts []string
		for f, kid := range v.Kids {
			parts = append(parts, t.Fields[f].Name+": "+show(kid, t.Fields[f].Type, i))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return strconv.FormatInt(v.I64[i], 10)
}

// column builds a vector from literals as the language writes them: 1, 0.25 (a decimal), 1e0 (a float), "text", true, null.
func column(t testing.TB, literals []string) (*value.Vec, value.Type) {
	t.Helper()
	typ := value.Of(value.Int)
	for _, s := range literals {
		switch {
		case s == "null":
			typ.Nullable = true
		case s == "true" || s == "false":
			typ.Kind = value.Bool
		case s[0] == '"':
			typ.Kind = value.String
		case strings.Contains(s, "e"):
			typ.Kind = value.Float
		case strings.Contains(s, "."):
			typ = value.Type{Kind: value.Decimal, Precision: 12, Scale: uint8(len(s) - 1 - strings.Index(s, ".")), Nullable: typ.Nullable}
		}
	}
	v := value.NewVec(typ)
	v.Resize(len(literals))
	for i, s := range literals {
		if err := set(v, typ, i, len(literals), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return v, typ
}

func set(v *value.Vec, t value.Type, i, n int, s string) (err error) {
	if s == "null" {
		v.SetNull(i, n)
		return nil
	}
	switch t.Kind {
	case value.Int:
		v.I64[i], err = strconv.ParseInt(s, 10, 64)
	case value.Float:
		v.F64[i], err = strconv.ParseFloat(s, 64)
	case value.Bool:
		v.Bool[i] = s == "true"
	case value.Decimal:
		var d value.Dec
		d, err = value.ParseDecimal([]byte(s), int(t.Precision), int(t.Scale))
		v.SetDec(i, d)
	case value.String:
		v.SetString(i, strings.Trim(s, `"`))
	default:
		err = fmt.Errorf("no literals of type %s", t)
	}
	return err
}

func one(int32) int { return 0 }

// The examples of the reference say the truth.
func TestExamples(t *testing.T) {
	for _, spec := range All() {
		if len(spec.Examples) == 0 || spec.Doc == "" || spec.Flink == "" {
			t.Errorf("%s: no example, no doc or no Flink form", spec.Name)
		}
		for _, e := range spec.Examples {
			x, typ := column(t, strings.Split(strings.Trim(e.Values, "[]"), ", "))
			var args []value.Type
			if e.Call == spec.Name+"(x)" {
				args = []value.Type{typ}
			} else if e.Call != spec.Name+"()" {
				t.Fatalf("example %s is not a call of %s", e.Call, spec.Name)
			}
			c := newCall(t, spec.Name, args, false, 1)
			c.add(x, nil, value.Identity(len(strings.Split(e.Values, ","))), one)
			if got := c.results()[0]; got != e.Result {
				t.Errorf("%s over %s: %s, want %s", e.Call, e.Values, got, e.Result)
			}
		}
	}
}
