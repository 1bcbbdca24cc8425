package agg

import "github.com/stepping-cdc/stepping-cdc/values"

// count counts rows: all of them, or those whose argument is not NULL.
type count struct {
	n       int64
	skipArg bool // count(*): there is no argument to look at
}

func (c *count) Reset() { c.n = 0 }

func (c *count) Add(args []values.Datum, w int64) {
	if c.skipArg || !args[0].IsNull() {
		c.n += w
	}
}

func (c *count) Result() values.Datum { return values.Int(c.n) }

func (c *count) AppendState(dst []byte) []byte { return appendCount(dst, c.n) }

func (c *count) LoadState(src []byte) ([]byte, error) { return loadCount(src, &c.n) }

func init() {
	registerLinear("count()", func() Accumulator { return &count{skipArg: true} })
	registerLinear("count(any)", func() Accumulator { return &count{} })
}
