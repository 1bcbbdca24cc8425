package main

import (
	"slices"
	"time"
)

// sample is what several runs measured of one thing.
type sample []float64

func (s sample) median() float64 { return s.quantile(0.5) }

// quantile interpolates between the two nearest values; s is not empty.
func (s sample) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func (s *sample) add(v float64)              { *s = append(*s, v) }
func (s *sample) addSeconds(d time.Duration) { s.add(d.Seconds()) }
func (s *sample) addMillis(d time.Duration)  { s.add(float64(d) / float64(time.Millisecond)) }
func (s *sample) addMicros(d time.Duration)  { s.add(float64(d) / float64(time.Microsecond)) }
