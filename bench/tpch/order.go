package tpch

// Order is an order with its lines. Amounts are in hundredths, dates in days
// since 1992-01-01.
type Order struct {
	Key        int64
	Customer   int64
	Status     byte
	TotalPrice int64
	Date       int64
	Priority   string
	Clerk      int64
	Comment    string
	Lines      []Line
}

// Line is a line of an order.
type Line struct {
	Order, Part, Supplier, Number          int64
	Quantity, ExtendedPrice, Discount, Tax int64
	ReturnFlag, Status                     byte
	ShipDate, CommitDate, ReceiptDate      int64
	Instruct, Mode, Comment                string
}

// Order makes the i-th of the orders that the data begins with. o.Lines is used
// again.
func (g *Generator) Order(i int64, o *Order) { g.order(i/8*32+i%8+1, o) }

// NewOrder makes the i-th of the orders that come later. As in clause 4.2.3, only
// the first 8 of every 32 keys are in use at the beginning; the new ones fill the
// gaps, and go on behind them.
func (g *Generator) NewOrder(i int64, o *Order) { g.order(i/24*32+8+i%24+1, o) }

// IsNew is the SQL condition that tells new orders' keys from those of the beginning.
func IsNew(key string) string { return "(" + key + " - 1) % 32 >= 8" }

func (g *Generator) order(key int64, o *Order) {
	r := g.stream(orderStream, key)
	*o = Order{Key: key, Date: r.between(0, lastOrderDay), Priority: r.pick(priorities), Lines: o.Lines[:0]}
	// Every third customer has no orders.
	o.Customer = r.between(1, g.customers)
	if o.Customer%3 == 0 {
		o.Customer--
	}
	o.Clerk = r.between(1, max(int64(g.scale*1000), 1))
	o.Comment = g.prose(&r, 19, 78)
	open := 0
	for n := range r.between(1, 7) {
		l := g.line(&r, o, n+1)
		o.TotalPrice += l.ExtendedPrice * (100 + l.Tax) * (100 - l.Discount) / 10_000
		if l.Status == 'O' {
			open++
		}
		o.Lines = append(o.Lines, l)
	}
	switch open {
	case 0:
		o.Status = 'F'
	case len(o.Lines):
		o.Status = 'O'
	default:
		o.Status = 'P'
	}
}

func (g *Generator) line(r *random, o *Order, number int64) Line {
	l := Line{Order: o.Key, Number: number, Part: r.between(1, g.parts), Quantity: 100 * r.between(1, 50)}
	l.Supplier = g.supplierOf(l.Part, r.between(0, 3))
	l.ExtendedPrice = l.Quantity / 100 * retailPrice(l.Part)
	l.Discount, l.Tax = r.between(0, 10), r.between(0, 8)
	l.ShipDate = o.Date + r.between(1, 121)
	l.CommitDate = o.Date + r.between(30, 90)
	l.ReceiptDate = l.ShipDate + r.between(1, 30)
	l.ReturnFlag, l.Status = 'N', 'F'
	if l.ReceiptDate <= currentDay {
		l.ReturnFlag = "RA"[r.between(0, 1)]
	}
	if l.ShipDate > currentDay {
		l.Status = 'O'
	}
	l.Instruct, l.Mode, l.Comment = r.pick(instructs), r.pick(modes), g.prose(r, 10, 43)
	return l
}

// AppendRow appends the order's own row, in the text format of COPY.
func (o *Order) AppendRow(dst []byte) []byte {
	return line(dst).int(o.Key).int(o.Customer).char(o.Status).cents(o.TotalPrice).text(days[o.Date]).text(o.Priority).
		numbered("Clerk#", o.Clerk).int(0).text(o.Comment).end()
}

// AppendLines appends the rows of its lines.
func (o *Order) AppendLines(dst []byte) []byte {
	for i := range o.Lines {
		dst = o.Lines[i].AppendRow(dst)
	}
	return dst
}

// AppendRow appends the line's row, in the text format of COPY.
func (l *Line) AppendRow(dst []byte) []byte {
	return line(dst).int(l.Order).int(l.Part).int(l.Supplier).int(l.Number).cents(l.Quantity).cents(l.ExtendedPrice).
		cents(l.Discount).cents(l.Tax).char(l.ReturnFlag).char(l.Status).text(days[l.ShipDate]).text(days[l.CommitDate]).
		text(days[l.ReceiptDate]).text(l.Instruct).text(l.Mode).text(l.Comment).end()
}
