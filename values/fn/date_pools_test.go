package fn

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Arguments that functions of dates and times are tried with beside the pools of
// their types: field names, ends of months and eras, the limits of each type.

func init() {
	edges["date"] += "|4714-11-24 BC|4714-12-31 BC|0001-01-01 BC|0002-02-28 BC|0005-02-28 BC|0100-12-31|0101-01-01|0100-01-01 BC|0101-01-01 BC|" +
		"2000-12-31|2001-01-01|1000-12-31|1001-06-01|294276-12-31|294277-01-01|2100-02-28|2400-02-29|2021-01-03|2020-12-31|2010-01-03|5874897-01-01"
	stamps := "|4714-11-24 00:00:00.000001+00 BC|0001-12-31 23:59:59.999999+00 BC|0001-01-01 00:00+00 BC|0101-01-01 00:00+00 BC|0100-12-31 BC 12:00+00|" +
		"1001-01-01 00:00+00 BC|2000-12-31 23:59:59.5+00|2001-01-01 00:00:00.499999+00|2024-01-31 10:00+00|2024-03-31 10:00+00|2023-01-30 23:00+00|" +
		"294276-12-31 00:00+00|294276-12-31 23:59:59.999999+00|294263-11-13 08:17:59.014321+00|294247-01-10 04:00:54.775806+00|2010-01-03 05:00+00|2020-12-31 00:00+00|1901-01-01 00:00+00|1900-12-31 00:00+00|4700-01-01 13:14:15.678901+00 BC"
	edges["timestamptz"] += stamps
	edges["timestamp"] += strings.ReplaceAll(stamps, "+00", "")
	edges["interval"] += "|2147483647 mons|-2147483648 mons|2147483647 days 24:00:00|" +
		"-2147483648 days -24:00:00|2147483647 mons 30 days|11 mons|-11 mons|-4 mons|-3 mons|-2 mons|1999 years 11 mons|-1999 years -11 mons|" +
		"59 days 23:59:59.9999999|1 mon 31 days -00:00:01|-1 mon 31 days 25:00:00|1 day -24:00:00|30 days -1 microseconds|0.5 microseconds|" +
		"12 days 03:04:05.678901|1.5 seconds|100 days|-0.123456 seconds|1 mon -30 days|15 minutes|1 hour|7 days|2 days 12:34:56.789"
	edges["interval"] = strings.NewReplacer("|2562047788:00:54.775807", "", "|-2562047788:00:54.775807", "").Replace(edges["interval"])
	edges["time"] += "|23:59:59.9999995|00:00:59.999999|12:00"
	edges["timetz"] += "|12:00+00|12:00-00:30|13:00+01|11:59:59.5-15:59:59|12:34:56.789012+05:45:30"

	randoms["interval"] = func(r *rand.Rand) string {
		sign := []string{"", "-"}[r.IntN(2)]
		return fmt.Sprintf("%d mons %d days %s%d:%s", r.IntN(60)-30, r.IntN(100)-50, sign, r.IntN(200)>>r.UintN(8), randomTime(r)[3:])
	}
	randoms["timestamp"] = randomStamp
	randoms["timestamptz"] = func(r *rand.Rand) string { return randomStamp(r) + fmt.Sprintf("%+03d", r.IntN(31)-15) }

	units := []string{"microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year",
		"decade", "century", "millennium", "isoyear", "julian", "dow", "isodow", "doy", "epoch", "timezone", "timezone_hour",
		"timezone_minute", "EPOCH", "Day", "us", "ms", "msec", "m", "mm", "j", "jd", "s", "y", "d", "h", "w", "c", "mil", "mon", "qtr",
		"microsecondfoo", "timezone_hx", "foo", "", "now", "today", "infinity", "-infinity", "allballs", "ago", "jan", "monday", "am", "bc",
		"utc", "z", "at", "t", "dec", "decs", "cent", "centuries", "millennia", "yrs", "hrs", "dayfoo", "tomorrow", "yesterday", "invalid", "É",
		"averyveryveryveryveryveryveryveryveryveryveryveryveryverylongword日本"}
	for _, name := range []string{"extract", "date_part", "date_trunc"} {
		addArgs(name, 0, units...)
	}
	for _, name := range []string{"date_pli", "date_mii"} {
		addArgs(name, 1, "1", "-1", "365", "2147483647", "-2147483648", "5000000", "-2451545", "2145031948")
	}
	addArgs("integer_pl_date", 0, "1", "-1", "2147483647", "-2147483648")
	addArgs("date_bin", 0, "15 minutes", "1 day", "7 days", "1 microsecond", "0", "-1 day", "1 mon", "2147483647 days", "36:00",
		"106751983 days", "1 day -1 microsecond")
	for _, name := range []string{"make_date", "make_timestamp", "make_timestamptz"} {
		addArgs(name, 0, "2024", "1", "0", "-1", "-4", "-5", "-4713", "-4714", "-4715", "294276", "294277", "5874897", "5874898", "2147483647", "-2147483648", "100", "2000")
		addArgs(name, 1, "1", "2", "12", "11", "6", "0", "13", "-1")
		addArgs(name, 2, "1", "28", "29", "30", "31", "24", "0", "32", "-1")
		addArgs(name, 3, "0", "12", "23", "24", "25", "-1")
		addArgs(name, 4, "0", "30", "59", "60", "-1")
		addArgs(name, 5, "0", "30.5", "59.9999999", "60", "60.1", "-0.1", "0.0000001", "5.123456789", "NaN")
	}
	addArgs("make_time", 0, "0", "12", "23", "24", "25", "-1")
	addArgs("make_time", 1, "0", "30", "59", "60", "-1")
	addArgs("make_time", 2, "0", "30.5", "59.9999999", "60", "60.1", "-0.1", "0.0000001", "5.123456789", "NaN", "Infinity", "1e20", "-0")
	for i := range 6 {
		addArgs("make_interval", i, "0", "1", "-1", "12", "2147483647", "-2147483648", "200000000")
	}
	addArgs("make_interval", 6, "0", "1.5", "-0.0000005", "1e12", "1e13", "NaN", "Infinity", "59.123456789")
	addArgs("to_timestamp", 0, "0", "1e9", "1700000000.123456", "-210866803200", "-210866803201", "9224318015999.999", "9224318016000", "0.0000005", "-1.5", "1e300")
	for _, name := range []string{"interval_mul", "interval_div"} {
		addArgs(name, 1, factors...)
	}
	addArgs("mul_d_interval", 0, factors...)
}

var factors = []string{"0", "1", "-1", "2", "0.5", "1.5", "3", "7", "0.1", "0.333333333333", "1e-7", "1e7", "-2.5", "30", "365.25", "1e-20", "Infinity", "NaN", "12"}

// randomStamp is a timestamp of any era, with more or less of a fraction.
func randomStamp(r *rand.Rand) string {
	year := 1970 + r.IntN(80)
	era := ""
	switch r.IntN(6) {
	case 0:
		year = 1 + r.IntN(4700)
		era = " BC"
	case 1:
		year = 1 + r.IntN(294000)
	}
	clock := randomTime(r)
	if r.IntN(3) == 0 {
		clock = clock[:8] // whole seconds
	}
	day := 1 + r.IntN(28)
	return fmt.Sprintf("%04d-%02d-%02d%s %s", year, 1+r.IntN(12), day, era, clock)
}
