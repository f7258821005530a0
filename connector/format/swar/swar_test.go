package swar

import (
	"bytes"
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestWholeNumbers(t *testing.T) {
	check := func(n int64) {
		text := strconv.FormatInt(n, 10)
		if got := string(AppendInt([]byte("x"), n)); got != "x"+text {
			t.Fatalf("%d is written %s", n, got)
		}
		for _, behind := range []string{"", ",", ",12345678901234567890", "}        ", "\xff\xff\xff\xff\xff\xff\xff\xff", "/:/:/:/:/:"} {
			got, end := Int([]byte("ab"+text+behind), 2)
			if digits := len(text) - len(strconv.Itoa(-1)) + 1; n < 0 && digits > 18 || n >= 0 && len(text) > 18 {
				if end != 0 {
					t.Fatalf("%s is read as %d although it could be too large", text, got)
				}
			} else if got != n || end != 2+len(text) {
				t.Fatalf("%s before %q is read as %d up to %d", text, behind, got, end)
			}
		}
	}
	p := int64(1)
	for range 19 {
		for _, n := range []int64{p - 1, p, p + 1, -p, 1 - p} {
			check(n)
		}
		p *= 10
	}
	check(math.MaxInt64)
	check(math.MinInt64)
	rapid.Check(t, func(t *rapid.T) { check(rapid.Int64().Draw(t, "n")) })
	for _, none := range []string{"", "-", "a", "-a12345678", " 1", "+1", ":"} {
		if _, end := Int([]byte(none+"          "), 0); end != 0 {
			t.Errorf("%q is read as a number", none)
		}
	}
	if n, end := Int([]byte("000123x89"), 0); n != 123 || end != 6 {
		t.Errorf("%d, %d", n, end)
	}
}

// TestStops compares the searches by words with searches by bytes, at all alignments.
func TestStops(t *testing.T) {
	alphabet := []byte("aZ09 ~\x1f\x00\n\"\\,;\x80\xff!#[]\x7f\x21\x20+-\x0a")
	slow := func(data []byte, i int, stop func(c byte) bool) int {
		for i < len(data) && !stop(data[i]) {
			i++
		}
		return i
	}
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 60).Draw(t, "data")
		quiet := rapid.IntRange(0, 60).Draw(t, "quiet")
		data = append(bytes.Repeat([]byte("x"), quiet), data...)
		i := rapid.IntRange(0, len(data)).Draw(t, "from")
		plain := func(c byte) bool { return c == '"' || c == '\\' || c < ' ' || c >= 0x80 }
		if got, want := StringStop(data, i), slow(data, i, plain); got != want {
			t.Fatalf("StringStop(%q, %d) = %d, not %d", data, i, got, want)
		}
		if got, want := StringStopBeyond(data, i), slow(data, i, func(c byte) bool { return plain(c) && c < 0x80 }); got != want {
			t.Fatalf("StringStopBeyond(%q, %d) = %d, not %d", data, i, got, want)
		}
		field := func(c byte) bool { return c == ',' || c == '"' || c == '\n' || c >= 0x80 }
		if got, want := FieldEnd(data, i, Spread(','), Spread('"')), slow(data, i, field); got != want {
			t.Fatalf("FieldEnd(%q, %d) = %d, not %d", data, i, got, want)
		}
		room := make([]byte, len(data)-i+18)
		want := slow(data, i, plain) - i
		if got := CopyString(room, data[i:]); got != want || !bytes.Equal(room[:got], data[i:i+got]) {
			t.Fatalf("CopyString(%q) = %d, %q", data[i:], got, room)
		}
		n := rapid.IntRange(1, 6).Draw(t, "n")
		at, left := i, n
		for ; at < len(data) && data[at] != '"' && data[at] != '\n'; at++ {
			if data[at] == ',' {
				if left--; left == 0 {
					break
				}
			}
		}
		if got := PassFields(data, i, n, Spread(','), Spread('"')); got != 0 && (left > 0 || got != at) || got == 0 && left == 0 && at+8 <= len(data) {
			t.Fatalf("PassFields(%q, %d, %d) = %d, not %d", data, i, n, got, at)
		}
	})
}
