package fn

import (
	"testing"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// The functions of text, dates and times that queries call most, a call each.
func BenchmarkTextAndDates(b *testing.B) {
	SetServerVersion(unifiedErrors)
	var (
		title = values.String("The quick brown fox jumps over the lazy dog")
		multi = values.String("Größe: 42 日本語")
		stamp = values.Int(775_000_000_123_456)
		later = values.Int(776_000_000_123_456)
		month = values.MakeInterval(1, 0, 0)
		hours = values.MakeInterval(0, 0, 90*microsPerMinute)
	)
	for _, bench := range []struct {
		name, signature string
		args            []values.Datum
	}{
		{"equal", "texteq(text,text)", []values.Datum{title, title}},
		{"lower", "lower(text)", []values.Datum{title}},
		{"length", "length(text)", []values.Datum{multi}},
		{"substring", "substring(text,int4,int4)", []values.Datum{multi, values.Int(3), values.Int(5)}},
		{"concatenate", "textcat(text,text)", []values.Datum{title, multi}},
		{"replace", "replace(text,text,text)", []values.Datum{title, values.String("fox"), values.String("cat")}},
		{"like prefix", "textlike(text,text)", []values.Datum{title, values.String("The qu%")}},
		{"like inside", "textlike(text,text)", []values.Datum{title, values.String("%lazy%")}},
		{"like miss", "textlike(text,text)", []values.Datum{title, values.String("%cat%dog%")}},
		{"trunc month", "date_trunc(text,timestamp)", []values.Datum{values.String("month"), stamp}},
		{"extract year", "extract(text,timestamp)", []values.Datum{values.String("year"), stamp}},
		{"extract epoch", "extract(text,timestamp)", []values.Datum{values.String("epoch"), stamp}},
		{"plus month", "timestamp_pl_interval(timestamp,interval)", []values.Datum{stamp, month}},
		{"plus hours", "timestamp_pl_interval(timestamp,interval)", []values.Datum{stamp, hours}},
		{"minus timestamp", "timestamp_mi(timestamp,timestamp)", []values.Datum{later, stamp}},
		{"interval less", "interval_lt(interval,interval)", []values.Datum{month, hours}},
		{"interval multiply", "interval_mul(interval,float8)", []values.Datum{hours, values.Float(1.5)}},
		{"cast date", "date(timestamp)", []values.Datum{stamp}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			f := Lookup(bench.signature, nil, nil)
			b.ReportAllocs()
			for b.Loop() {
				if d := invoke(f, bench.args); d.IsErr() {
					b.Fatal(d.Err())
				}
			}
		})
	}
}
