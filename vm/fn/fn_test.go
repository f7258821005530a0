package fn

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// call runs a function over one row; arguments are int64, string or float64. It gives the result's column and the codes of errors.
func call(t *rapid.T, env *Env, name string, args ...any) (*value.Vec, []string) {
	spec, ok := Lookup(name)
	if !ok {
		t.Fatalf("no function %s", name)
	}
	c := &Call{Rows: []int32{0}, N: 1, Env: env, Cache: new(any)}
	var codes []string
	c.Fail = func(_ int32, code, _ string) { codes = append(codes, code) }
	for _, a := range args {
		var typ value.Type
		lit := &plan.Literal{}
		switch a := a.(type) {
		case time.Time:
			typ, lit.Int = value.Of(value.Timestamp), a.UnixMicro()
		case time.Duration:
			typ, lit.Int = value.Of(value.Duration), a.Microseconds()
		case int64:
			typ, lit.Int = value.Of(value.Int), a
		case float64:
			typ, lit.Float = value.Of(value.Float), a
		case string:
			typ, lit.Text = value.Of(value.String), a
		}
		lit.Kind = typ.Kind
		v := value.NewVec(typ)
		v.Resize(1)
		switch v.Lane {
		case value.LaneI64:
			v.I64[0] = lit.Int
		case value.LaneF64:
			v.F64[0] = lit.Float
		default:
			v.SetString(0, lit.Text)
		}
		c.Args, c.Types, c.Lits = append(c.Args, v), append(c.Types, typ), append(c.Lits, lit)
	}
	typ, err := spec.TypeOf(c.Types, c.Lits)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c.Type, c.Out = typ, value.NewVec(typ)
	c.Out.Resize(1)
	spec.Eval(c)
	return c.Out, codes
}

func textsOf(v *value.Vec) []string {
	out := []string{}
	for e := v.Range[0].From; e < v.Range[0].To; e++ {
		out = append(out, string(v.Kids[0].Text(int(e))))
	}
	return out
}

// anyText draws text with white space of all kinds in it.
var anyText = rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "Ab", "é", "long word without end", " ", "\t", "\n", "\r\n", "\u00a0", "\u2003", ",", ",,", "ß", "日本"}), 0, 8),
	func(parts []string) string { return strings.Join(parts, "") })

func TestTextsAgainstTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyText.Draw(t, "text")
		part := rapid.SampledFrom([]string{",", "a", "é", "Ab", "日", ""}).Draw(t, "part")
		for name, want := range map[string]string{
			"upper": strings.Map(func(r rune) rune { return []rune(strings.ToUpper(string(r)))[0] }, s), "trim": strings.TrimSpace(s),
			"reverse": func() string { r := []rune(s); slices.Reverse(r); return string(r) }(),
		} {
			if name == "upper" && strings.ContainsRune(s, 'ß') {
				continue // one character stays one: ß has no capital of its own here
			}
			if v, _ := call(t, nil, name, s); string(v.Text(0)) != want {
				t.Fatalf("%s(%q) = %q, want %q", name, s, v.Text(0), want)
			}
		}
		if v, _ := call(t, nil, "words", s); !slices.Equal(textsOf(v), strings.Fields(s)) {
			t.Fatalf("words(%q) = %q, want %q", s, textsOf(v), strings.Fields(s))
		}
		if v, _ := call(t, nil, "split", s, part); !slices.Equal(textsOf(v), strings.Split(s, part)) {
			t.Fatalf("split(%q, %q) = %q", s, part, textsOf(v))
		}
		want := slices.Collect(strings.Lines(s))
		for i, line := range want {
			if cut, ok := strings.CutSuffix(line, "\n"); ok {
				want[i] = strings.TrimSuffix(cut, "\r")
			}
		}
		if v, _ := call(t, nil, "lines", s); !slices.Equal(textsOf(v), want) {
			t.Fatalf("lines(%q) = %q, want %q", s, textsOf(v), want)
		}
		if part == "" {
			return
		}
		if v, _ := call(t, nil, "replace", s, part, "<>"); string(v.Text(0)) != strings.ReplaceAll(s, part, "<>") {
			t.Fatalf("replace(%q, %q) = %q", s, part, v.Text(0))
		}
	})
}

