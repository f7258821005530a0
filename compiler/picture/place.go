package picture

// Distances, in the units of the picture: 1 is a pixel at 100 %.
const (
	bend   = 10 // width of an arrow that passes a layer
	aside  = 26 // between neighbours of a layer
	below  = 64 // between layers: room for what arrows say
	margin = 24
	top    = 56 // room for the title
)

// locate gives every knot its coordinates and returns the size of the whole.
func (g *graph) locate() (width, height float64) {
	y := float64(top)
	for _, layer := range g.layers {
		tall, x := 0.0, 0.0
		for _, k := range layer {
			tall = max(tall, k.tall)
			k.x = x + k.width/2
			x += k.width + aside
		}
		for _, k := range layer {
			k.y = y
			if k.box < 0 {
				k.tall = tall
			}
		}
		y += tall + below
	}
	for range 12 {
		for l := 1; l < len(g.layers); l++ {
			settle(g.layers[l], func(k *knot) []*knot { return k.up })
		}
		for l := len(g.layers) - 2; l >= 0; l-- {
			settle(g.layers[l], func(k *knot) []*knot { return k.down })
		}
	}
	for l := 1; l < len(g.layers); l++ {
		settle(g.layers[l], func(k *knot) []*knot { return append(k.up[:len(k.up):len(k.up)], k.down...) })
	}
	return g.shift(), y - below + margin
}

// shift moves all to the margin and gives the width.
func (g *graph) shift() float64 {
	left, right := 1e18, -1e18
	for _, layer := range g.layers {
		for _, k := range layer {
			left, right = min(left, k.x-k.width/2), max(right, k.x+k.width/2)
		}
	}
	for _, layer := range g.layers {
		for _, k := range layer {
			k.x += margin - left
		}
	}
	return right - left + 2*margin
}

// pool is a run of knots that stand as close as they may; at is where the first of them wants to be, weight how much.
type pool struct {
	at, weight float64
	from, to   int
}

// settle puts every knot of a layer as near as its neighbours allow to the middle of those it is joined to, without changing the order: the places with the least
// sum of squared distances (isotonic regression by pooling adjacent violators). Bends weigh more, so that long arrows become straight.
func settle(layer []*knot, near func(*knot) []*knot) {
	offset := make([]float64, len(layer))
	for i := 1; i < len(layer); i++ {
		offset[i] = offset[i-1] + layer[i-1].width/2 + aside + layer[i].width/2
	}
	var pools []pool
	for i, k := range layer {
		want, weight := k.x, 0.01
		if n := near(k); len(n) > 0 {
			want, weight = 0, 1
			for _, o := range n {
				want += o.x / float64(len(n))
			}
			if k.box < 0 {
				weight = 4
			}
		}
		p := pool{want - offset[i], weight, i, i}
		for len(pools) > 0 && pools[len(pools)-1].at > p.at {
			q := pools[len(pools)-1]
			pools = pools[:len(pools)-1]
			sum := p.weight + q.weight
			p = pool{(p.at*p.weight + q.at*q.weight) / sum, sum, q.from, p.to}
		}
		pools = append(pools, p)
	}
	for _, p := range pools {
		for i := p.from; i <= p.to; i++ {
			layer[i].x = p.at + offset[i]
		}
	}
}
