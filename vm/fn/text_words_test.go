package fn

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWordsOfASCII(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]byte(" \t\n\v\f\r")), rapid.ByteRange('a', 'e'), rapid.ByteRange(0, 0x7F)), 0, 60).Draw(t, "text"))
		if v, _ := call(t, nil, "words", s); !slices.Equal(textsOf(v), strings.Fields(s)) {
			t.Fatalf("words(%q) = %q, want %q", s, textsOf(v), strings.Fields(s))
		}
	})
}
