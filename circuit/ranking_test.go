package circuit_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// folded is an order by which "a" and "A" are equal.
type folded struct {
	calls, asked int
	fail         error
	backwards    bool
}

func (f *folded) compare(a, b string) int {
	c := cmp.Compare(strings.ToLower(a), strings.ToLower(b))
	if f.backwards {
		c = -c
	}
	return c
}

func (f *folded) rank(_ context.Context, vals []string) ([]int, error) {
	f.calls++
	f.asked += len(vals)
	if f.fail != nil {
		return nil, f.fail
	}
	order := make([]int, len(vals))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return f.compare(vals[i], vals[j]) })
	ranks := make([]int, len(vals))
	for k, i := range order {
		if k > 0 {
			ranks[i] = ranks[order[k-1]]
			if f.compare(vals[order[k-1]], vals[i]) != 0 {
				ranks[i]++
			}
		}
	}
	return ranks, nil
}

// ranked is a circuit that adds its label to each value.
type ranked struct {
	t      *testing.T
	order  folded
	store  state.Store
	c      *circuit.Circuit
	labels map[string]string // of all values so far
}

func newRanked(t *testing.T) *ranked {
	r := &ranked{t: t, store: state.NewMemory(state.Options{}), labels: map[string]string{}}
	r.build()
	return r
}

func (r *ranked) build() {
	r.t.Helper()
	b := circuit.NewBuilder()
	in := b.Source("in", 1)
	ranking := b.Ranking("folded", r.order.rank)
	b.Output("out", b.Map(in, 2, "label", func(ctx context.Context, in, out *circuit.Batch) error {
		vals := make([]string, in.Len())
		for i := range vals {
			vals[i] = in.Row(i)[0].Str()
		}
		labels, err := ranking.Labels(ctx, vals)
		if err != nil {
			return err
		}
		for i, l := range labels {
			out.Append([]values.Datum{in.Row(i)[0], values.String(l)}, in.W[i])
		}
		return nil
	}))
	var err error
	if r.c, err = b.Build(r.store, []byte("v")); err != nil {
		r.t.Fatal(err)
	}
}

// step adds values, or takes them away; it keeps what comes of it if told so.
func (r *ranked) step(vals []string, w int64, keep bool) error {
	r.t.Helper()
	batch := r.store.NewBatch()
	defer batch.Close()
	in := circuit.NewBatch(1, len(vals))
	for _, v := range vals {
		in.Append([]values.Datum{values.String(v)}, w)
	}
	outs, err := r.c.Step(r.t.Context(), map[string]*circuit.Batch{"in": in}, batch)
	if err != nil || !keep {
		return err
	}
	for _, o := range outs {
		for i := range o.Batch.Len() {
			v, label := o.Batch.Row(i)[0].Str(), o.Batch.Row(i)[1].Str()
			if had, ok := r.labels[v]; ok && had != label {
				r.t.Fatalf("%q had label %x, now %x", v, had, label)
			}
			r.labels[v] = label
		}
	}
	_, err = batch.Commit()
	return err
}

func (r *ranked) must(vals []string) {
	r.t.Helper()
	if err := r.step(vals, 1, true); err != nil {
		r.t.Fatal(err)
	}
}

// check compares the order of the labels with that of the values.
func (r *ranked) check() {
	r.t.Helper()
	var vals []string
	for v, label := range r.labels {
		if label == "" || label[len(label)-1] == 0 {
			r.t.Fatalf("%q has label %x", v, label)
		}
		vals = append(vals, v)
	}
	slices.SortFunc(vals, func(a, b string) int { return cmp.Or(r.order.compare(a, b), cmp.Compare(a, b)) })
	for i := 1; i < len(vals); i++ {
		a, b := vals[i-1], vals[i]
		if want, have := r.order.compare(a, b), cmp.Compare(r.labels[a], r.labels[b]); want != have {
			r.t.Fatalf("%q and %q compare as %d, their labels %x and %x as %d", a, b, want, r.labels[a], r.labels[b], have)
		}
	}
}

func (r *ranked) longest() int {
	n := 0
	for _, l := range r.labels {
		n = max(n, len(l))
	}
	return n
}

