package fn

import (
	"maps"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// unit is a field of a date or time, as EXTRACT and date_trunc name it.
type unit uint8

const (
	noUnit unit = iota
	microsecond
	millisecond
	second
	minute
	hour
	day
	week
	month
	quarter
	year
	decade
	century
	millennium
	isoyear
	julian
	dow
	isodow
	doy
	epoch
	timezone
	timezoneHour
	timezoneMinute
	otherWord // a word Postgres knows, but that is no field
)

// intervalUnits are the names date_trunc knows, and EXTRACT first of all. Names
// are told apart by their first ten bytes.
var intervalUnits = map[string]unit{
	"c": century, "cent": century, "centuries": century, "century": century,
	"d": day, "day": day, "days": day,
	"dec": decade, "decade": decade, "decades": decade, "decs": decade,
	"h": hour, "hour": hour, "hours": hour, "hr": hour, "hrs": hour,
	"m": minute, "min": minute, "mins": minute, "minute": minute, "minutes": minute,
	"microsecon": microsecond, "us": microsecond, "usec": microsecond,
	"usecond": microsecond, "useconds": microsecond, "usecs": microsecond,
	"mil": millennium, "millennia": millennium, "millennium": millennium, "mils": millennium,
	"millisecon": millisecond, "ms": millisecond, "msec": millisecond,
	"msecond": millisecond, "mseconds": millisecond, "msecs": millisecond,
	"mon": month, "mons": month, "month": month, "months": month,
	"qtr": quarter, "quarter": quarter,
	"s": second, "sec": second, "second": second, "seconds": second, "secs": second,
	"timezone": timezone, "timezone_h": timezoneHour, "timezone_m": timezoneMinute,
	"w": week, "week": week, "weeks": week,
	"y": year, "year": year, "years": year, "yr": year, "yrs": year,
}

// dateUnits are the names EXTRACT knows beyond those.
var dateUnits = map[string]unit{
	"dow": dow, "doy": doy, "epoch": epoch, "isodow": isodow, "isoyear": isoyear,
	"j": julian, "jd": julian, "julian": julian, "mm": minute,
	"allballs": otherWord, "infinity": otherWord, "-infinity": otherWord, "now": otherWord,
	"today": otherWord, "tomorrow": otherWord, "yesterday": otherWord,
}

// extractUnits are all names EXTRACT knows.
var extractUnits = func() map[string]unit {
	all := maps.Clone(intervalUnits)
	maps.Copy(all, dateUnits)
	return all
}()

// truncUnit reads the field of date_trunc, extractUnit that of EXTRACT; noUnit if
// Postgres knows no such word.
func truncUnit(field values.Datum) unit { return lookupUnit(intervalUnits, field) }

func extractUnit(field values.Datum) unit { return lookupUnit(extractUnits, field) }

// timeUnit is extractUnit for types without a calendar, which know no words but
// units.
func timeUnit(field values.Datum) unit {
	if u := extractUnit(field); u != otherWord {
		return u
	}
	return noUnit
}

func lookupUnit(names map[string]unit, field values.Datum) unit {
	if u, ok := names[field.Str()]; ok {
		return u
	}
	const kept = 10
	name := identifier(field)
	return names[name[:min(len(name), kept)]]
}

// identifier folds a name as an unquoted one is.
func identifier(field values.Datum) string {
	return castName(values.String(asciiLower(field.Str()))).Str()
}

// errUnit is the error of a field that the type has not, or nothing has.
func errUnit(u unit, field values.Datum, typname string) values.Datum {
	state, verdict := "0A000", "supported"
	if u == noUnit {
		state, verdict = "22023", "recognized"
	}
	if serverBefore(unifiedErrors) {
		if typname == timeName || typname == timetzName {
			state, verdict = "22023", "recognized"
		}
		return values.Errorf(state, "%s units \"%s\" not %s", earlierNames[typname], identifier(field), verdict)
	}
	return values.Errorf(state, "unit \"%s\" not %s for type %s", identifier(field), verdict, typname)
}

// The types' names in messages.
const (
	dateName        = "date"
	timestampName   = "timestamp without time zone"
	timestamptzName = "timestamp with time zone"
	timeName        = "time without time zone"
	timetzName      = "time with time zone"
	intervalName    = "interval"
)

// earlierNames are the types' names in the messages of version 14.
var earlierNames = map[string]string{
	dateName:        "date",
	timestampName:   "timestamp",
	timestamptzName: "timestamp with time zone",
	timeName:        `"time"`,
	timetzName:      `"time with time zone"`,
	intervalName:    "interval",
}
