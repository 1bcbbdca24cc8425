package fn

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Comparison operators of text, bpchar and name. Equality is that of bytes
// unless the collation is nondeterministic; order is that of bytes only under a
// collation that says so. The *_pattern_* operators order by bytes always.

func init() {
	registerStringComparisons("text", "(text,text)", bytesComparisons)
	registerStringComparisons("bpchar", "(bpchar,bpchar)", comparisonsOf(compareBPChar))
	registerStringComparisons("name", "(name,name)", bytesComparisons)
	register("nameeqtext(name,text)", Func{Strict: true, Need: NeedDeterministic, F2: bytesEQ})
	register("texteqname(text,name)", Func{Strict: true, Need: NeedDeterministic, F2: bytesEQ})
	register("namenetext(name,text)", Func{Strict: true, Need: NeedDeterministic, F2: bytesNE})
	register("textnename(text,name)", Func{Strict: true, Need: NeedDeterministic, F2: bytesNE})
	for i, name := range comparisonNames {
		if i < 2 {
			continue
		}
		register("name"+name+"text(name,text)", Func{Strict: true, Need: NeedCOrder, F2: bytesComparisons[i]})
		register("text"+name+"name(text,name)", Func{Strict: true, Need: NeedCOrder, F2: bytesComparisons[i]})
		register("text_pattern_"+name+"(text,text)", strict2(bytesComparisons[i]))
		register("bpchar_pattern_"+name+"(bpchar,bpchar)", strict2(comparisonsOf(compareBPChar)[i]))
	}

	register("text_larger(text,text)", Func{Strict: true, Need: NeedCOrder, F2: textLarger})
	register("text_smaller(text,text)", Func{Strict: true, Need: NeedCOrder, F2: textSmaller})
	register("bpchar_larger(bpchar,bpchar)", Func{Strict: true, Need: NeedCOrder, F2: bpcharLarger})
	register("bpchar_smaller(bpchar,bpchar)", Func{Strict: true, Need: NeedCOrder, F2: bpcharSmaller})
}

// registerStringComparisons registers the six operators of one string type. Only
// text separates the names of its order operators by an underscore.
func registerStringComparisons(typname, two string, c comparisons) {
	for i, name := range comparisonNames {
		need := NeedCOrder
		if i < 2 {
			need = NeedDeterministic
		} else if typname == "text" {
			name = "_" + name
		}
		register(typname+name+two, Func{Strict: true, Need: need, F2: c[i]})
	}
}

// trimBlanks cuts the blanks a char(n) is padded with: they are not significant.
func trimBlanks(s string) string { return strings.TrimRight(s, " ") }

func compareBPChar(a, b values.Datum) int {
	return strings.Compare(trimBlanks(a.Str()), trimBlanks(b.Str()))
}

func textLarger(a, b values.Datum) values.Datum {
	if a.Str() > b.Str() {
		return a
	}
	return b
}

func textSmaller(a, b values.Datum) values.Datum {
	if a.Str() < b.Str() {
		return a
	}
	return b
}

// bpcharLarger prefers the first of two equal values, which may differ in blanks.
func bpcharLarger(a, b values.Datum) values.Datum {
	if compareBPChar(a, b) >= 0 {
		return a
	}
	return b
}

func bpcharSmaller(a, b values.Datum) values.Datum {
	if compareBPChar(a, b) <= 0 {
		return a
	}
	return b
}