// TestRanking gives labels over steps of all sizes, some of which fail, are given
// up, or are followed by a restart.
func TestRanking(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			r := newRanked(t)
			letters := []string{"a", "A", "b", "B", "z", "é", "", " "}
			value := func() string {
				var s string
				for range rnd.IntN(7) {
					s += letters[rnd.IntN(len(letters))]
				}
				return s
			}
			for range 120 {
				vals := make([]string, 1+rnd.IntN(1+rnd.IntN(300)))
				for i := range vals {
					vals[i] = value()
				}
				switch rnd.IntN(8) {
				case 0:
					r.order.fail = errors.New("no answer")
					err := r.step(vals, 1, true)
					known := !slices.ContainsFunc(vals, func(v string) bool { return r.labels[v] == "" })
					if known != (err == nil) || err != nil && !errors.Is(err, r.order.fail) {
						t.Fatal(err)
					}
					r.order.fail = nil
				case 1:
					if err := r.step(vals, 1, false); err != nil {
						t.Fatal(err)
					}
				case 2:
					r.build()
				default:
					r.must(vals)
					if err := r.step(vals, -1, true); err != nil {
						t.Fatal(err)
					}
				}
			}
			r.check()
			if len(r.labels) < 1500 || r.longest() > 24 {
				t.Errorf("%d labels, the longest of %d bytes", len(r.labels), r.longest())
			}
		})
	}
}

// TestRankingRuns gives labels to values that come in turn, between others, one
// in each step: labels stay short, and each value costs a few questions.
func TestRankingRuns(t *testing.T) {
	const n = 3000
	for name, value := range map[string]func(i int) string{
		"ascending":       func(i int) string { return fmt.Sprintf("m%07d", i) },
		"descending":      func(i int) string { return fmt.Sprintf("m%07d", n-i) },
		"several":         func(i int) string { return fmt.Sprintf("m%d-%07d", i%20, i) },
		"up and down":     func(i int) string { return fmt.Sprintf("m%07d", n+i*(1-i%2*2)) },
		"after all":       func(i int) string { return fmt.Sprintf("zz%07d", i) },
		"before all":      func(i int) string { return fmt.Sprintf("0%07d", n-i) },
		"without a trend": func(i int) string { return fmt.Sprintf("m%07d", i*7919%10007) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRanked(t)
			var around []string
			for i := range 1000 {
				around = append(around, fmt.Sprintf("a%d", i), fmt.Sprintf("z%d", i))
			}
			r.must(around)
			calls, asked := r.order.calls, r.order.asked
			for i := range n {
				r.must([]string{value(i)})
			}
			r.check()
			if r.longest() > 32 {
				t.Errorf("the longest label has %d bytes", r.longest())
			}
			if calls, asked = r.order.calls-calls, r.order.asked-asked; calls > 3*n || asked > 3*300*n {
				t.Errorf("%d questions about %d values", calls, asked)
			}
		})
	}
}

// TestRankingBulk: many values at once are asked about a few times each.
func TestRankingBulk(t *testing.T) {
	r := newRanked(t)
	rnd := rand.New(rand.NewPCG(1, 1))
	const n, steps = 50_000, 10
	for range steps {
		vals := make([]string, n/steps)
		for i := range vals {
			vals[i] = fmt.Sprintf("%x", rnd.Uint64())
		}
		r.must(vals)
	}
	r.check()
	if r.order.asked > 25*n || r.longest() > 8 {
		t.Errorf("%d questions about %d values; the longest label has %d bytes", r.order.calls, r.order.asked, r.longest())
	}
	t.Logf("%d questions about %d values; the longest label has %d bytes", r.order.calls, r.order.asked, r.longest())
}

// TestOrderChanged: an order that has changed is found out.
func TestOrderChanged(t *testing.T) {
	r := newRanked(t)
	vals := make([]string, 500)
	for i := range vals {
		vals[i] = fmt.Sprintf("%05d", i)
	}
	r.must(vals)
	r.order.backwards = true
	if err := r.step([]string{"00123x"}, 1, true); !errors.Is(err, circuit.ErrOrderChanged) {
		t.Fatal(err)
	}
	if err := r.step(vals, -1, true); err != nil {
		t.Fatal(err)
	}
}
