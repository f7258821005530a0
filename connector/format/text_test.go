package format

import (
	"testing"

	"pipec/vm/value"
)

func TestTextLines(t *testing.T) {
	f := find(t, "text")
	s := schemaOf(field("line", value.Of(value.String)))
	d, err := f.Decoder(DecodeOptions{Schema: s})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ in, wants string }{
		{"a\nb\r\n\n c \n", "[a]\n[b]\n[]\n[ c ]"},
		{mark + "a line longer than a view\nlast", "[a line longer than a view]\n[last]"},
		{"a\n\xffb\nc\n", "[a]\n[c]\n" + `E801 column "line": "` + "\uFFFD" + `b" is not valid UTF-8`},
		{"", ""},
	} {
		if got := outcome(t, d, s, c.in); got != c.wants {
			t.Errorf("%q gives\n%s", c.in, got)
		}
	}
}

func TestTextCheck(t *testing.T) {
	f := find(t, "text")
	for _, c := range []struct {
		s     value.Schema
		wants string
	}{
		{schemaOf(field("line", value.Of(value.String))), ""},
		{schemaOf(field("n", value.Of(value.Int))), "a line of text is one column of type string, not { n: int }; select one, or use format json"},
		{schemaOf(field("line", value.Of(value.String).Null())), "column \"line\" is string?, and a line of text cannot be null; give it a value with `??`"},
	} {
		if got := f.Check(settingsOf(f, nil), c.s); got != c.wants {
			t.Errorf("%s: %q", c.s, got)
		}
		if _, err := f.Encoder(EncodeOptions{Schema: c.s}); (err == nil) != (c.wants == "") {
			t.Errorf("%s: %v", c.s, err)
		}
	}
	if _, err := f.Encoder(EncodeOptions{Schema: schemaOf(field("line", value.Of(value.String))), Ops: true}); err == nil {
		t.Error("a line has no place for the kind of a change")
	}
}
