package translate

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/calls"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Settings are the session settings that a view's functions may depend on.
// They are pinned when the views are analyzed, for us and for verify alike.
type Settings struct {
	TimeZone   string
	SearchPath string // for the bodies of functions that rely on it
	// Rare are those that few views depend on: only those views are made anew if one of them is another.
	Rare map[string]string
}

// The settings in Rare.
const (
	monetary   = "lc_monetary"
	numeric    = "lc_numeric"
	timeNames  = "lc_time"
	textSearch = "default_text_search_config"
)

// RareSettings are the names of those that few views depend on.
var RareSettings = []string{monetary, numeric, timeNames, textSearch}

// pin notes that the view depends on settings.
func (t *translator) pin(names ...string) {
	if t.pinned == nil {
		t.pinned = map[string]string{}
	}
	for _, name := range names {
		t.pinned[name] = t.settings.Rare[name]
	}
}

// UTC says whether local time is UTC.
func (s Settings) UTC() bool {
	switch strings.ToUpper(s.TimeZone) {
	case "UTC", "ETC/UTC", "GMT", "ETC/GMT", "UCT", "ETC/UCT", "ZULU", "ETC/ZULU", "UNIVERSAL", "ETC/UNIVERSAL":
		return true
	}
	return false
}

// zone is the time zone, "" for UTC.
func (s Settings) zone() string {
	if s.UTC() {
		return ""
	}
	return s.TimeZone
}

// stableNames are the STABLE functions of pg_catalog that depend on nothing but
// settings we pin (TimeZone, DateStyle, IntervalStyle …). Everything else that
// is STABLE may read tables, the clock or the session.
var stableNames = map[string]bool{
	"textanycat": true, "anytextcat": true, "array_to_string": true, "concat": true, "concat_ws": true, "format": true, "quote_literal": true, "quote_nullable": true,
	"to_json": true, "to_jsonb": true, "array_to_json": true, "row_to_json": true,
	"json_build_array": true, "json_build_object": true, "jsonb_build_array": true, "jsonb_build_object": true,
	"date_trunc": true, "date_part": true, "extract": true, "timezone": true, "date_bin": true, "make_timestamptz": true,
	"timestamptz_pl_interval": true, "timestamptz_mi_interval": true, "interval_pl_timestamptz": true,
	"timestamptz": true, "timestamp": true, "date": true, "time": true, "timetz": true,
	"timetzdate_pl": true, "datetimetz_pl": true,
	"json_populate_record": true, "jsonb_populate_record": true, "json_populate_recordset": true, "jsonb_populate_recordset": true, "jsonb_populate_record_valid": true,
	"json_to_record": true, "jsonb_to_record": true, "json_to_recordset": true, "jsonb_to_recordset": true,
	"date_add": true, "date_subtract": true, "in_range": true, "generate_series": true, "overlaps": true, "xml": true, "xml_is_well_formed": true,
	"jsonb_path_exists_tz": true, "jsonb_path_match_tz": true, "jsonb_path_query_tz": true, "jsonb_path_query_array_tz": true, "jsonb_path_query_first_tz": true,
}

// formatted are functions of a template, some of whose patterns mean what a locale says: L, D and
// G of numbers, TM of times (postgresql.org/docs/current/functions-formatting.html).
var formatted = map[string]bool{"to_char": true, "to_date": true, "to_timestamp": true, "to_number": true}

// enumerates are functions of a type's labels, beside its values. A view that has the type in a column
// or by its name is made anew when they change.
var enumerates = map[string]bool{"enum_first": true, "enum_last": true, "enum_range": true}

// searchesText are functions that depend on default_text_search_config; of those with a
// configuration, which are IMMUTABLE, nobody asks.
var searchesText = map[string]bool{
	"ts_match_tt": true, "ts_match_tq": true, // text @@ text, text @@ tsquery
	"to_tsvector": true, "json_to_tsvector": true, "jsonb_to_tsvector": true, "to_tsquery": true, "plainto_tsquery": true,
	"phraseto_tsquery": true, "websearch_to_tsquery": true, "ts_headline": true,
}

// wallClocks are VOLATILE: they differ from row to row.
var wallClocks = map[string]bool{"clock_timestamp": true, "timeofday": true}

