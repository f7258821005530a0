package fn

import (
	"slices"
	"unicode/utf8"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

func collections() []*Spec {
	return inFamily("collection", []*Spec{
		{Name: "len", Doc: "The number of characters of a text, of bytes, of elements of a list, or of entries of a map.", Params: []string{"x: string, bytes, list or map"},
			Check: takes(gives(value.Int), aCountable), Eval: length, Flink: "CHAR_LENGTH($1)",
			Examples: []Example{{`len("héllo")`, `5`}, {`len([1, 2])`, `2`}}},
		{Name: "first", Doc: "The first element; null for an empty list.", Params: []string{"list"}, CanNull: true, Flink: "ELEMENT($1[1])",
			Check: takes(givesElement, aList), Eval: func(c *Call) { element(c, false) }, Examples: []Example{{`first([3, 1, 2])`, `3`}}},
		{Name: "last", Doc: "The last element; null for an empty list.", Params: []string{"list"}, CanNull: true,
			Check: takes(givesElement, aList), Eval: func(c *Call) { element(c, true) }, Examples: []Example{{`last([3, 1, 2])`, `2`}}},
		{Name: "join", Doc: "The texts of the list, with the separator between them; nulls are left out.", Params: []string{"list: list<string>", "separator: string"},
			Optional: 1, Check: joinType, Eval: join, Flink: "ARRAY_JOIN($1, $2)", Examples: []Example{{`join(["a", "b"], ", ")`, `"a, b"`}, {`join(["a", "b"])`, `"ab"`}}},
		{Name: "sort", Doc: "The list in ascending order, nulls first.", Params: []string{"list"}, Flink: "ARRAY_SORT($1)",
			Check: takes(givesFirst, aList), Eval: func(c *Call) { rearrange(c, sorted) }, Examples: []Example{{`sort([3, 1, 2])`, `[1, 2, 3]`}, {`sort(["b", "a"])`, `["a", "b"]`}}},
		{Name: "distinct", Doc: "The list without repetitions, in the order of first occurrence.", Params: []string{"list"}, Flink: "ARRAY_DISTINCT($1)",
			Check: takes(givesFirst, aList), Eval: func(c *Call) { rearrange(c, distinct) }, Examples: []Example{{`distinct([1, 2, 1])`, `[1, 2]`}}},
		{Name: "keys", Doc: "The keys of a map.", Params: []string{"map"}, Flink: "MAP_KEYS($1)",
			Check: takes(func(a []value.Type) value.Type { return value.ListOf(*a[0].Key) }, aMap), Eval: func(c *Call) { half(c, 0) }},
		{Name: "values", Doc: "The values of a map, in the order of its keys.", Params: []string{"map"}, Flink: "MAP_VALUES($1)",
			Check: takes(func(a []value.Type) value.Type { return value.ListOf(*a[0].Elem) }, aMap), Eval: func(c *Call) { half(c, 1) }},
	})
}

func givesElement(args []value.Type) value.Type { return args[0].Elem.Null() }

func length(c *Call) {
	v := c.Args[0]
	for _, r := range c.Rows {
		switch c.Types[0].Kind {
		case value.String:
			c.Out.I64[r] = int64(utf8.RuneCount(v.Text(int(r))))
		case value.Bytes:
			c.Out.I64[r] = int64(v.View[r].Len())
		default:
			c.Out.I64[r] = int64(v.Range[r].To - v.Range[r].From)
		}
	}
}

// element copies one element of each list.
func element(c *Call, last bool) {
	v := c.Args[0]
	s := cached(c, func() *scratch { return &scratch{} })
	s.rows, s.at = s.rows[:0], s.at[:0]
	for _, r := range c.Rows {
		span := v.Range[r]
		switch {
		case span.From == span.To:
			c.Out.SetNull(int(r), c.N)
			continue
		case last:
			s.rows = append(s.rows, span.To-1)
		default:
			s.rows = append(s.rows, span.From)
		}
		s.at = append(s.at, r)
	}
	c.Out.Spread(v.Kids[0], s.rows, s.at, c.N)
}

// scratch is row numbers that a kernel keeps.
type scratch struct{ rows, at []int32 }

func joinType(args []value.Type, lits []*plan.Literal) (value.Type, error) {
	t, err := takes(gives(value.String), aList, aText)(args, lits)
	if err == nil && args[0].Elem.Kind != value.String {
		err = &ArgumentError{Arg: 0, Text: "it joins texts, but this is " + args[0].Article()}
	}
	return t, err
}

func join(c *Call) {
	v := c.Args[0]
	writeText(c, func(dst []byte, r int) []byte {
		begun := false
		for e := v.Range[r].From; e < v.Range[r].To; e++ {
			if v.Kids[0].IsNull(int(e)) {
				continue
			}
			if begun && len(c.Args) == 2 {
				dst = append(dst, c.Args[1].Text(r)...)
			}
			dst, begun = append(dst, v.Kids[0].Text(int(e))...), true
		}
		return dst
	})
}

// rearrange makes lists of elements of the argument's lists: order changes the numbers of a row's elements and may drop some.
func rearrange(c *Call, order func(kid *value.Vec, elements []int32) []int32) {
	v, kid := c.Args[0], c.Out.Kids[0]
	s := cached(c, func() *scratch { return &scratch{} })
	s.rows = s.rows[:0]
	for _, r := range c.Rows {
		from := len(s.rows)
		for e := v.Range[r].From; e < v.Range[r].To; e++ {
			s.rows = append(s.rows, e)
		}
		s.rows = s.rows[:from+len(order(v.Kids[0], s.rows[from:]))]
		c.Out.Range[r] = value.Range{From: int32(from), To: int32(len(s.rows))}
	}
	for len(s.at) < len(s.rows) {
		s.at = append(s.at, int32(len(s.at)))
	}
	kid.Extend(len(s.rows))
	kid.Spread(v.Kids[0], s.rows, s.at[:len(s.rows)], len(s.rows))
}

func sorted(kid *value.Vec, elements []int32) []int32 {
	slices.SortStableFunc(elements, func(a, b int32) int { return value.Compare(kid, int(a), kid, int(b)) })
	return elements
}

func distinct(kid *value.Vec, elements []int32) []int32 {
	kept := elements[:0]
	for _, e := range elements {
		if !slices.ContainsFunc(kept, func(k int32) bool { return value.Equal(kid, int(k), kid, int(e)) }) {
			kept = append(kept, e)
		}
	}
	return kept
}

// half copies the keys or the values of maps.
func half(c *Call, side int) {
	v, kid := c.Args[0], c.Out.Kids[0]
	s := cached(c, func() *scratch { return &scratch{} })
	s.rows = s.rows[:0]
	for _, r := range c.Rows {
		from := int32(len(s.rows))
		for e := v.Range[r].From; e < v.Range[r].To; e++ {
			s.rows = append(s.rows, e)
		}
		c.Out.Range[r] = value.Range{From: from, To: int32(len(s.rows))}
	}
	for len(s.at) < len(s.rows) {
		s.at = append(s.at, int32(len(s.at)))
	}
	kid.Extend(len(s.rows))
	kid.Spread(v.Kids[side], s.rows, s.at[:len(s.rows)], len(s.rows))
}
