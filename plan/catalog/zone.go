package catalog

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// A zone is asked for its offset at each midnight of some centuries, as Postgres itself takes
// transitions to be two days apart, and then between those of them that differ.
const (
	day        = 86400
	zoneStart  = -200 * 365 * day // before the first zone's first transition, of 1835
	epoch2000  = 946_684_800
	firstStamp = -211_813_488_000 // seconds from 2000 to the first timestamp
)

// farAway are moments before and behind the years that are looked through, where a zone's offsets
// have to be as expected.
func farAway() (out []int64) {
	for at := int64(firstStamp) + 30*day; at < zoneStart; at += 50 * 365 * day {
		out = append(out, at)
	}
	for at := int64(fn.ZoneEnd); at < 200_000*365*day; at += 777 * 365 * day {
		out = append(out, at, at+180*day)
	}
	return out
}

// Zone is the session's time zone; nil if nothing is known of it but its name.
func (c *Catalog) Zone(ctx context.Context, name string) (*fn.Zone, error) {
	if c.zoned {
		return c.zone, nil
	}
	z, err := c.readZone(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read the transitions of time zone %s: %w", name, err)
	}
	c.zone, c.zoned = z, true
	return z, nil
}

func (c *Catalog) readZone(ctx context.Context, name string) (*fn.Zone, error) {
	if strings.Contains(name, ",") { // with rules of its own, which may be any
		return nil, nil
	}
	rows, _ := c.tx.Query(ctx, `
		SELECT at, before, "offset" FROM (
			SELECT at, "offset", pg_catalog.lag("offset") OVER (ORDER BY at) AS before FROM (
				SELECT at, extract(timezone FROM pg_catalog.to_timestamp($1::pg_catalog.int8 + at))::pg_catalog.int8 AS "offset"
				FROM pg_catalog.generate_series($2::pg_catalog.int8, $3::pg_catalog.int8 - 1, $4::pg_catalog.int8) AS at) at) at
		WHERE before IS DISTINCT FROM "offset" ORDER BY at`, epoch2000, zoneStart, int64(fn.ZoneEnd), day)
	type change struct {
		At     int64
		Before *int64
		Offset int64
	}
	changes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[change])
	if err != nil {
		return nil, err
	}
	first := changes[0].Offset
	changes = changes[1:]
	transitions := make([]fn.Transition, len(changes))
	had := make([]int64, len(changes)) // seconds at which the offset is the one before
	for i, ch := range changes {
		transitions[i], had[i] = fn.Transition{At: ch.At, Offset: ch.Offset}, ch.At-day
	}
	middle := make([]int64, len(changes))
	for range 17 { // 2^17 seconds are more than a day
		for i, t := range transitions {
			middle[i] = had[i] + (t.At-had[i])/2
		}
		offsets, err := c.offsets(ctx, middle)
		if err != nil {
			return nil, err
		}
		for i := range transitions {
			if offsets[i] == transitions[i].Offset {
				transitions[i].At = max(middle[i], had[i]+1)
			} else if offsets[i] == *changes[i].Before {
				had[i] = middle[i]
			} else {
				return nil, nil // two in a day
			}
		}
	}
	z := fn.NewZone(name, first, transitions)
	if z == nil {
		return nil, nil
	}
	far := farAway()
	offsets, err := c.offsets(ctx, far)
	if err != nil {
		return nil, err
	}
	for i, at := range far {
		if z.Offset(at) != offsets[i] {
			return nil, nil
		}
	}
	return z, nil
}

// offsets are those of the session's zone at some moments.
func (c *Catalog) offsets(ctx context.Context, at []int64) ([]int64, error) {
	rows, _ := c.tx.Query(ctx, `
		SELECT extract(timezone FROM pg_catalog.to_timestamp($1::pg_catalog.int8 + at))::pg_catalog.int8
		FROM pg_catalog.unnest($2::pg_catalog.int8[]) WITH ORDINALITY AS at(at, n) ORDER BY n`, epoch2000, at)
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}
