package eval

import (
	"testing"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// evalOne computes an expression without columns on a batch of one row.
func evalOne(t *testing.T, e *plan.Expr, env *fn.Env) (*value.Vec, *Errors) {
	t.Helper()
	p, err := Compile(e, env)
	if err != nil {
		t.Fatal(err)
	}
	errs := &Errors{}
	errs.Reset(1)
	return p.Run(&value.Batch{Len: 1}, value.Identity(1), errs), errs
}

// TestExamples runs the examples of every function, as the documentation shows them.
func TestExamples(t *testing.T) {
	for _, spec := range fn.All() {
		if len(spec.Examples) == 0 && !spec.Impure && spec.Name != "keys" && spec.Name != "values" {
			t.Errorf("%s has no example", spec.Name)
		}
		if spec.Doc == "" || spec.Family == "" || spec.Check == nil || spec.Eval == nil {
			t.Errorf("%s lacks documentation, family, types or kernel", spec.Name)
		}
		for _, ex := range spec.Examples {
			call, result := mustParse(t, ex.Call, value.Schema{}), mustParse(t, ex.Result, value.Schema{})
			if result.Type.Kind != value.Null && !call.Type.NotNull().Same(result.Type.NotNull()) {
				t.Errorf("%s is %s, but %s is %s", ex.Call, call.Type, ex.Result, result.Type)
				continue
			}
			got, errs := evalOne(t, call, &fn.Env{})
			want, _ := evalOne(t, result, &fn.Env{})
			if errs.Any() || !value.Equal(got, 0, want, 0) {
				t.Errorf("%s: got %v (%v), want %s", ex.Call, show(got, call.Type, 0), errs.Text, ex.Result)
			}
		}
	}
}

// TestCalls holds what the examples need not show.
func TestCalls(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	env := &fn.Env{Zone: berlin, Now: func() time.Time { return time.UnixMicro(7) }, Rand: func() uint64 { return 1 << 63 }}
	for _, c := range []struct{ call, want string }{
		{`string(truncate(timestamp("2024-05-03T14:15:16Z"), 1d))`, `"2024-05-02T22:00:00Z"`},                         // midnight in summer
		{`string(truncate(timestamp("2024-10-27T12:00:00Z"), 1d))`, `"2024-10-26T22:00:00Z"`},                         // the day summer time ends
		{`string(truncate(timestamp("2024-10-27T01:30:00Z"), 1h))`, `"2024-10-27T01:00:00Z"`},                         // the second 2 o'clock
		{`string(truncate(timestamp("2024-10-27T00:30:00Z"), 1h))`, `"2024-10-27T00:00:00Z"`},                         // the first
		{`hour(timestamp("2024-01-01T23:30:00Z"))`, `0`},                                                              //
		{`day(timestamp("2024-01-01T23:30:00Z"))`, `2`},                                                               //
		{`weekday(timestamp("1969-12-28T12:00:00Z"))`, `7`},                                                           //
		{`format_time(timestamp("2024-07-01T00:00:00Z"), "yyyy-MM-dd'T'HH:mm:ssXXX")`, `"2024-07-01T02:00:00+02:00"`}, //
		{`string(parse_time("2024-07-01 00:00", "yyyy-MM-dd HH:mm"))`, `"2024-06-30T22:00:00Z"`},                      //
		{`try_parse_time("2024-04-31", "yyyy-MM-dd")`, `null`},                                                        //
		{`unix_ms(now())`, `0`},
		{`random()`, `0.5`},
		{`uuid()`, `"80000000-0000-4000-8000-000000000000"`},
		{`try_int("12x") ?? -1`, `-1`},
		{`try_float("1e999")`, `null`},
		{`try_int(1e30)`, `null`},
		{`int(-3.99)`, `-3`},
		{`string(decimal(1))`, `"1"`},
		{`string(decimal("0.5"))`, `"0.500000000000000000"`},
		{`string(decimal(7) / decimal(3))`, `"2.333333"`},
		{`string(decimal("1.005", 10, 3) * decimal("2.5", 10, 1))`, `"2.5125"`},
		{`string(round(decimal("2.345", 10, 3), 2))`, `"2.350"`},
		{`string(-decimal("2.5", 10, 1))`, `"-2.5"`},
		{`string(least(decimal("2.5", 10, 1), 3))`, `"2.5"`},
		{`string(mod(decimal("7.5", 10, 1), 2))`, `"1.5"`},
		{`string(1h30m)`, `"1h30m"`},
		{`sum([1, 2, 3], #) + len(filter([1, 2, 3], # > 1))`, `8`},
		{`map([1, 2], map([10, 20], # + 1))[1][0]`, `11`},
		{`let x = 2; let y = x * 3; map([1, 2], # * y + x)`, `[8, 14]`},
		{`{a: 1, b: "x"}.b`, `"x"`},
		{`first(map([1, 2], ({n: #, s: "long text number " + string(#)}))).s`, `"long text number 1"`},
		{`[1, 2, 3][-1]`, `3`}, {`[1, 2, 3][3]`, `null`},
		{`"héllo wörld, how are you"[1:4]`, `"éll"`},
		{`[1, 2, 3][1:]`, `[2, 3]`},
		{`"b" in ["a", "b"] and not (3 in [1, 2]) and 2.5 in 1.0..3.0`, `true`},
		{`2 in [1.0, 2.0]`, `true`},
		{`null == null`, `true`}, {`not null`, `null`}, {`null and false`, `false`}, {`null or true`, `true`}, {`true and null`, `null`},
		{`pad_left("x", 20, "abc")`, `"abcabcabcabcabcabcax"`},
		{`5 - 3s / 1s`, `2.0`},
		{`string(1h * 2 + 30s)`, `"2h30s"`},
		{`-0.0 == 0.0`, `true`},
		{`string(ceil(-0.5))`, `"0"`},
		{`-7 % 3`, `-1`}, {`2 ** 3`, `8.0`}, {`7 / 2`, `3.5`},
	} {
		call, result := mustParse(t, c.call, value.Schema{}), mustParse(t, c.want, value.Schema{})
		got, errs := evalOne(t, call, env)
		want, _ := evalOne(t, result, env)
		if errs.Any() || !value.Equal(got, 0, want, 0) {
			t.Errorf("%s: got %v (%v), want %s", c.call, show(got, call.Type, 0), errs.Text, c.want)
		}
	}
}

func TestRowErrors(t *testing.T) {
	for _, c := range []struct{ expr, code, text string }{
		{`9223372036854775807 + 1`, "E804", "9223372036854775807 + 1 is out of the range of int"},
		{`-9223372036854775807 - 2`, "E804", "-9223372036854775807 - 2 is out of the range of int"},
		{`4611686018427387904 * 2`, "E804", "4611686018427387904 * 2 is out of the range of int"},
		{`1 / 0`, "E805", "division by zero"},
		{`0 / 0`, "E805", "division by zero"},
		{`1 % 0`, "E805", "division by zero"},
		{`1h / 0`, "E805", "division by zero"},
		{`1e308 * 10`, "E806", "1e+308 * 10 is not finite"},
		{`0 ** -1`, "E806", "0 ** -1 is not finite"},
		{`int("1.5")`, "E803", `"1.5" is no int: malformed`},
		{`int("99999999999999999999")`, "E804", `"99999999999999999999" is no int: out of range`},
		{`int(1e19)`, "E804", "10000000000000000000 is no int: out of range"},
		{`float("NaN")`, "E806", `"NaN" is no float: not finite number`},
		{`timestamp("yesterday")`, "E803", `"yesterday" is no timestamp: malformed`},
		{`timestamp("2026-01-01T00:00:00.0000001Z")`, "E804", `"2026-01-01T00:00:00.0000001Z" is finer than a microsecond`},
		{`decimal("123.4", 3, 1)`, "E804", `"123.4" is no decimal(3, 1): out of range`},
		{`decimal("1", 38, 0) / decimal("0", 38, 0)`, "E805", "division by zero"},
		{`decimal("99999999999999999999999999999999999999", 38, 0) + decimal(1)`, "E804", "99999999999999999999999999999999999999 + 1 does not fit decimal(38, 0)"},
		{`sqrt(-1)`, "E806", "sqrt(-1) is not finite"},
		{`div(1, 0)`, "E805", "division by zero"},
		{`repeat("abc", 1000000)`, "E804", "the repeated text is larger than 1 MiB"},
		{`from_unix_s(9223372036854775807)`, "E804", "9223372036854775807 seconds are out of the range of timestamp"},
		{`parse_time("x", "yyyy")`, "E803", `"x" does not fit the pattern "yyyy"`},
		{`map([1, 0, 2], 10 / #)`, "E805", "division by zero"},
		{`sum([9223372036854775807, 1], #)`, "E804", "the sum is out of the range of int"},
		{`abs(-9223372036854775807 - 1)`, "E804", "abs(-9223372036854775808) is out of the range of int"},
		{`"x" matches ("[" + "")`, "E803", `"[" is not a regular expression`},
	} {
		_, errs := evalOne(t, mustParse(t, c.expr, value.Schema{}), nil)
		if len(errs.Code) != 1 || errs.Code[0] != c.code || errs.Text[0] != c.text {
			t.Errorf("%s: %v %v, want %s %s", c.expr, errs.Code, errs.Text, c.code, c.text)
		}
	}
}

func TestBranchesNotTakenCannotFail(t *testing.T) {
	for _, text := range []string{
		`false and 1 / 0 > 1`, `true or 1 / 0 > 1`, `if true { 1 } else { 1 % 0 }`, `1 ?? (1 % 0)`, `first([1]) ?? (1 % 0)`,
		`false ? int("x") : 1`, `map(filter([0, 1], # != 0), 1 / #)`, `map([0, 1], if # == 0 { 0 } else { 10 % # })`,
	} {
		if _, errs := evalOne(t, mustParse(t, text, value.Schema{}), nil); errs.Any() {
			t.Errorf("%s: %v", text, errs.Text)
		}
	}
}

func TestFold(t *testing.T) {
	schema := value.Schema{Fields: []value.Field{{Name: "i", Type: value.Of(value.Int)}, {Name: "b", Type: value.Of(value.Bool)}}}
	for _, c := range []struct{ text, op, lit string }{
		{`1 + 2 * 3`, "literal", "7"}, {`upper("a")`, "literal", "A"}, {`i + (1 + 1)`, "+", ""}, {`if 1 < 2 { i } else { 0 }`, "column", ""}, {`true and b`, "column", ""},
		{`b and true`, "and", ""}, {`now()`, "call", ""}, {`hour(from_unix_s(0))`, "call", ""}, {`try_int("x")`, "literal", "null"}, {`1 in [1, 2]`, "in", ""},
	} {
		e, err := Fold(mustParse(t, c.text, schema))
		if err != nil || string(e.Op) != c.op {
			t.Errorf("%s: %v, %v", c.text, e, err)
			continue
		}
		if c.lit != "" {
			v, _ := evalOne(t, e, nil)
			if got := show(v, e.Type, 0); got != c.lit {
				t.Errorf("%s: %s, want %s", c.text, got, c.lit)
			}
		}
	}
	_, err := Fold(mustParse(t, `i + 1 % 0`, schema))
	if fail, ok := err.(*FoldError); !ok || fail.Code != "E805" {
		t.Errorf("a constant division by zero: %v", err)
	}
}
