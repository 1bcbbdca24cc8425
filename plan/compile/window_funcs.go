package compile

import (
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
)

const (
	firstValue = "first_value(anyelement)"
	lastValue  = "last_value(anyelement)"
	nthValue   = "nth_value(anyelement,int4)"
)

// windowFuncs compute what algebra.WindowFuncs lists.
var windowFuncs = map[string]func(p *partition, f algebra.WindowFunc, nth, i int) values.Datum{
	"row_number()": func(p *partition, _ algebra.WindowFunc, _, i int) values.Datum {
		return values.Int(p.past.rows + int64(i+1))
	},
	"rank()": func(p *partition, _ algebra.WindowFunc, _, i int) values.Datum {
		return values.Int(p.past.rows + int64(p.starts[p.group[i]]+1))
	},
	"dense_rank()": func(p *partition, _ algebra.WindowFunc, _, i int) values.Datum {
		return values.Int(p.past.groups + int64(p.group[i]+1))
	},
	"percent_rank()": func(p *partition, _ algebra.WindowFunc, _, i int) values.Datum {
		n := p.size()
		if n <= 1 {
			return values.Float(0)
		}
		return values.Float(float64(p.past.rows+int64(p.starts[p.group[i]])) / float64(n-1))
	},
	"cume_dist()": func(p *partition, _ algebra.WindowFunc, _, i int) values.Datum {
		return values.Float(float64(p.past.rows+int64(p.starts[p.group[i]+1])) / float64(p.size()))
	},
	"ntile(int4)": ntile,
	"lag(anyelement)": func(p *partition, f algebra.WindowFunc, _, i int) values.Datum {
		return p.shifted(f, i, -1)
	},
	"lead(anyelement)": func(p *partition, f algebra.WindowFunc, _, i int) values.Datum {
		return p.shifted(f, i, 1)
	},
	"lag(anyelement,int4)": func(p *partition, f algebra.WindowFunc, _, i int) values.Datum {
		return p.shifted(f, i, -1)
	},
	"lead(anyelement,int4)": func(p *partition, f algebra.WindowFunc, _, i int) values.Datum {
		return p.shifted(f, i, 1)
	},
	"lag(anycompatible,int4,anycompatible)": func(p *partition, f algebra.WindowFunc, _, i int) values.Datum {
		return p.shifted(f, i, -1)
	},
	"lead(anycompatible,int4,anycompatible)": func(p *partition, f algebra.WindowFunc, _, i int) values.Datum {
		return p.shifted(f, i, 1)
	},
	firstValue: func(p *partition, f algebra.WindowFunc, nth, i int) values.Datum {
		switch frame := p.frame; {
		case frame.Start.Unbounded && p.past.values != nil:
			return p.past.values[nth]
		case frame.Start.By != nil && frame.End.Unbounded && p.future.values != nil && p.visible(i).len() == 0:
			return p.future.values[nth]
		}
		return p.seen(f, i, 0)
	},
	lastValue: func(p *partition, f algebra.WindowFunc, nth, i int) values.Datum {
		n := p.visible(i).len()
		switch frame := p.frame; {
		case frame.End.Unbounded && p.future.values != nil:
			return p.future.values[nth]
		case frame.End.By != nil && frame.Start.Unbounded && p.past.values != nil && n == 0:
			return p.past.values[nth]
		}
		return p.seen(f, i, n-1)
	},
	nthValue: func(p *partition, f algebra.WindowFunc, nth, i int) values.Datum {
		n := p.rows[i][f.Args[1]]
		if n.IsNull() || n.IsErr() {
			return n
		}
		if n.Int64() <= 0 {
			return values.Errorf("22016", "argument of nth_value must be greater than zero")
		}
		place := n.Int64() - 1
		if p.past.nths != nil {
			before := p.past.nths[nth]
			if place -= before.rows; place < 0 {
				return before.value
			}
		}
		return p.seen(f, i, int(place))
	},
}

// seen is a value of the row at a place in row i's frame.
func (p *partition) seen(f algebra.WindowFunc, i, place int) values.Datum {
	if r := p.visible(i).at(place); r >= 0 {
		return p.rows[r][f.Args[0]]
	}
	return values.Null
}

// shifted is a value of the row so many before or after row i.
func (p *partition) shifted(f algebra.WindowFunc, i int, direction int64) values.Datum {
	by := int64(1)
	if len(f.Args) > 1 {
		d := p.rows[i][f.Args[1]]
		if d.IsNull() || d.IsErr() {
			return d
		}
		by = d.Int64()
	}
	if at := int64(i) + direction*by; at >= 0 && at < int64(len(p.rows)) {
		return p.rows[at][f.Args[0]]
	}
	if len(f.Args) > 2 {
		return p.rows[i][f.Args[2]]
	}
	return values.Null
}

// ntile divides the partition into buckets whose sizes differ by one at most,
// the larger ones first. Their number is the first that is not NULL; Postgres counts
// rows from there, though to the size of the whole partition.
func ntile(p *partition, f algebra.WindowFunc, _, i int) values.Datum {
	first := 0
	for first < i && p.rows[first][f.Args[0]].IsNull() {
		first++
	}
	buckets := p.rows[first][f.Args[0]]
	if buckets.IsNull() || buckets.IsErr() {
		return buckets
	}
	b := buckets.Int64()
	if b <= 0 {
		return values.Errorf("22014", "argument of ntile must be greater than zero")
	}
	n, at := p.size(), p.past.rows+int64(i-first)
	size, larger := n/b, n%b
	if at < larger*(size+1) {
		return values.Int(at/(size+1) + 1)
	} else if size > 0 {
		return values.Int(larger + (at-larger*(size+1))/size + 1)
	}
	return values.Int(at + 1)
}
