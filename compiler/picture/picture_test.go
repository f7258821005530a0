package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"pipec/compiler"
	"pipec/compiler/plan"
)

// three is a plan of three stages; days has windows, late rows, row errors, updates and keys; tangle has fifty, with unions that join what is far apart.
const three = `from stdin |> where line != "" |> into stdout`

const days = `
job days {
  parallelism = 2
  state fs
  checkpoint every 1s
}
source flights from file {
  path = "flights/*.csv"
  format csv { null = "NA" }
  schema {
    carrier: string
    delay: int?
    at: timestamp
  }
  watermark at - 4h
  errors as broken
}
stream days = from flights
  |> key by carrier
  |> window tumbling 1d late as too_late
  |> aggregate flights = count(), average = avg(delay), worst = max(delay), best = min(delay), all_the_minutes_that_were_lost = sum(delay)
from days |> into stdout
from broken |> into blackhole
from too_late |> select carrier, delay |> into stdout { format csv }
from flights |> key by carrier |> aggregate flights = count() where carrier != "\"<&>#" |> into totals
sink totals into file {
  path = "totals"
  format json
  key carrier
}`

func tangle() string {
	var b strings.Builder
	for i := range 4 {
		fmt.Fprintf(&b, "source s%d from sequence { rate = 10.0 }\nstream a%d = from s%d |> derive k = value %% 10, v = value * %d\n", i, i, i, i+2)
	}
	for i := range 6 {
		fmt.Fprintf(&b, "stream u%d = from a%d |> union a%d |> where v > %d\n", i, i%4, (i*7+1+i%3)%4, i)
	}
	for i := range 4 {
		fmt.Fprintf(&b, "stream x%d = from u%d |> union u%d, a%d |> key by k |> aggregate n = count(), total = sum(v)\n", i, i, i+2, (i+2)%4)
		fmt.Fprintf(&b, "from x%d |> where n > 10 |> into f%d, stdout\nsink f%d into file { path = \"f%d\", format json\n key k }\n", i, i, i, i)
	}
	return b.String()
}

func compiled(t *testing.T, text string) *plan.Plan {
	t.Helper()
	r := compiler.Check(compiler.Options{File: "job.pipe", Text: text, Env: func(string) (string, bool) { return "", false },
		Load: func(string) (string, error) { return "", os.ErrNotExist }})
	if r.List.HasErrors() {
		t.Fatal(r.List)
	}
	return r.Plan
}

// TestGoldens compares the three forms of three plans with testdata, where one can look at them.
func TestGoldens(t *testing.T) {
	seen := map[string]bool{}
	for name, text := range map[string]string{"three": three, "days": days, "tangle": tangle()} {
		p := compiled(t, text)
		for ending, draw := range map[string]func(io.Writer, *plan.Plan) error{"svg": SVG, "mmd": Mermaid, "dot": Dot} {
			var b, again bytes.Buffer
			if err := errors.Join(draw(&b, p), draw(&again, p)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), again.Bytes()) {
				t.Errorf("%s.%s: not the same twice", name, ending)
			}
			file := filepath.Join("testdata", name+"."+ending)
			seen[file] = true
			if os.Getenv("PIPEC_UPDATE") != "" {
				if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("%s: %s", file, d)
			}
		}
	}
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !seen[f] {
			t.Errorf("orphaned golden %s", f)
		}
	}
}

// TestSVGIsXML reads the drawing back.
func TestSVGIsXML(t *testing.T) {
	var b bytes.Buffer
	if err := SVG(&b, compiled(t, days)); err != nil {
		t.Fatal(err)
	}
	texts := ""
	for d := xml.NewDecoder(&b); ; {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := tok.(xml.CharData); ok {
			texts += string(c) + "\n"
		}
	}
	for _, want := range []string{"days/aggregate/1", "state by carrier, window tumbling 1d", "by carrier", "too_late", "broken", "gives upsert(carrier), key carrier", `"<&>#"`} {
		if !strings.Contains(texts, want) {
			t.Errorf("no %q in\n%s", want, texts)
		}
	}
}

// random draws a graph whose boxes are in topological order.
func random(t *rapid.T) picture {
	n := rapid.IntRange(1, 40).Draw(t, "boxes")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	var p picture
	for i := range n {
		c := stateless
		if i == 0 || rng.IntN(6) == 0 {
			c = source
		}
		p.boxes = append(p.boxes, box{id: strings.Repeat("x", 1+rng.IntN(30)), class: c, lines: make([]string, rng.IntN(6))})
		for range rng.IntN(3) {
			if i > 0 && c != source {
				p.arrows = append(p.arrows, arrow{from: rng.IntN(i), to: i})
			}
		}
	}
	return p
}

// TestLayout holds for any graph that arrows lead down, that nothing overlaps and all is inside, and that ordering a layer never makes more crossings.
func TestLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := random(t)
		g := newGraph(p, boxSize)
		before := g.crossings()
		g.order()
		if after := g.crossings(); after > before {
			t.Fatalf("%d crossings, before %d", after, before)
		}
		width, height := g.locate()
		boxes := 0
		for _, layer := range g.layers {
			for i, k := range layer {
				if k.box >= 0 {
					boxes++
				}
				if k.place != i {
					t.Fatalf("knot %d stands at %d", k.place, i)
				}
				if k.x-k.width/2 < margin-0.01 || k.x+k.width/2 > width-margin+0.01 || k.y < top || k.y+k.tall > height {
					t.Fatalf("outside: %+v of %v x %v", k, width, height)
				}
				if i > 0 && layer[i-1].x+layer[i-1].width/2+aside > k.x-k.width/2+0.01 {
					t.Fatalf("too close: %+v and %+v", layer[i-1], k)
				}
			}
		}
		if boxes != len(p.boxes) || len(g.routes) != len(p.arrows) {
			t.Fatalf("%d boxes, %d arrows", boxes, len(g.routes))
		}
		for _, r := range g.routes {
			for i := 1; i < len(r.knots); i++ {
				if a, b := r.knots[i-1], r.knots[i]; b.layer != a.layer+1 || b.y < a.y+a.tall {
					t.Fatalf("an arrow leads from %+v to %+v", a, b)
				}
			}
		}
	})
}

func TestWrap(t *testing.T) {
	if got := strings.Join(wrap("aggregate a = count(), b = sum(x)", 12, 2), "|"); got != "aggregate a|= count(),…" {
		t.Errorf("%q", got)
	}
	if got := wrap("", 10, 2); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if got := strings.Join(wrap("unbreakable-and-long", 8, 2), "|"); got != "unbreak…" {
		t.Errorf("%q", got)
	}
}

// TestBranches holds that every branch of a split has its name, the first one too, and that none looks like what was sorted out.
func TestBranches(t *testing.T) {
	p := compiled(t, `source a from sequence { to = 9 }
from a |> split {
  low when value < 3
  middle when value < 6
  high otherwise
}
from low |> into stdout
from middle |> into stdout
from high |> into stdout`)
	var b bytes.Buffer
	if err := Mermaid(&b, p); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"low", "middle", "high"} {
		if !strings.Contains(b.String(), ` -->|"`+name+`"| `) {
			t.Errorf("no solid arrow named %s:\n%s", name, b.String())
		}
	}
}
