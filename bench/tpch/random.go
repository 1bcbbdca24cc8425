package tpch

import "math/bits"

// random is SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
// Generators", 2014): one word of state, so that every row can have its own.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// between is uniform in [low, high].
func (r *random) between(low, high int64) int64 {
	hi, _ := bits.Mul64(r.next(), uint64(high-low+1))
	return low + int64(hi)
}

func (r *random) pick(words []string) string {
	return words[r.between(0, int64(len(words))-1)]
}

// stream is the generator of one row. Streams of neighbouring rows are far apart.
func (g *Generator) stream(table uint64, row int64) random {
	r := random{g.seed ^ table*0xd1342543de82ef95}
	r.state = r.next() ^ uint64(row)
	return random{r.next()}
}
