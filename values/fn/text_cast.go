package fn

import (
	"strings"
	"unicode/utf8"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Casts between the string types and to their declared lengths. Between text
// and varchar there is none: Postgres relabels.

func init() {
	register("varchar(varchar,int4,bool)", strict3(castVarchar))
	register("bpchar(bpchar,int4,bool)", strict3(castBPChar))
	register("text(bpchar)", strict1(textTrimBlanks))
	register("text(name)", strict1(identity))
	register("varchar(name)", strict1(identity))
	register("bpchar(name)", strict1(identity))
	register("name(text)", strict1(castName))
	register("name(varchar)", strict1(castName))
	register("name(bpchar)", strict1(func(a values.Datum) values.Datum {
		return values.String(trimBlanks(castName(a).Str()))
	}))
}

const nameBytes = 63 // NAMEDATALEN without its terminator

// castVarchar cuts a text down to its declared length, which the typmod counts
// with the header. Only an explicit cast cuts
// more than blanks.
func castVarchar(a, typmod, explicit values.Datum) values.Datum {
	n := typmod.Int64() - headerBytes
	if n < 0 || int64(len(a.Str())) <= n {
		return a
	}
	return cutTo(a, n, explicit, "character varying")
}

// castBPChar cuts or pads to the declared length.
func castBPChar(a, typmod, explicit values.Datum) values.Datum {
	n := typmod.Int64() - headerBytes
	if n < 0 {
		return a
	}
	if have := int64(utf8.RuneCountInString(a.Str())); have < n {
		if size := n - have + int64(len(a.Str())) + headerBytes; size > maxBytes {
			return errMemory(int64(int32(size)))
		}
		return values.String(a.Str() + strings.Repeat(" ", int(n-have)))
	}
	return cutTo(a, n, explicit, "character")
}

func cutTo(a values.Datum, n int64, explicit values.Datum, typname string) values.Datum {
	s := a.Str()
	end := prefixLen(s, n)
	if !explicit.IsTrue() && trimBlanks(s[end:]) != "" {
		return values.Errorf("22001", "value too long for type %s(%d)", typname, n)
	}
	return values.String(s[:end])
}

// castName cuts to what a name holds, at the end of a character.
func castName(a values.Datum) values.Datum {
	s := a.Str()
	if len(s) <= nameBytes {
		return a
	}
	end := nameBytes
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return values.String(s[:end])
}
