package sink

import (
	"context"
	"fmt"
	"slices"
)

// rowCounts are by how many rows live outputs have grown.
type rowCounts struct {
	names []string
	n     []int64
}

func (c *rowCounts) add(t *Table, net int64) {
	if net != 0 && !t.building {
		c.grow(t.spec.Name, net)
	}
}

func (c *rowCounts) grow(name string, n int64) {
	i := slices.Index(c.names, name)
	switch {
	case i < 0:
		c.names, c.n = append(c.names, name), append(c.n, n)
	case c.n[i]+n == 0:
		c.names, c.n = slices.Delete(c.names, i, i+1), slices.Delete(c.n, i, i+1)
	default:
		c.n[i] += n
	}
}

// plus is the sum of both, which stay as they are.
func (c rowCounts) plus(d rowCounts) rowCounts {
	if len(d.names) == 0 {
		return c
	}
	sum := rowCounts{slices.Clone(c.names), slices.Clone(c.n)}
	for i, name := range d.names {
		sum.grow(name, d.n[i])
	}
	return sum
}

// params are the names and the numbers as arrays, or NULLs.
func (c rowCounts) params() [][]byte {
	if len(c.names) == 0 {
		return [][]byte{nil, nil}
	}
	return [][]byte{appendTextArray(nil, c.names), appendInt8Array(nil, len(c.n), func(i int) int64 { return c.n[i] })}
}

// mostGrown is of how many views the row of the progress may hold by how much they
// have grown. Each commit writes it anew.
const mostGrown = 16

const (
	addRowsSQL = `UPDATE stepping_cdc.views v SET rows = v.rows + d.n, updated_at = pg_catalog.clock_timestamp()
		FROM unnest($1::text[], $2::int8[]) AS d(name, n) WHERE v.name = d.name`
	settledSQL = `WITH u AS (
		UPDATE stepping_cdc.progress SET grown = NULL, grown_by = NULL WHERE lsn = $1 AND epoch = $2 RETURNING 1)
	SELECT stepping_cdc.check_progress(count(*), $1, $2) FROM u HAVING count(*) <> 1`
	// takeOverRowsSQL does it for an instance that is no more, once it is locked out.
	takeOverRowsSQL = `UPDATE stepping_cdc.views v SET rows = v.rows + d.n, updated_at = clock_timestamp()
		FROM stepping_cdc.progress p, unnest(p.grown, p.grown_by) AS d(name, n) WHERE v.name = d.name`
	takenOverSQL = `UPDATE stepping_cdc.progress SET grown = NULL, grown_by = NULL WHERE grown IS NOT NULL`
)

// Settle tells stepping_cdc.views by how much the outputs have grown since it was last
// told. Small commits leave that to it.
func (s *Sink) Settle(ctx context.Context) error {
	if len(s.grown.names) == 0 {
		return nil
	}
	b := &batch{s: s}
	err := b.settle(ctx)
	if err == nil {
		err = b.run(ctx)
	}
	if err != nil {
		return fmt.Errorf("write numbers of rows: %w", s.lost(err))
	}
	s.grown = rowCounts{}
	return nil
}

// settle takes the lock on the progress row, and empties it of what it tells.
func (b *batch) settle(ctx context.Context) error {
	err := b.add(ctx, settledSQL, [][]byte{int8Param(int64(b.s.pos.LSN)), int8Param(b.s.epoch)}, allBinary)
	if err != nil {
		return err
	}
	return b.rows(ctx, b.s.grown)
}

// rows tells stepping_cdc.views by how much the outputs have grown.
func (b *batch) rows(ctx context.Context, counts rowCounts) error {
	if len(counts.names) == 0 {
		return nil
	}
	return b.add(ctx, addRowsSQL, counts.params(), allBinary)
}
