package eval

import (
	"bytes"
	"fmt"
	"regexp"
	"unicode/utf8"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// concat is text + text. The result is written into the vector's arena; short ones end up inline.
func concat(n *node, op plan.Op) error {
	if op != plan.OpAdd || n.args[0].typ.Lane() != value.LaneView || n.args[1].typ.Lane() != value.LaneView {
		return noKernel(n, op)
	}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a, b := n.args[0].eval(f, s), n.args[1].eval(f, s)
		out := n.fresh(f)
		lift(out, f.n, a, b)
		buf, arena := out.Arena()
		for _, r := range s.rows {
			if out.IsNull(int(r)) {
				continue
			}
			from := len(arena)
			arena = append(append(arena, a.Text(int(r))...), b.Text(int(r))...)
			out.View[r] = value.MakeView(arena[from:], uint32(buf), uint32(from))
			if len(arena)-from <= value.InlineView {
				arena = arena[:from]
			}
		}
		out.SetArena(buf, arena)
		return out
	}
	return nil
}

// textTest is contains, startsWith, endsWith.
func textTest(n *node, op plan.Op) {
	test := map[plan.Op]func(s, part []byte) bool{plan.OpContains: bytes.Contains, plan.OpStarts: bytes.HasPrefix, plan.OpEnds: bytes.HasSuffix}[op]
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a, b := n.args[0].eval(f, s), n.args[1].eval(f, s)
		out := n.fresh(f)
		lift(out, f.n, a, b)
		for _, r := range s.rows {
			if !out.IsNull(int(r)) {
				out.Bool[r] = test(a.Text(int(r)), b.Text(int(r)))
			}
		}
		return out
	}
}

// matches tests a regular expression (RE2 syntax, unanchored). One that is not constant is compiled when it differs from the row before.
func matches(n *node) error {
	var last string
	var exp *regexp.Regexp
	if lit := n.args[1].lit; lit != nil && !n.args[1].isNull() {
		var err error
		if exp, err = regexp.Compile(lit.Text); err != nil {
			return err
		}
		last = lit.Text
	}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a, b := n.args[0].eval(f, s), n.args[1].eval(f, s)
		out := n.fresh(f)
		lift(out, f.n, a, b)
		for _, r := range s.rows {
			if out.IsNull(int(r)) {
				continue
			}
			if text := b.Text(int(r)); exp == nil || string(text) != last {
				next, err := regexp.Compile(string(text))
				if err != nil {
					f.errs.Add(r, codeKind, fmt.Sprintf("%q is not a regular expression", text))
					continue
				}
				exp, last = next, string(text)
			}
			out.Bool[r] = exp.Match(a.Text(int(r)))
		}
		return out
	}
	return nil
}

// slice is x[from:to] of a text, by characters, or of a list: both ends are clamped, negative ones count from the end.
func slice(n *node) error {
	x := n.args[0].typ
	if x.Lane() != value.LaneView && x.Kind != value.List {
		return noKernel(n, plan.OpSlice)
	}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		v, from, to := n.args[0].eval(f, s), n.args[1].eval(f, s), n.args[2].eval(f, s)
		if x.Kind == value.List {
			return sliceLists(n.shell(f), f, s, v, from, to)
		}
		out := n.fresh(f)
		lift(out, f.n, v, from)
		lift(out, f.n, out, to)
		out.ShareBufs(v)
		for _, r := range s.rows {
			if out.IsNull(int(r)) {
				continue
			}
			text := v.Text(int(r))
			a, b := clamp(from.I64[r], to.I64[r], int64(utf8.RuneCount(text)))
			start := skipRunes(text, int(a))
			out.View[r] = v.Part(int(r), start, start+skipRunes(text[start:], int(b-a)))
		}
		return out
	}
	return nil
}

func sliceLists(out *value.Vec, f *frame, s *sel, v, from, to *value.Vec) *value.Vec {
	lift(out, f.n, v, from)
	lift(out, f.n, out, to)
	out.Kids = append(out.Kids, v.Kids...)
	for _, r := range s.rows {
		if !out.IsNull(int(r)) {
			span := v.Range[r]
			a, b := clamp(from.I64[r], to.I64[r], int64(span.To-span.From))
			out.Range[r] = value.Range{From: span.From + int32(a), To: span.From + int32(b)}
		}
	}
	return out
}

// clamp brings a slice's ends into 0 <= from <= to <= n.
func clamp(from, to, n int64) (int64, int64) {
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	from, to = min(max(from, 0), n), min(max(to, 0), n)
	return from, max(from, to)
}

// skipRunes is the length in bytes of the first n characters, which exist.
func skipRunes(text []byte, n int) int {
	if n == 0 {
		return 0
	}
	i := 0
	for ; n > 0; n-- {
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
	return i
}
