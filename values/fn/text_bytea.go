package fn

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"math/bits"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Functions of bytea and digests
// (https://www.postgresql.org/docs/current/functions-binarystring.html).
// Comparison of bytea is in cmp_scalar.go, its lengths in text_length.go.

func init() {
	register("byteacat(bytea,bytea)", strict2(concatenate))
	for _, name := range []string{"substring", "substr"} {
		register(name+"(bytea,int4)", strict2(byteaSubstringFrom))
		register(name+"(bytea,int4,int4)", strict3(byteaSubstring))
	}
	register("overlay(bytea,bytea,int4)", strict3(func(a, with, from values.Datum) values.Datum {
		return overlay(a, with, from, int64(len(with.Str())), bytesPart)
	}))
	register("overlay(bytea,bytea,int4,int4)", Func{Strict: true, FN: func(args []values.Datum) values.Datum {
		return overlay(args[0], args[1], args[2], args[3].Int64(), bytesPart)
	}})
	register("position(bytea,bytea)", strict2(func(a, part values.Datum) values.Datum {
		return values.Int(int64(strings.Index(a.Str(), part.Str()) + 1))
	}))
	register("btrim(bytea,bytea)", strict2(func(a, set values.Datum) values.Datum { return trimBytes(a, set, true, true) }))
	register("ltrim(bytea,bytea)", strict2(func(a, set values.Datum) values.Datum { return trimBytes(a, set, true, false) }))
	register("rtrim(bytea,bytea)", strict2(func(a, set values.Datum) values.Datum { return trimBytes(a, set, false, true) }))

	register("get_byte(bytea,int4)", strict2(getByte))
	register("set_byte(bytea,int4,int4)", strict3(setByte))
	register("get_bit(bytea,int8)", strict2(getBit))
	register("set_bit(bytea,int8,int4)", strict3(setBit))
	register("bit_count(bytea)", strict1(bitCount))

	for _, typname := range []string{"text", "bytea"} {
		register("md5("+typname+")", strict1(func(a values.Datum) values.Datum {
			sum := md5.Sum([]byte(a.Str()))
			return values.String(hex.EncodeToString(sum[:]))
		}))
	}
	register("sha224(bytea)", strict1(func(a values.Datum) values.Datum {
		sum := sha256.Sum224([]byte(a.Str()))
		return values.String(string(sum[:]))
	}))
	register("sha256(bytea)", strict1(func(a values.Datum) values.Datum {
		sum := sha256.Sum256([]byte(a.Str()))
		return values.String(string(sum[:]))
	}))
	register("sha384(bytea)", strict1(func(a values.Datum) values.Datum {
		sum := sha512.Sum384([]byte(a.Str()))
		return values.String(string(sum[:]))
	}))
	register("sha512(bytea)", strict1(func(a values.Datum) values.Datum {
		sum := sha512.Sum512([]byte(a.Str()))
		return values.String(string(sum[:]))
	}))
}

// bytesPart is substring for bytes.
func bytesPart(s string, start, length int64) string {
	end := min(start+length, int64(len(s))+1)
	if start < 1 {
		start = 1
	}
	if end <= start {
		return ""
	}
	return s[start-1 : end-1]
}

func byteaSubstring(a, from, length values.Datum) values.Datum {
	if length.Int64() < 0 {
		return errNegativeSubstring
	}
	return values.String(bytesPart(a.Str(), from.Int64(), length.Int64()))
}

func byteaSubstringFrom(a, from values.Datum) values.Datum {
	start := min(max(from.Int64()-1, 0), int64(len(a.Str())))
	return values.String(a.Str()[start:])
}

func trimBytes(a, set values.Datum, left, right bool) values.Datum {
	s := a.Str()
	for left && s != "" && strings.IndexByte(set.Str(), s[0]) >= 0 {
		s = s[1:]
	}
	for right && s != "" && strings.IndexByte(set.Str(), s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return values.String(s)
}

func errIndex(i, n int64) values.Datum {
	return values.Errorf("2202E", "index %d out of valid range, 0..%d", i, n-1)
}

func getByte(a, index values.Datum) values.Datum {
	i, n := index.Int64(), int64(len(a.Str()))
	if i < 0 || i >= n {
		return errIndex(i, n)
	}
	return values.Int(int64(a.Str()[i]))
}

func setByte(a, index, to values.Datum) values.Datum {
	i, n := index.Int64(), int64(len(a.Str()))
	if i < 0 || i >= n {
		return errIndex(i, n)
	}
	b := []byte(a.Str())
	b[i] = byte(to.Int64())
	return values.String(string(b))
}

func getBit(a, index values.Datum) values.Datum {
	i, n := index.Int64(), 8*int64(len(a.Str()))
	if i < 0 || i >= n {
		return errIndex(i, n)
	}
	return values.Int(int64(a.Str()[i/8] >> (i % 8) & 1))
}

func setBit(a, index, to values.Datum) values.Datum {
	i, n := index.Int64(), 8*int64(len(a.Str()))
	if i < 0 || i >= n {
		return errIndex(i, n)
	}
	bit := to.Int64()
	if bit != 0 && bit != 1 {
		return values.Errorf("22023", "new bit must be 0 or 1")
	}
	b := []byte(a.Str())
	b[i/8] = b[i/8]&^(1<<(i%8)) | byte(bit)<<(i%8)
	return values.String(string(b))
}

func bitCount(a values.Datum) values.Datum {
	n := 0
	for i := range len(a.Str()) {
		n += bits.OnesCount8(a.Str()[i])
	}
	return values.Int(int64(n))
}
