package fn

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWordsOfASCII(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]byte(" \t\n\v\f\r")), rapid.ByteRange('a', 'e'), rapid.ByteRange(0, 0x7F)), 0, rapid.SampledFrom([]int{60, 800}).Draw(t, "most")).Draw(t, "text"))
		if v, _ := call(t, nil, "words", s); !slices.Equal(textsOf(v), strings.Fields(s)) {
			t.Fatalf("words(%q) = %q, want %q", s, textsOf(v), strings.Fields(s))
		}
	})
}

// Texts of any characters, among them all white space there is and its neighbours.
func TestWordsOfAnyText(t *testing.T) {
	spaces := []rune{0x85, 0xA0, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
	near := []rune{0x84, 0xA1, 0x167F, 0x200B, 0x2030, 0x3001, 'ä', 'ж', '界', '😀'}
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SampledFrom([][]rune{near, append(slices.Clone(near), spaces...)}).Draw(t, "characters")
		s := string(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]rune(" \t\r")), rapid.RuneFrom([]rune("abcde")), rapid.SampledFrom(some)), 0, rapid.SampledFrom([]int{60, 800}).Draw(t, "most")).Draw(t, "text"))
		if v, _ := call(t, nil, "words", s); !slices.Equal(textsOf(v), strings.Fields(s)) {
			t.Fatalf("words(%q) = %q, want %q", s, textsOf(v), strings.Fields(s))
		}
	})
}

// Words that begin, end or reach over where blocks meet.
func TestWordsOfLongTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s string
		for range rapid.IntRange(1, 3).Draw(t, "words") {
			s += strings.Repeat(" ", rapid.OneOf(rapid.IntRange(1, 9), rapid.IntRange(wordBlock-9, wordBlock+9)).Draw(t, "blanks"))
			s += strings.Repeat("x", rapid.SampledFrom([]int{1, 2, 7, 8, 9, wordBlock - 1, wordBlock, 2*wordBlock + 3}).Draw(t, "letters"))
		}
		s += rapid.SampledFrom([]string{"", " ", "         "}).Draw(t, "behind")
		if v, _ := call(t, nil, "words", s); !slices.Equal(textsOf(v), strings.Fields(s)) {
			t.Fatalf("words(%q) = %q", s, textsOf(v))
		}
	})
}
