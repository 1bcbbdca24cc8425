package values

import (
	"math"
	"strconv"
	"strings"
)

// Postgres counts from 2000-01-01; infinities are the ends of the integers.
const (
	DateInfinity      = math.MaxInt32
	DateMinusInfinity = math.MinInt32

	TimestampInfinity      = math.MaxInt64
	TimestampMinusInfinity = math.MinInt64

	MicrosPerDay = 86_400_000_000

	epochDay = 10957 // 2000-01-01 in days since 1970-01-01
)

// CivilFromDays turns days since 2000-01-01 into a proleptic Gregorian date; year
// 0 is 1 BC.
func CivilFromDays(days int64) (year int64, month, day int) {
	// The era arithmetic counts from 0000-03-01, so that a leap day ends a year.
	z := days + epochDay + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if mp >= 10 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

// DaysFromCivil is the inverse of CivilFromDays.
func DaysFromCivil(year int64, month, day int) int64 {
	y := year
	if month <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	mp := int64(month+9) % 12
	doy := (153*mp+2)/5 + int64(day) - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468 - epochDay
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// SplitTimestamp cuts a finite timestamp into its day and the microseconds of it.
func SplitTimestamp(ts int64) (days, micros int64) {
	days = floorDiv(ts, MicrosPerDay)
	return days, ts - days*MicrosPerDay
}

func appendDateText(dst []byte, days int64) []byte {
	switch days {
	case DateInfinity:
		return append(dst, "infinity"...)
	case DateMinusInfinity:
		return append(dst, "-infinity"...)
	}
	dst, bc := appendCivil(dst, days)
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// appendCivil appends year-month-day; the era comes after the time, if any.
func appendCivil(dst []byte, days int64) (_ []byte, bc bool) {
	y, m, d := CivilFromDays(days)
	if bc = y <= 0; bc {
		y = 1 - y
	}
	for p := int64(1000); p > 1 && y < p; p /= 10 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendInt(dst, y, 10)
	return append2(append(append2(append(dst, '-'), m), '-'), d), bc
}

func append2(dst []byte, v int) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }

func appendTimeText(dst []byte, micros int64) []byte { return appendClock(dst, uint64(micros)) }

// appendClock appends hh:mm:ss and the fraction without trailing zeros; hours
// may have more digits than two.
func appendClock(dst []byte, micros uint64) []byte {
	secs, frac := micros/1_000_000, micros%1_000_000
	if h := secs / 3600; h < 100 {
		dst = append2(dst, int(h))
	} else {
		dst = strconv.AppendUint(dst, h, 10)
	}
	dst = append2(append(dst, ':'), int(secs/60%60))
	dst = append2(append(dst, ':'), int(secs%60))
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	for p := uint64(100_000); frac > 0; p /= 10 {
		dst = append(dst, byte('0'+frac/p))
		frac %= p
	}
	return dst
}

// appendZone appends a zone given in seconds west of UTC.
func appendZone(dst []byte, west int32) []byte {
	sign := byte('+')
	if west > 0 {
		sign = '-'
	} else {
		west = -west
	}
	dst = append2(append(dst, sign), int(west/3600))
	if west%3600 != 0 {
		dst = append2(append(dst, ':'), int(west/60%60))
	}
	if west%60 != 0 {
		dst = append2(append(dst, ':'), int(west%60))
	}
	return dst
}

func appendTimestampText(dst []byte, ts int64, zone bool) []byte {
	switch ts {
	case TimestampInfinity:
		return append(dst, "infinity"...)
	case TimestampMinusInfinity:
		return append(dst, "-infinity"...)
	}
	days, micros := SplitTimestamp(ts)
	dst, bc := appendCivil(dst, days)
	dst = appendClock(append(dst, ' '), uint64(micros))
	if zone {
		dst = append(dst, "+00"...)
	}
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// decodeDateTimeText reads date, timestamp and timestamptz in ISO style.
func decodeDateTimeText(t *Type, src string) (Datum, error) {
	isDate := t.Kind == KindDate
	switch src {
	case "infinity":
		if isDate {
			return Int(DateInfinity), nil
		}
		return Int(TimestampInfinity), nil
	case "-infinity":
		if isDate {
			return Int(DateMinusInfinity), nil
		}
		return Int(TimestampMinusInfinity), nil
	}
	rest, bc := strings.CutSuffix(src, " BC")
	date, clock, hasClock := strings.Cut(rest, " ")
	days, ok := parseCivil(date, bc)
	if !ok || hasClock == isDate {
		return Null, malformed(t, "not in ISO style")
	}
	if isDate {
		return Int(days), nil
	}
	var west int32
	if t.Kind == KindTimestampTZ {
		if clock, west, ok = cutZone(clock); !ok {
			return Null, malformed(t, "no time zone")
		}
	}
	micros, ok := parseClock(clock, 24)
	if !ok || days < -2451545 || days >= 106751983 {
		return Null, malformed(t, "not in ISO style or out of range")
	}
	return Int(days*MicrosPerDay + int64(micros) + int64(west)*1_000_000), nil
}

// decodeTimeText reads time and timetz.
func decodeTimeText(t *Type, src string) (Datum, error) {
	var west int32
	clock, ok := src, true
	if t.Kind == KindTimeTZ {
		if clock, west, ok = cutZone(src); !ok {
			return Null, malformed(t, "no time zone")
		}
	}
	micros, ok := parseClock(clock, 24)
	if !ok || micros > MicrosPerDay {
		return Null, malformed(t, "not a time")
	}
	return Make("", int64(micros), west), nil
}

func parseCivil(s string, bc bool) (days int64, ok bool) {
	i := len(s) - 6 // -mm-dd
	if i < 4 || i > 7 || s[i] != '-' || s[i+3] != '-' {
		return 0, false
	}
	y, ok1 := digitsOf(s[:i])
	m, ok2 := digitsOf(s[i+1 : i+3])
	d, ok3 := digitsOf(s[i+4:])
	if !ok1 || !ok2 || !ok3 || y == 0 || m < 1 || m > 12 || d < 1 || d > 31 {
		return 0, false
	}
	year := int64(y)
	if bc {
		year = 1 - year
	}
	days = DaysFromCivil(year, int(m), int(d))
	if _, _, back := CivilFromDays(days); back != int(d) {
		return 0, false // no such day in that month
	}
	return days, true
}

// parseClock reads h…:mm:ss[.ffffff] with at most maxHour hours.
func parseClock(s string, maxHour uint64) (micros uint64, ok bool) {
	i := strings.IndexByte(s, ':')
	if i < 2 || len(s) < i+6 || s[i+3] != ':' {
		return 0, false
	}
	h, ok1 := digitsOf(s[:i])
	m, ok2 := digitsOf(s[i+1 : i+3])
	sec, ok3 := digitsOf(s[i+4 : i+6])
	if !ok1 || !ok2 || !ok3 || h > maxHour || h > 2_562_047_788 || m > 59 || sec > 60 {
		return 0, false
	}
	micros = ((h*60+m)*60 + sec) * 1_000_000
	frac := s[i+6:]
	if frac == "" {
		return micros, true
	}
	if frac[0] != '.' || len(frac) < 2 || len(frac) > 7 {
		return 0, false
	}
	f, ok := digitsOf(frac[1:])
	for n := len(frac); n < 7; n++ {
		f *= 10
	}
	return micros + f, ok
}

// cutZone cuts ±hh[:mm[:ss]] off the end of a time.
func cutZone(s string) (clock string, west int32, ok bool) {
	i := strings.LastIndexAny(s, "+-")
	if i < 0 {
		return "", 0, false
	}
	unit := uint64(3600)
	var secs uint64
	for part := range strings.SplitSeq(s[i+1:], ":") {
		v, ok := digitsOf(part)
		if !ok || len(part) != 2 || unit == 0 {
			return "", 0, false
		}
		secs += v * unit
		unit /= 60
	}
	west = int32(secs)
	if s[i] == '+' {
		west = -west
	}
	return s[:i], west, true
}

// digitsOf reads up to 18 decimal digits.
func digitsOf(s string) (v uint64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + uint64(c)
	}
	return v, true
}
