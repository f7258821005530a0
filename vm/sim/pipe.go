package sim

import (
	"fmt"
	"strings"
)

// kinds are the pipelines a job is made of. Those that are not loose make no sense at least once: what they count twice they cannot take back.
var kinds = []struct {
	loose bool
	write func(w *writer, from, name string)
}{
	{true, (*writer).stateless},
	{true, (*writer).latest},
	{true, (*writer).tumbling},
	{true, (*writer).sliding},
	{true, (*writer).corrected},
	{true, (*writer).running},
	{false, (*writer).filtered},
	{true, (*writer).branches},
	{false, (*writer).limited},
	{false, (*writer).cascade},
	{true, (*writer).words},
}

// pipe writes one pipeline of any kind.
func (w *writer) pipe() {
	i := w.number
	w.number++
	from := w.feeds[w.rng.IntN(len(w.feeds))]
	k := kinds[w.rng.IntN(len(kinds))]
	for w.size.loose && !k.loose {
		k = kinds[w.rng.IntN(len(kinds))]
	}
	if w.size.pipes[i] {
		return
	}
	k.write(w, from, fmt.Sprintf("p%d", i))
}

func (w *writer) add(format string, args ...any) { fmt.Fprintf(&w.pipes, format+"\n", args...) }

// sink declares a file sink; its settings do not depend on random numbers that a shrunk job would not draw.
func (w *writer) sink(s Sink) {
	form := uint64(len(s.Name)) * 7
	for _, c := range s.Name {
		form = form*31 + uint64(c)
	}
	form += uint64(w.number) + uint64(len(w.feeds))
	fmt.Fprintf(&w.decls, "sink %s into file {\n  path = \"out/%s\"\n  format json\n", s.Name, s.Name)
	if s.Zip = form%5 == 0; s.Zip {
		w.decls.WriteString("  compression = gzip\n")
	}
	if form%3 == 0 {
		w.decls.WriteString("  roll { size = 300B }\n")
	}
	if s.Key != nil {
		fmt.Fprintf(&w.decls, "  key %s\n", strings.Join(s.Key, ", "))
	}
	w.decls.WriteString("}\n\n")
	w.job.Sinks = append(w.job.Sinks, s)
}

func (w *writer) stateless(from, name string) {
	w.sink(Sink{Name: name})
	w.add("from %s\n  |> where v %% 3 != 0\n  |> derive double = v * 2\n  |> select id, k, double\n  |> into %s\n", from, name)
}

// latest writes appended rows by key: an exchange in front of the sink.
func (w *writer) latest(from, name string) {
	w.sink(Sink{Name: name, Key: []string{"id"}})
	w.add("from %s\n  |> select id, v\n  |> into %s\n", from, name)
}

func (w *writer) late(stream, name string) {
	w.sink(Sink{Name: name, Late: true})
	w.add("from %s\n  |> select id, k\n  |> into %s\n", stream, name)
}

func (w *writer) tumbling(from, name string) {
	w.sink(Sink{Name: name, Group: []string{"k", "window_start"}})
	w.add("from %s\n  |> key by k\n  |> window tumbling 10s\n     late as %s_late\n  |> aggregate n = count(), total = sum(v), top = max(v)\n  |> into %s\n", from, name, name)
	w.late(name+"_late", name+"l")
}

func (w *writer) sliding(from, name string) {
	w.sink(Sink{Name: name, Group: []string{"u", "window_start"}})
	w.add("from %s\n  |> key by u\n  |> window sliding 9s every 3s\n     late as %s_late\n  |> aggregate n = count(), total = sum(v)\n  |> into %s\n", from, name, name)
	w.late(name+"_late", name+"l")
}

// corrected fires windows again for rows that come late.
func (w *writer) corrected(from, name string) {
	key := []string{"k", "window_start"}
	w.sink(Sink{Name: name, Key: key, Group: key})
	w.add("from %s\n  |> key by k\n  |> window tumbling 6s\n     allow late 5s\n     late as %s_late\n  |> aggregate n = count(), low = min(v)\n  |> into %s\n", from, name, name)
	w.late(name+"_late", name+"l")
}

func (w *writer) running(from, name string) {
	w.sink(Sink{Name: name, Key: []string{"u"}, Group: []string{"u"}})
	w.add("from %s\n  |> key by u\n  |> aggregate n = count(), total = sum(v), kinds = count_distinct(v), low = min(v)\n  |> into %s\n", from, name)
}

func (w *writer) filtered(from, name string) {
	w.sink(Sink{Name: name, Key: []string{"k"}})
	w.add("from %s\n  |> key by k\n  |> aggregate n = count(), total = sum(v)\n  |> where n %% 2 == 0\n  |> into %s\n", from, name)
}

func (w *writer) branches(from, name string) {
	w.sink(Sink{Name: name})
	w.sink(Sink{Name: name + "k", Key: []string{"k"}, Group: []string{"k"}})
	w.add("from %s\n  |> split {\n       %s_even when v %% 2 == 0\n       %s_odd otherwise\n     }\n", from, name, name)
	w.add("from %s_even\n  |> select id, u\n  |> into %s\n", name, name)
	w.add("from %s_odd\n  |> key by k\n  |> aggregate n = count(), top = max(v)\n  |> into %sk\n", name, name)
}

func (w *writer) limited(from, name string) {
	n := 7 + len(from)*3
	w.sink(Sink{Name: name, Any: n})
	w.add("from %s\n  |> select id, k\n  |> limit %d\n  |> into %s\n", from, n, name)
}

// cascade feeds the results of one window to another, by another key.
func (w *writer) cascade(from, name string) {
	w.sink(Sink{Name: name})
	w.add("from %s\n  |> key by k\n  |> window tumbling 4s\n  |> aggregate n = count(), total = sum(v)\n  |> key by n\n  |> window tumbling 12s\n  |> aggregate windows = count(), total = sum(total)\n  |> into %s\n", from, name)
}

func (w *writer) words(from, name string) {
	w.sink(Sink{Name: name, Key: []string{"word"}, Group: []string{"word"}})
	w.add("from %s\n  |> explode words(u) as word\n  |> key by word\n  |> count as n\n  |> into %s\n", from, name)
}
