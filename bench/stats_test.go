package main

import "testing"

func TestQuantile(t *testing.T) {
	s := sample{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 1: 4} {
		if got := s.quantile(q); got != want {
			t.Errorf("quantile %g = %g, want %g", q, got, want)
		}
	}
	if got := (sample{7}).median(); got != 7 {
		t.Errorf("median of one run = %g", got)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.12345: "0.123", 5.678: "5.68", 56.78: "56.8", 1234.5: "1234", 123456.7: "123,457", -1234567: "-1,234,567"} {
		if got := number(v); got != want {
			t.Errorf("number(%g) = %q, want %q", v, got, want)
		}
	}
}
