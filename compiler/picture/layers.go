package picture

import "sort"

// knot is a box in its layer, or a bend of an arrow that passes a layer.
type knot struct {
	box   int // -1: a bend
	layer int
	width float64
	tall  float64
	x, y  float64 // its middle, its top
	up    []*knot // neighbours in the layer above
	down  []*knot // and below
	place int     // in its layer
}

// route is an arrow as the knots that it passes, from box to box.
type route struct {
	arrow int
	knots []*knot
}

// graph is a picture on its way to coordinates.
type graph struct {
	layers [][]*knot
	routes []route
}

// newGraph puts every box into a layer below all boxes from which its rows come, and bends arrows in the layers that they pass.
func newGraph(p picture, size func(box) (width, height float64)) *graph {
	layer := levels(p)
	g := &graph{}
	knots := make([]*knot, len(p.boxes))
	for i, x := range p.boxes {
		w, h := size(x)
		knots[i] = g.add(&knot{box: i, layer: layer[i], width: w, tall: h})
	}
	for i, a := range p.arrows {
		r := route{arrow: i, knots: []*knot{knots[a.from]}}
		for l := layer[a.from] + 1; l < layer[a.to]; l++ {
			r.knots = append(r.knots, g.add(&knot{box: -1, layer: l, width: bend}))
		}
		r.knots = append(r.knots, knots[a.to])
		for k := 1; k < len(r.knots); k++ {
			above, below := r.knots[k-1], r.knots[k]
			above.down = append(above.down, below)
			below.up = append(below.up, above)
		}
		g.routes = append(g.routes, r)
	}
	return g
}

func (g *graph) add(k *knot) *knot {
	for len(g.layers) <= k.layer {
		g.layers = append(g.layers, nil)
	}
	k.place = len(g.layers[k.layer])
	g.layers[k.layer] = append(g.layers[k.layer], k)
	return k
}

// levels gives the layer of each box: the longest way from a source; what could as well be lower (a source that is joined late) goes down to those it feeds.
func levels(p picture) []int {
	level := make([]int, len(p.boxes))
	for i := range p.boxes { // boxes are in topological order
		for _, a := range p.arrows {
			if a.to == i {
				level[i] = max(level[i], level[a.from]+1)
			}
		}
	}
	for i := len(p.boxes) - 1; i >= 0; i-- {
		lowest, feeds := 1<<30, false
		for _, a := range p.arrows {
			if a.from == i {
				lowest, feeds = min(lowest, level[a.to]-1), true
			}
		}
		if feeds && p.boxes[i].class == source {
			level[i] = max(level[i], lowest)
		}
	}
	return level
}

// order sorts each layer so that few arrows cross: by the mean place of the neighbours, down and up in turns, and the best of all tries stays.
func (g *graph) order() {
	best, places := g.crossings(), g.places()
	for try := range 24 {
		if try%2 == 0 {
			for l := 1; l < len(g.layers); l++ {
				arrange(g.layers[l], func(k *knot) []*knot { return k.up })
			}
		} else {
			for l := len(g.layers) - 2; l >= 0; l-- {
				arrange(g.layers[l], func(k *knot) []*knot { return k.down })
			}
		}
		g.swap()
		if n := g.crossings(); n < best {
			best, places = n, g.places()
		}
	}
	for l, at := range places {
		for i, k := range at {
			g.layers[l][i], k.place = k, i
		}
	}
}

func (g *graph) places() [][]*knot {
	all := make([][]*knot, len(g.layers))
	for l := range g.layers {
		all[l] = append([]*knot(nil), g.layers[l]...)
	}
	return all
}

func arrange(layer []*knot, near func(*knot) []*knot) {
	mean := map[*knot]float64{}
	for i, k := range layer {
		mean[k] = float64(i)
		if n := near(k); len(n) > 0 {
			sum := 0
			for _, o := range n {
				sum += o.place
			}
			mean[k] = float64(sum) / float64(len(n))
		}
	}
	sort.SliceStable(layer, func(i, j int) bool { return mean[layer[i]] < mean[layer[j]] })
	for i, k := range layer {
		k.place = i
	}
}

// swap exchanges neighbours as long as that saves crossings.
func (g *graph) swap() {
	for _, layer := range g.layers {
		for better := true; better; {
			better = false
			for i := 1; i < len(layer); i++ {
				a, b := layer[i-1], layer[i]
				if cross(a.up, b.up)+cross(a.down, b.down) > cross(b.up, a.up)+cross(b.down, a.down) {
					layer[i-1], layer[i] = b, a
					b.place, a.place = i-1, i
					better = true
				}
			}
		}
	}
}

// cross counts the crossings of the arrows of two knots of which the first stands to the left.
func cross(left, right []*knot) int {
	n := 0
	for _, a := range left {
		for _, b := range right {
			if a.place > b.place {
				n++
			}
		}
	}
	return n
}

func (g *graph) crossings() int {
	n := 0
	for _, layer := range g.layers {
		for i := range layer {
			for j := i + 1; j < len(layer); j++ {
				n += cross(layer[i].down, layer[j].down)
			}
		}
	}
	return n
}
