package pipeline

import "time"

const (
	// pace is how far apart the stream is read under pressure, for each unit of it.
	pace = 16 * time.Millisecond
	// pressedFrom is from which pressure on the stream is read at a pace.
	pressedFrom = 0.5
	// mostPressure bounds what one large step adds, and thereby the pace; of steps for large
	// transactions, mostOfLarge does, as more would come in a pause than is on its way at once.
	mostPressure = 4
	mostOfLarge  = 2
	// shareable is what of a step, at most, two transactions pay once when they share it: the way
	// through the circuit, the commits of the state and of the outputs. What a step takes
	// longer is for its rows.
	shareable = 2 * time.Millisecond
	// pressureOver is the time over which pressure is averaged.
	pressureOver = 200 * time.Millisecond
)

// pressure tells how busy a step for each transaction would keep us, as a share of
// the time. A step costs much the same for one small transaction and for some of
// them, in this process and in the outputs' server; with little to do one for each
// is best, as it is the freshest. With much to do, that would take from the
// source, on the same machine, the processors that it needs itself, and in the end the
// outputs would be late as well: then the stream is read every few milliseconds only,
// which saves its sender and its reader most of their wake-ups, and the transactions
// that have come meanwhile share a step.
type pressure struct {
	ended time.Time // the last step
	share float64
}

// note takes a step into account. Of one for several transactions, the time that it
// took counts for each of them: too much, so that a load that comes to the limit is
// not followed now in this way and now in the other.
func (p *pressure) note(began, ended time.Time, transactions int) {
	span := ended.Sub(p.ended)
	if span <= 0 {
		return
	}
	took, each := ended.Sub(began), float64(transactions)/float64(span)
	most := max(min(each*float64(min(took, shareable)), mostPressure), mostOfLarge)
	share := min(each*float64(took), most)
	p.share += (share - p.share) * float64(span) / float64(span+pressureOver)
	p.ended = ended
}

// pace is how far apart the stream is to be read; the pressure of the last step has
// less to say the longer it is ago.
func (p *pressure) pace(now time.Time) time.Duration {
	idle := max(now.Sub(p.ended), 0)
	share := p.share * float64(pressureOver) / float64(idle+pressureOver)
	if share < pressedFrom {
		return 0
	}
	return time.Duration(share * float64(pace))
}
