package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

// sampleEvery is how often the pipeline is asked how far it is.
const sampleEvery = 2 * time.Millisecond

// report writes, once a second, what the writers do and what the outputs show.
type report struct {
	ctx  context.Context
	opts Options
	conn *pgx.Conn

	start time.Time
	at    time.Time
	last  totals
	lags  []time.Duration // of this second
	all   []time.Duration
	seen  time.Time // commit of the last transaction sampled
	drawn int       // lines of the last table on a terminal
	head  bool
}

func newReport(ctx context.Context, opts Options, dsn string) (*report, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("connect a reader: %w", err)
	}
	return &report{ctx: ctx, opts: opts, conn: conn, start: time.Now(), at: time.Now()}, nil
}

func (r *report) close() { _ = r.conn.Close(context.WithoutCancel(r.ctx)) }

// sample notes how long the latest transaction took from its commit to the
// commit of the outputs.
func (r *report) sample(p pipeline.Progress) {
	if p.CommittedAt.IsZero() || p.CommittedAt.Equal(r.seen) || p.CommittedAt.Before(r.start) {
		return
	}
	r.seen = p.CommittedAt
	r.lags = append(r.lags, p.AppliedAt.Sub(p.CommittedAt))
}

// quantile is the value that the fraction q of a list does not exceed.
func quantile(lags []time.Duration, q float64) time.Duration {
	if len(lags) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(lags))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// outputs are the rows that the report shows: what an application would read.
type outputs struct {
	regions  []string // of revenue_by_region
	top      []string // of bestsellers
	reorder  int64
	toShip   int64
	revenues string
}

func (r *report) read() (o outputs, err error) {
	list := func(sql string) []string {
		var out []string
		if err != nil {
			return nil
		}
		var rows pgx.Rows
		if rows, err = r.conn.Query(r.ctx, sql); err == nil {
			out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return out
	}
	o.regions = list(`SELECT format('%s %s', rpad(region, 6), to_char(revenue, 'FM999,999,990.00')) FROM stepping.revenue_by_region ORDER BY revenue DESC`)
	o.top = list(`SELECT format('%s ×%s', name, sold) FROM stepping.bestsellers ORDER BY sold DESC, id LIMIT 4`)
	if err == nil {
		err = r.conn.QueryRow(r.ctx, `SELECT (SELECT count(*) FROM stepping.reorder), (SELECT count(*) FROM stepping.to_ship),
			(SELECT to_char(revenue, 'FM999,999,990.00') FROM stepping.shop_totals)`).Scan(&o.reorder, &o.toShip, &o.revenues)
	}
	if err != nil {
		return o, fmt.Errorf("read the outputs: %w", err)
	}
	return o, nil
}

// show writes the second that has passed.
func (r *report) show(now totals) error {
	out, err := r.read()
	if err != nil {
		return err
	}
	seconds := time.Since(r.at).Seconds()
	perSecond := func(n int64) float64 { return float64(n) / seconds }
	tx, rows := perSecond(now.Transactions-r.last.Transactions), perSecond(now.Rows-r.last.Rows)
	p50, p99 := quantile(r.lags, 0.5), quantile(r.lags, 0.99)
	if r.opts.Terminal {
		r.draw(now, tx, rows, p50, p99, out)
	} else {
		r.line(now, tx, rows, p50, p99, out)
	}
	r.at, r.last = time.Now(), now
	r.all = append(r.all, r.lags...)
	r.lags = r.lags[:0]
	return nil
}

// line is a second in a log.
func (r *report) line(now totals, tx, rows float64, p50, p99 time.Duration, o outputs) {
	if !r.head {
		r.head = true
		fmt.Fprintf(r.opts.Out, "\n%5s %8s %7s %7s %9s %9s  %-14s %8s %8s  %s\n",
			"s", "commits", "tx/s", "rows/s", "lag p50", "lag p99", "revenue", "reorder", "to ship", "best region, best seller")
	}
	best := strings.Join(append(o.regions[:min(1, len(o.regions))], o.top[:min(1, len(o.top))]...), ", ")
	fmt.Fprintf(r.opts.Out, "%5.0f %8d %7.0f %7.0f %9s %9s  %-14s %8d %8d  %s\n",
		time.Since(r.start).Seconds(), now.Transactions, tx, rows, millis(p50), millis(p99), o.revenues, o.reorder, o.toShip, best)
}

// draw is a table on a terminal, drawn over the last one.
func (r *report) draw(now totals, tx, rows float64, p50, p99 time.Duration, o outputs) {
	lines := []string{
		"",
		fmt.Sprintf("  written   %8d commits   %5.0f tx/s   %5.0f rows/s", now.Transactions, tx, rows),
		fmt.Sprintf("  lag       %s median, %s p99, from commit to commit", millis(p50), millis(p99)),
		"",
		fmt.Sprintf("  %-26s %s", "revenue_by_region", "bestsellers"),
	}
	for i := range max(len(o.regions), len(o.top), 4) {
		lines = append(lines, fmt.Sprintf("    %-24s   %s", at(o.regions, i), at(o.top, i)))
	}
	lines = append(lines, fmt.Sprintf("  shop_totals %s   reorder %d rows   to_ship %d rows", o.revenues, o.reorder, o.toShip))
	var b strings.Builder
	if r.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", r.drawn)
	}
	for _, l := range lines {
		b.WriteString("\x1b[2K" + l + "\n")
	}
	r.drawn = len(lines)
	fmt.Fprint(r.opts.Out, b.String())
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// end sums up.
func (r *report) end(now totals) {
	r.all = append(r.all, r.lags...)
	seconds := time.Since(r.start).Seconds()
	fmt.Fprintf(r.opts.Out, "\n%d transactions, %d rows in %.1f s: %.0f tx/s; lag %s median, %s p99\n",
		now.Transactions, now.Rows, seconds, float64(now.Transactions)/seconds, millis(quantile(r.all, 0.5)), millis(quantile(r.all, 0.99)))
}
