package tpch

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// Generator makes the data of one scale factor and seed.
type Generator struct {
	scale     float64
	seed      uint64
	text      string
	suppliers int64
	parts     int64
	customers int64
	orders    int64
}

// New prepares a generator. At scale 1 there are 8.66 million rows, about 1.1 GB
// as text; the tables but region and nation grow in proportion.
func New(scale float64, seed uint64) *Generator {
	rows := func(n float64) int64 { return max(int64(n*scale), 4) }
	return &Generator{
		scale: scale, seed: seed, text: newProse(seed),
		suppliers: rows(10_000), parts: rows(200_000), customers: rows(150_000), orders: rows(1_500_000),
	}
}

// Orders is how many orders the data begins with.
func (g *Generator) Orders() int64 { return g.orders }

// Numbers of the tables' random streams.
const (
	supplierStream uint64 = iota + 1
	partStream
	partsuppStream
	customerStream
	orderStream
)

// days are the dates of clause 4.2.3 as text: from 1992-01-01 on.
var days = func() []string {
	out := make([]string, lastDay+1)
	for i := range out {
		out[i] = time.Date(1992, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	return out
}()

const (
	lastDay      = 2556          // 1998-12-31
	lastOrderDay = lastDay - 151 // ENDDATE − 151 days
	currentDay   = 1263          // 1995-06-17
)

// Write writes a table in the text format of COPY.
func (g *Generator) Write(w io.Writer, table string) error {
	var row func(dst []byte, i int64) []byte
	var n int64
	switch table {
	case "region":
		row, n = g.appendRegion, int64(len(regions))
	case "nation":
		row, n = g.appendNation, int64(len(nations))
	case "supplier":
		row, n = g.appendSupplier, g.suppliers
	case "part":
		row, n = g.appendPart, g.parts
	case "partsupp":
		row, n = g.appendPartsupp, g.parts
	case "customer":
		row, n = g.appendCustomer, g.customers
	case "orders":
		var o Order
		row, n = func(dst []byte, i int64) []byte {
			g.Order(i, &o)
			return o.AppendRow(dst)
		}, g.orders
	case "lineitem":
		var o Order
		row, n = func(dst []byte, i int64) []byte {
			g.Order(i, &o)
			return o.AppendLines(dst)
		}, g.orders
	default:
		return fmt.Errorf("generate data: there is no table %q", table)
	}
	buf := make([]byte, 0, 1<<16+1<<12)
	for i := range n {
		buf = row(buf, i)
		if len(buf) >= 1<<16 || i == n-1 {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	return nil
}

func (g *Generator) appendRegion(dst []byte, i int64) []byte {
	return line(dst).int(i).text(regions[i]).text(g.text[i*100 : i*100+80]).end()
}

func (g *Generator) appendNation(dst []byte, i int64) []byte {
	n := nations[i]
	return line(dst).int(i).text(n.name).int(int64(n.region)).text(g.text[i*90 : i*90+70]).end()
}

func (g *Generator) appendSupplier(dst []byte, i int64) []byte {
	r := g.stream(supplierStream, i)
	nation := r.between(0, 24)
	return line(dst).int(i+1).numbered("Supplier#", i+1).text(g.prose(&r, 10, 40)).int(nation).phone(&r, nation).
		cents(r.between(-99999, 999999)).text(g.prose(&r, 25, 100)).end()
}

func (g *Generator) appendPart(dst []byte, i int64) []byte {
	r := g.stream(partStream, i)
	maker := r.between(1, 5)
	l := line(dst).int(i + 1)
	for word := range 5 {
		if word > 0 {
			l = append(l[:len(l)-1], ' ')
		}
		l = l.text(r.pick(colours))
	}
	return l.text("Manufacturer#" + strconv.FormatInt(maker, 10)).text("Brand#" + strconv.FormatInt(10*maker+r.between(1, 5), 10)).
		text(r.pick(typeSizes) + " " + r.pick(typeFinish) + " " + r.pick(typeMetals)).int(r.between(1, 50)).
		text(r.pick(boxSizes) + " " + r.pick(boxKinds)).cents(retailPrice(i + 1)).text(g.prose(&r, 5, 22)).end()
}

// retailPrice is p_retailprice in cents.
func retailPrice(part int64) int64 { return 90_000 + (part/10)%20_001 + 100*(part%1000) }

// appendPartsupp appends a part's four suppliers.
func (g *Generator) appendPartsupp(dst []byte, i int64) []byte {
	r := g.stream(partsuppStream, i)
	for nth := range int64(4) {
		dst = line(dst).int(i + 1).int(g.supplierOf(i+1, nth)).int(r.between(1, 9999)).cents(r.between(100, 100_000)).
			text(g.prose(&r, 49, 198)).end()
	}
	return dst
}

// supplierOf is the nth supplier of a part: clause 4.2.3, PS_SUPPKEY. With few
// suppliers its steps would come back to where they began.
func (g *Generator) supplierOf(part, nth int64) int64 {
	step := g.suppliers/4 + (part-1)/g.suppliers
	if g.suppliers < 400 {
		step = g.suppliers / 4
	}
	return (part+nth*step)%g.suppliers + 1
}

func (g *Generator) appendCustomer(dst []byte, i int64) []byte {
	r := g.stream(customerStream, i)
	nation := r.between(0, 24)
	return line(dst).int(i+1).numbered("Customer#", i+1).text(g.prose(&r, 10, 40)).int(nation).phone(&r, nation).
		cents(r.between(-99999, 999999)).text(r.pick(segments)).text(g.prose(&r, 29, 116)).end()
}
