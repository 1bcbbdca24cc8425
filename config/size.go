package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the units of ParseSize by their lower-case names.
var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "kb": 1e3, "kib": 1 << 10,
	"m": 1 << 20, "mb": 1e6, "mib": 1 << 20,
	"g": 1 << 30, "gb": 1e9, "gib": 1 << 30,
	"t": 1 << 40, "tb": 1e12, "tib": 1 << 40,
}

// ParseSize reads a number of bytes as people write it: 268435456, 256MiB, 1.5 GB.
func ParseSize(s string) (int64, error) {
	t := strings.ToLower(strings.TrimSpace(s))
	digits := strings.TrimRight(t, "abcdefghijklmnopqrstuvwxyz \t")
	unit, ok := sizeUnits[strings.TrimSpace(t[len(digits):])]
	if !ok || strings.Trim(digits, "0123456789.") != "" {
		return 0, fmt.Errorf("%q is not a size", shorten(s))
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size", shorten(s))
	}
	if n *= unit; n >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is larger than any memory", shorten(s))
	}
	return int64(n), nil
}

// FormatSize writes a size for people.
func FormatSize(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, exponent := float64(n)/unit, 0
	for ; value >= unit && exponent < 4; exponent++ {
		value /= unit
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[exponent])
}
