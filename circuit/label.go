package circuit

import "math/big"

// Labels are fractions between 0 and 1, written as bytes to the base of 256
// without zeros at their end, so that comparing them as strings compares them as
// numbers, and there is one between any two.

// crowding is how much of a gap a run of values may take: one part in so many. The
// room left is for those that follow, so that a label of a run of millions is
// only a few bytes longer than that of its first.
const crowding = 4096

// spreading says where in a gap labels go.
type spreading int

const (
	evenly      spreading = iota
	afterBefore           // close to the label before: an ascending run goes on
	beforeAfter           // close to the label after: a descending one
)

// between gives n labels that sort, in turn, after the label lo and before hi.
// An empty lo is before all labels, an empty hi after them.
func between(lo, hi string, n int, how spreading) []string {
	m := 0 // digits
	for m < len(lo) && m < len(hi) && lo[m] == hi[m] {
		m++
	}
	need := big.NewInt(int64(n) + 1)
	if how != evenly {
		need.Mul(need, big.NewInt(crowding))
	}
	// Both ends, cut to m digits, leave room for whole numbers strictly between.
	var x, y, room *big.Int
	for {
		m++
		x, y = cut(lo, m), cut(hi, m)
		if hi == "" {
			y.Lsh(big.NewInt(1), uint(8*m))
		}
		if room = new(big.Int).Sub(y, x); room.Cmp(need) >= 0 {
			break
		}
	}
	labels := make([]string, n)
	parts := big.NewInt(int64(n) + 1)
	digits := make([]byte, m)
	at := new(big.Int)
	for i := range labels {
		nth := at.SetInt64(int64(i) + 1)
		switch how {
		case evenly:
			at.Add(x, at.Div(at.Mul(nth, room), parts))
		case afterBefore:
			at.Add(x, nth)
		case beforeAfter:
			at.Sub(at.Add(y, nth), parts)
		}
		at.FillBytes(digits)
		end := m
		for digits[end-1] == 0 {
			end--
		}
		labels[i] = string(digits[:end])
	}
	return labels
}

// cut is the number of the first m digits of a label.
func cut(label string, m int) *big.Int {
	digits := make([]byte, m)
	copy(digits, label)
	return new(big.Int).SetBytes(digits)
}