func TestSubstrIsClamped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyText.Draw(t, "text")
		any := rapid.OneOf(rapid.Int64Range(-3, 12), rapid.Int64())
		from, n := any.Draw(t, "from"), any.Draw(t, "n")
		var want []rune
		for i, r := range []rune(s) {
			if int64(i) >= from && n > 0 && (from <= 0 && int64(i) < from+n || from > 0 && int64(i)-from < n) {
				want = append(want, r)
			}
		}
		if v, _ := call(t, nil, "substr", s, from, n); string(v.Text(0)) != string(want) {
			t.Fatalf("substr(%q, %d, %d) = %q, want %q", s, from, n, v.Text(0), string(want))
		}
	})
}

func zones(t *testing.T) []*time.Location {
	all := []*time.Location{time.UTC, time.FixedZone("", -19800)}
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, z)
	}
	return all
}

func TestCalendarAgainstTheStandardLibrary(t *testing.T) {
	all := zones(t)
	rapid.Check(t, func(t *rapid.T) {
		env := &Env{Zone: rapid.SampledFrom(all).Draw(t, "zone")}
		at := time.UnixMicro(rapid.Int64Range(-30e15, 30e15).Draw(t, "at")).In(env.Zone)
		weekday := int64(at.Weekday()+6)%7 + 1
		for name, want := range map[string]int64{"year": int64(at.Year()), "month": int64(at.Month()), "day": int64(at.Day()), "hour": int64(at.Hour()), "minute": int64(at.Minute()),
			"second": int64(at.Second()), "weekday": weekday, "unix_s": at.Unix(), "unix_ms": at.UnixMilli()} {
			if v, _ := call(t, env, name, at); v.I64[0] != want {
				t.Fatalf("%s(%s) = %d, want %d", name, at, v.I64[0], want)
			}
		}
		day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, env.Zone)
		if v, _ := call(t, env, "truncate", at, 24*time.Hour); v.I64[0] != day.UnixMicro() {
			t.Fatalf("truncate(%s, 1d) = %s, want %s", at, time.UnixMicro(v.I64[0]).In(env.Zone), day)
		}
		if at.Year() < 0 || at.Year() > 9999 {
			return
		}
		const pattern = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX, EEE d MMM yy"
		if _, seconds := at.Zone(); seconds%60 != 0 {
			return // offsets of the nineteenth century have seconds, which the pattern cannot show
		}
		v, _ := call(t, env, "format_time", at, pattern)
		if got, want := string(v.Text(0)), at.Format("2006-01-02T15:04:05.000000Z07:00, Mon 2 Jan 06"); got != want {
			t.Fatalf("format_time: %s, want %s", got, want)
		}
		text := at.Format("02 Jan 2006 15:04:05.000000 Z07:00")
		if v, codes := call(t, env, "parse_time", text, "dd MMM yyyy HH:mm:ss.SSSSSS XXX"); codes != nil || v.I64[0] != at.UnixMicro() {
			t.Fatalf("parse_time(%s) = %d, %v, want %d", text, v.I64[0], codes, at.UnixMicro())
		}
	})
}

