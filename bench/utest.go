package main

import "math"

// mannWhitney is the probability, if both samples came from one distribution, that
// their ranks differ as much as they do or more, either way: the two-sided U test
// of Mann and Whitney, "On a Test of Whether one of Two Random Variables is
// Stochastically Larger than the Other", 1947. It assumes nothing about the
// distribution, which is why it suits times. Up to exactAtMost values it is exact, ties
// included; beyond, it is the normal approximation, corrected for ties and continuity.
func mannWhitney(a, b sample) float64 {
	n1, n2 := len(a), len(b)
	if n1 == 0 || n2 == 0 {
		return 1
	}
	ranks, ties := doubleRanks(append(append(sample{}, a...), b...))
	sum := 0
	for _, r := range ranks[:n1] {
		sum += r
	}
	if n1+n2 <= exactAtMost {
		return exactTail(ranks, n1, sum)
	}
	return normalTail(n1, n2, sum, ties)
}

const exactAtMost = 40

// normalTail is the approximation for a sum of doubled ranks of the n1 values.
func normalTail(n1, n2, sum int, ties float64) float64 {
	n := float64(n1 + n2)
	mean := float64(n1) * (n + 1) / 2
	variance := float64(n1*n2) / 12 * (n + 1 - ties/(n*(n-1)))
	if variance <= 0 {
		return 1 // all values are the same
	}
	z := (math.Abs(float64(sum)/2-mean) - 0.5) / math.Sqrt(variance)
	return min(1, math.Erfc(z/math.Sqrt2))
}

// doubleRanks are twice the ranks of the values from one on, equal values sharing the
// mean of theirs; ties is the sum of t³ − t over the groups of t equal values.
func doubleRanks(values sample) (ranks []int, ties float64) {
	ranks = make([]int, len(values))
	for i, v := range values {
		less, equal := 0, 0
		for _, w := range values {
			switch {
			case w < v:
				less++
			case w == v:
				equal++
			}
		}
		ranks[i] = 2*less + equal + 1
		ties += float64(equal*equal - 1) // t times in a group of t
	}
	return ranks, ties
}

// exactTail is the part of all choices of n of the ranks whose sum is as far from the
// mean as sum is, or farther. Every choice is equally likely.
func exactTail(ranks []int, n, sum int) float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	// ways[k][s] is how many choices of k of the ranks so far have the sum s.
	ways := make([][]float64, n+1)
	for k := range ways {
		ways[k] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for _, r := range ranks {
		for k := n; k > 0; k-- {
			for s := total; s >= r; s-- {
				ways[k][s] += ways[k-1][s-r]
			}
		}
	}
	// The mean is n·total/len: compared without a division.
	off := func(s int) int {
		d := s*len(ranks) - n*total
		return max(d, -d)
	}
	far, all := 0.0, 0.0
	for s, w := range ways[n] {
		all += w
		if off(s) >= off(sum) {
			far += w
		}
	}
	return far / all
}
