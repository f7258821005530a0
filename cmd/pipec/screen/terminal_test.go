package screen

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// terminal understands what frame writes: a window with a history, as terminals have one.
type terminal struct {
	width, height int
	history       []string
	rows          [][]rune
	x, y          int
}

func newTerminal(width, height int) *terminal {
	return &terminal{width: width, height: height, rows: make([][]rune, height)}
}

func (t *terminal) put(r rune) {
	if t.x == t.width {
		t.x = 0
		t.down()
	}
	for len(t.rows[t.y]) <= t.x {
		t.rows[t.y] = append(t.rows[t.y], ' ')
	}
	t.rows[t.y][t.x] = r
	t.x++
}

func (t *terminal) down() {
	if t.y++; t.y == t.height {
		t.history = append(t.history, string(t.rows[0]))
		t.rows = append(t.rows[1:], nil)
		t.y--
	}
}

// Write understands text, line ends and the sequences A, B, J, K and 2026.
func (t *terminal) Write(p []byte) (int, error) {
	text := []rune(string(p))
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\r':
			t.x = 0
		case '\n': // the line discipline adds the return
			t.x = 0
			t.down()
		case 0x1b:
			end := i + 2
			for text[end] < '@' {
				end++
			}
			if err := t.control(string(text[i+2:end]), text[end]); err != nil {
				return 0, err
			}
			i = end
		default:
			t.put(text[i])
		}
	}
	return len(p), nil
}

func (t *terminal) control(arg string, what rune) error {
	n, err := strconv.Atoi(arg)
	if err != nil {
		n = 1
	}
	switch {
	case what == 'A':
		t.y = max(0, t.y-n)
	case what == 'B':
		t.y = min(t.height-1, t.y+n)
	case what == 'K' && arg == "2":
		t.rows[t.y] = nil
	case what == 'K':
		t.rows[t.y] = t.rows[t.y][:min(t.x, len(t.rows[t.y]))]
	case what == 'J':
		t.rows[t.y] = t.rows[t.y][:min(t.x, len(t.rows[t.y]))]
		for y := t.y + 1; y < t.height; y++ {
			t.rows[y] = nil
		}
		if t.x == 0 && t.y == 0 {
			return fmt.Errorf("the window is erased from its top: terminals keep that in their history")
		}
	case what == 'm' || (what == 'h' || what == 'l') && arg == "?2026":
	default:
		return fmt.Errorf("unknown sequence %s%c", arg, what)
	}
	return nil
}

// all is the history and the window, down to the cursor.
func (t *terminal) all() []string {
	lines := append([]string(nil), t.history...)
	for _, r := range t.rows[:t.y] {
		lines = append(lines, strings.TrimRight(string(r), " "))
	}
	return lines
}

// TestFrames draws random regions with random text between them. What is seen must be all the text, in order, and below it the last region alone.
func TestFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(4, 30).Draw(t, "width"), rapid.IntRange(3, 12).Draw(t, "height")
		term := newTerminal(width, height)
		line := rapid.StringMatching(`[a-z]{1,3}`)
		var printed, region []string
		var shown []string
		for range rapid.IntRange(1, 12).Draw(t, "frames") {
			text := rapid.SliceOfN(line, 0, 4).Draw(t, "text")
			region = rapid.SliceOfN(line, 0, height-1).Draw(t, "region")
			printed = append(printed, text...)
			var next []Line
			for i, r := range region {
				next = append(next, Line{r, Style(i % 3)})
			}
			raw := ""
			for _, l := range text {
				raw += l + "\n"
			}
			var out []byte
			out, shown = frame(shown, next, width, []byte(raw), rapid.Bool().Draw(t, "color"))
			if _, err := term.Write(out); err != nil {
				t.Fatal(err)
			}
		}
		want := append(append([]string(nil), printed...), region...)
		if got := term.all(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("seen:\n%q\nwant:\n%q", got, want)
		}
		for y := term.y; y < height; y++ {
			if strings.TrimSpace(string(term.rows[y])) != "" {
				t.Fatalf("below the region: %q", string(term.rows[y]))
			}
		}
	})
}

// TestNarrowed draws over a region that a window which became narrower has wrapped.
func TestNarrowed(t *testing.T) {
	term := newTerminal(10, 8)
	region := []Line{{Text: "0123456"}, {Text: "abc"}}
	out, shown := frame(nil, region, 10, []byte("text\n"), false)
	if _, err := term.Write(out); err != nil {
		t.Fatal(err)
	}
	narrow := newTerminal(4, 8)
	if _, err := narrow.Write([]byte(strings.Join(term.all(), "\n") + "\n")); err != nil { // what a terminal makes of it
		t.Fatal(err)
	}
	out, _ = frame(shown, []Line{{Text: "new"}}, 4, nil, false)
	if _, err := narrow.Write(out); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(narrow.all(), "|"); got != "text|new" {
		t.Fatalf("%q", got)
	}
}