func TestParseTimeWithoutOffsetIsInTheZone(t *testing.T) {
	all := zones(t)
	rapid.Check(t, func(t *rapid.T) {
		env := &Env{Zone: rapid.SampledFrom(all).Draw(t, "zone")}
		at := time.Unix(rapid.Int64Range(0, 2e9).Draw(t, "at"), 0).In(env.Zone)
		text := at.Format("2006-01-02 15:04:05")
		v, codes := call(t, env, "parse_time", text, "yyyy-MM-dd HH:mm:ss")
		if got := time.UnixMicro(v.I64[0]).In(env.Zone).Format("2006-01-02 15:04:05"); codes != nil || got != text {
			t.Fatalf("parse_time(%s) shows as %s", text, got)
		}
	})
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		if seen[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Name] = true
		if found, ok := Lookup(s.Name); !ok || found.Doc != s.Doc {
			t.Errorf("%s is not found", s.Name)
		}
		if !strings.HasSuffix(s.Doc, ".") {
			t.Errorf("the documentation of %s ends without a full stop", s.Name)
		}
		if s.Optional > len(s.Params) {
			t.Errorf("%s: more optional parameters than parameters", s.Name)
		}
	}
	if names := Names(); !slices.IsSorted(names) || len(names) != len(seen) {
		t.Errorf("names: %v", names)
	}
}

// TestMistakes: what an author reads when a call is wrong.
func TestMistakes(t *testing.T) {
	s, i, f, d := value.Of(value.String), value.Of(value.Int), value.Of(value.Float), value.DecimalOf(10, 2)
	text := func(s string) *plan.Literal { return &plan.Literal{Kind: value.String, Text: s} }
	for _, c := range []struct {
		name string
		args []value.Type
		lits []*plan.Literal
		want string
	}{
		{"upper", []value.Type{i}, nil, "argument 1 must be a string, but this is an int"},
		{"upper", nil, nil, "it takes one argument, but there are 0"},
		{"substr", []value.Type{s, i, i, i}, nil, "it takes at most 3 arguments, but there are 4"},
		{"replace", []value.Type{s}, nil, "it takes 3 arguments, but there are 1"},
		{"least", []value.Type{i}, nil, "it takes at least 2 arguments, but there are 1"},
		{"least", []value.Type{f, d}, nil, "its arguments must have one type, but these are a float and a decimal(10, 2)"},
		{"least", []value.Type{i, s}, nil, "its arguments must have one type, but these are an int and a string"},
		{"now", []value.Type{i}, nil, "it takes 0 arguments, but there are 1"},
		{"regex_replace", []value.Type{s, s, s}, []*plan.Literal{nil, text("["), nil}, "\"[\" is no regular expression: error parsing regexp: missing closing ]: `[`"},
		{"regex_extract", []value.Type{s, s}, []*plan.Literal{nil, nil}, "argument 2 must be a constant"},
		{"format_time", []value.Type{value.Of(value.Timestamp), s}, []*plan.Literal{nil, text("YYYY")}, `"YYYY" in the pattern "YYYY" has no meaning; put text in single quotes`},
		{"parse_time", []value.Type{s, s}, []*plan.Literal{nil, text("yyyy 'year")}, `the quote in the pattern "yyyy 'year" is not closed`},
		{"truncate", []value.Type{value.Of(value.Timestamp), value.Of(value.Duration)}, []*plan.Literal{nil, {Kind: value.Duration}}, "the step must be a constant duration above 0"},
		{"decimal", []value.Type{s, i, i}, []*plan.Literal{nil, {Kind: value.Int, Int: 40}, {Kind: value.Int, Int: 2}}, "decimal(40, 2) does not exist: the precision is 1 to 38, the scale 0 to the precision"},
		{"join", []value.Type{value.ListOf(i)}, nil, "it joins texts, but this is a list<int>"},
	} {
		if c.lits == nil {
			c.lits = make([]*plan.Literal, len(c.args))
		}
		spec, _ := Lookup(c.name)
		if _, err := spec.TypeOf(c.args, c.lits); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	spec, _ := Lookup("upper")
	if typ, err := spec.TypeOf([]value.Type{s.Null()}, []*plan.Literal{nil}); err != nil || !typ.Equal(s.Null()) {
		t.Errorf("upper of a nullable text: %s, %v", typ, err)
	}
}