// settled says whether a type's text form depends on the value and on pinned
// settings alone, and records why not. That of a regclass depends on the names
// in the catalogue.
func (t *translator) settled(n *pgtree.Node, ty *values.Type) bool {
	ty = ty.Innermost()
	if ty.Call != nil && ty.Call.Of != nil {
		ty = ty.Call.Of
	}
	if ty.Call != nil { // its fields are as IMMUTABLE as the function says it is
		t.pin(monetary)
	}
	if ty.Kind == values.KindRecord {
		for _, f := range ty.Fields {
			if !t.settled(n, f.Type) {
				return false
			}
		}
		return true
	}
	if ty.Kind != values.Opaque || ty.Schema == "pg_catalog" && ty.Name == "xml" { // xmloption is pinned
		return true
	}
	if isRecord(ty) { // not yet known by its fields: only looked through
		return true
	}
	if isMoney(ty) {
		t.pin(monetary)
		return true
	}
	bound, _, err := t.cat.RangeSubtype(t.ctx, ty.BaseOID)
	if err != nil {
		t.fail(err)
		return false
	}
	if bound != nil {
		return t.settled(n, bound)
	}
	ok, err := t.cat.ImmutableText(t.ctx, ty.BaseOID)
	if err != nil {
		t.fail(err)
		return false
	}
	if !ok {
		construct := "the text form of " + ty.SQL
		t.problem(n, CodeVolatile, construct, construct+" depends on the catalogue or the session, not on the value alone", "")
	}
	return ok
}

func isMoney(ty *values.Type) bool { return ty.Schema == "pg_catalog" && ty.Name == "money" }

// convertsMoney says whether a function casts to or from money, whose number of decimal places is
// the locale's (postgresql.org/docs/current/datatype-money.html).
func convertsMoney(p *catalog.Proc) bool {
	return p.Name == "money" || p.Name == "numeric" && len(p.ArgTypes) == 1 && p.ArgTypes[0] == "money"
}

// stable says whether a function may be part of a view, and records why not.
func (t *translator) stable(n *pgtree.Node, p *catalog.Proc, args []expr.Expr) bool {
	name := describe(p)
	builtin := p.Schema == "pg_catalog"
	switch {
	case p.Volatility == "i":
		return true
	case builtin && wallClocks[p.Name]:
		t.problem(n, CodeClock, name, name+" differs from row to row: it is not a function of the data and the time", "use now(), which is one time for the whole view")
		return false
	case p.Volatility == "v":
		remedy := "leave it out"
		if !builtin {
			remedy = "leave it out, or declare it IMMUTABLE if it is so in truth"
		}
		t.problem(n, CodeVolatile, name, name+" is VOLATILE: it is not a function of the data", remedy)
		return false
	case builtin && (stableNames[p.Name] || calls.IsTimeComparison(p.Name) || p.Name == "age" && len(p.ArgTypes) == 2):
		for _, a := range args {
			if !t.settled(n, a.Type()) {
				return false
			}
		}
		return true
	case builtin && encodes(p, args):
		return true
	case builtin && enumerates[p.Name]:
		return true
	case builtin && convertsMoney(p):
		t.pin(monetary)
		return true
	case builtin && formatted[p.Name]:
		t.pin(monetary, numeric, timeNames)
		return true
	case builtin && searchesText[p.Name]:
		t.pin(textSearch)
		return true
	}
	remedy := "leave it out"
	if !builtin {
		remedy = "declare it IMMUTABLE if it depends on its arguments alone"
	}
	t.problem(n, CodeVolatile, name, name+" is STABLE: it may depend on tables, on the session or on the clock", remedy)
	return false
}

// encodes says whether a call converts between text and its bytes in UTF-8. To and
// from UTF-8, Postgres has conversions of its own, which come before any that a user
// made (https://www.postgresql.org/docs/current/multibyte.html). Between other
// encodings there may be none, until somebody makes one.
func encodes(p *catalog.Proc, args []expr.Expr) bool {
	if p.Name != "convert_to" && p.Name != "convert_from" || len(args) != 2 {
		return false
	}
	c, ok := args[1].(*expr.Const)
	if !ok || c.V.IsNull() || c.V.IsErr() {
		return false
	}
	return strings.EqualFold(strings.ReplaceAll(c.V.Str(), "-", ""), "utf8")
}
