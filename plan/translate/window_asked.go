package translate

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// RANGE with an offset, where what is near is known to an operator class that somebody has made alone
// (postgresql.org/docs/current/btree.html#BTREE-SUPPORT-FUNCS, in_range). Postgres is sent the values of a
// whole partition, and says for each peer group at which ones its frame begins and ends. Then the frames
// are measured in the numbers of the peer groups.

// ownRange says whether the offsets of a frame are measured by functions that are not Postgres' own, and
// whether what those say is a function of the values; if not, it records why.
func (t *translator) ownRange(clause *pgtree.Node) (own, ok bool) {
	for _, field := range []string{"startInRangeFunc", "endInRangeFunc"} {
		oid := clause.OID(field)
		if oid == 0 {
			continue
		}
		proc, err := t.cat.Proc(t.ctx, oid)
		if err != nil {
			t.fail(err)
			return false, false
		}
		if proc.Schema == "pg_catalog" {
			continue
		}
		if own = true; !t.stable(clause, proc, nil) {
			return true, false
		}
	}
	return own, true
}

// askedFrames is a question to Postgres about the frames of a partition.
type askedFrames struct {
	agg  *algebra.Agg
	args []int // columns of what the window reads
}

// The answer has two numbers for each peer group, those of the first group in its frame and of the last.
const (
	edgeSize  = 8
	groupSize = 2 * edgeSize
)

// askFrames makes the question for a window that is sorted by a value.
func (t *translator) askFrames(clause *pgtree.Node, value expr.Expr, frame algebra.Frame, read []expr.Expr, place func(expr.Expr) int) *askedFrames {
	by, err := t.sortsBy(clause.Nodes("orderClause")[0])
	if err != nil {
		t.fail(err)
		return nil
	}
	order := "ORDER BY r.c1 " + by
	c := &aggregateCall{args: []expr.Expr{value}}
	// The end of a frame is where it would be if the other one were open.
	edge := func(b algebra.Bound, window string) string {
		if b.By == nil {
			return "0::pg_catalog.int8"
		}
		offset := expr.Expr(b.By)
		if b.Computed != nil {
			offset = read[b.Computed.Number]
		}
		c.args = append(c.args, offset)
		to := fmt.Sprintf("(SELECT u.c%d FROM u LIMIT 1)", len(c.args))
		if b.Preceding {
			to += " PRECEDING"
		} else {
			to += " FOLLOWING"
		}
		return fmt.Sprintf(window, order, to)
	}
	first := edge(frame.Start, "coalesce(pg_catalog.first_value(r.g) OVER (%s RANGE BETWEEN %s AND UNBOUNDED FOLLOWING), 9223372036854775807)")
	last := edge(frame.End, "coalesce(pg_catalog.last_value(r.g) OVER (%s RANGE BETWEEN UNBOUNDED PRECEDING AND %s), 0)")
	sql, parts, arrays := t.rowsOf(c)
	sql[0] = "(WITH u AS (SELECT u.*" + sql[0]
	sql[len(sql)-1] += ") SELECT pg_catalog.string_agg(pg_catalog.int8send(e.first) || pg_catalog.int8send(e.last), ''::pg_catalog.bytea ORDER BY e.g) FROM (" +
		"SELECT f.g, pg_catalog.min(f.first) AS first, pg_catalog.max(f.last) AS last FROM (" +
		"SELECT r.g, " + first + " AS first, " + last + " AS last FROM (" +
		"SELECT r.c1, pg_catalog.dense_rank() OVER (" + order + ") AS g FROM u AS r) AS r) AS f GROUP BY f.g) AS e)"
	q := &askedFrames{agg: &algebra.Agg{Name: "frames()", Args: parts, Remote: expr.NewRemote(sql, arrays, false, values.ByteaType), T: values.ByteaType}}
	for _, part := range parts {
		q.args = append(q.args, place(part))
	}
	return q
}

// sortsBy writes how ORDER BY sorts a value.
func (t *translator) sortsBy(by *pgtree.Node) (string, error) {
	op, err := t.cat.Operator(t.ctx, by.OID("sortop"))
	if err != nil {
		return "", err
	}
	nulls := "LAST"
	if by.Bool("nulls_first") {
		nulls = "FIRST"
	}
	return fmt.Sprintf("USING OPERATOR(%s.%s) NULLS %s", pgx.Identifier{op.Schema}.Sanitize(), op.Name, nulls), nil
}

// answered is the relation that a window is over, with what Postgres says of the frames, and the order and the frame
// that are meant by it. What the window reads begins at a column.
func (q *askedFrames) answered(in algebra.Node, at int, partition []int, order []algebra.SortKey, frame algebra.Frame) (algebra.Node, []algebra.SortKey, algebra.Frame) {
	args := slices.Clone(q.args)
	for i := range args {
		args[i] += at
	}
	open := algebra.Bound{Unbounded: true}
	all := algebra.Frame{Mode: algebra.FrameRange, Start: open, End: open}
	width := len(in.Cols())
	ranked := &algebra.Window{In: in, Partition: partition, Order: order, Frame: all, Funcs: []algebra.WindowFunc{{Name: "dense_rank()", Filter: -1, T: values.Int8Type}}}
	told := &algebra.Window{In: ranked, Partition: partition, Frame: all, Funcs: []algebra.WindowFunc{{Name: q.agg.Name, Agg: q.agg, Args: args, Filter: -1, T: q.agg.T}}}
	edges := algebra.Pick(told, algebra.FirstN(width+1))
	cols := algebra.Refs(told.Cols(), []int{width, width + 1})
	for i, b := range []*algebra.Bound{&frame.Start, &frame.End} {
		if b.By == nil {
			continue
		}
		*b = algebra.Bound{By: &expr.Const{T: values.Int8Type}, Preceding: b.Preceding, Computed: &algebra.Computed{Number: -1, Edge: len(edges.Exprs), Moving: true}}
		edges.Exprs, edges.Names = append(edges.Exprs, edgeOf(cols[1], cols[0], i*edgeSize)), append(edges.Names, "edge")
	}
	return edges, []algebra.SortKey{{Col: width}}, frame
}

// edgeOf reads the edge of a peer group's frame.
func edgeOf(frames, group expr.Expr, at int) expr.Expr {
	return &expr.Native{
		Name: fmt.Sprintf("frame_edge(%d)", at), Args: []expr.Expr{frames, group}, T: values.Int8Type,
		Func: &fn.Func{F2: func(frames, group values.Datum) values.Datum {
			s, at := frames.Str(), (group.Int64()-1)*groupSize+int64(at)
			if at+edgeSize > int64(len(s)) {
				return values.Errorf("XX000", "%d bytes of frames, for %d peer groups or more", len(s), group.Int64())
			}
			return values.Int(int64(binary.BigEndian.Uint64([]byte(s[at : at+edgeSize]))))
		}},
	}
}
