package constant

import (
	"encoding/binary"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// errOpaque: the layout of the type's values in memory is not known here.
var errOpaque = fmt.Errorf("its image is known to Postgres alone")

// opaqueConstant reads constants of those types that Go carries unread but
// whose layout in memory is simple (src/include/utils: inet.h, varbit.h,
// geo_decls.h, rangetypes.h).
func opaqueConstant(ty *values.Type, img []byte) (values.Datum, error) {
	if ty.Schema != "pg_catalog" {
		return values.Null, errOpaque
	}
	switch ty.Name {
	case "regproc", "regprocedure", "regoper", "regoperator", "regclass", "regtype", "regconfig", "regdictionary", "regrole",
		"regnamespace", "regcollation", "xid", "cid":
		return bigEndian(ty, img, 4)
	case "pg_lsn", "xid8", "money":
		return bigEndian(ty, img, 8)
	case "point":
		return bigEndian(ty, img, 8, 8)
	case "lseg", "box":
		return bigEndian(ty, img, 8, 8, 8, 8)
	case "circle", "line":
		return bigEndian(ty, img, 8, 8, 8)
	case "macaddr":
		return exactly(ty, img, 6)
	case "macaddr8":
		return exactly(ty, img, 8)
	case "char":
		return exactly(ty, img, 1)
	case "inet", "cidr":
		return inetConstant(ty, img)
	case "bit", "varbit":
		data, err := varlena(img)
		if err != nil || len(data) < 4 {
			return values.Null, errOpaque
		}
		out := binary.BigEndian.AppendUint32(nil, binary.LittleEndian.Uint32(data))
		return values.DecodeBinary(ty, append(out, data[4:]...))
	}
	return values.Null, errOpaque
}

// bigEndian turns little-endian words of the given sizes into big-endian ones.
func bigEndian(ty *values.Type, img []byte, sizes ...int) (values.Datum, error) {
	var out []byte
	at := 0
	for _, size := range sizes {
		if len(img) < at+size {
			return values.Null, fmt.Errorf("%d bytes, expected %d", len(img), at+size)
		}
		for i := range size {
			out = append(out, img[at+size-1-i])
		}
		at += size
	}
	return values.DecodeBinary(ty, out)
}

func exactly(ty *values.Type, img []byte, size int) (values.Datum, error) {
	if len(img) < size {
		return values.Null, fmt.Errorf("%d bytes, expected %d", len(img), size)
	}
	return values.DecodeBinary(ty, img[:size])
}

// inetConstant: family, prefix length, address in memory; family, prefix
// length, whether cidr, number of bytes, address as sent.
func inetConstant(ty *values.Type, img []byte) (values.Datum, error) {
	data, err := varlena(img)
	if err != nil {
		return values.Null, err
	}
	const ipv4 = 2
	if len(data) < 2 {
		return values.Null, errOpaque
	}
	size := 16
	if data[0] == ipv4 {
		size = 4
	}
	if len(data) < 2+size {
		return values.Null, errOpaque
	}
	cidr := byte(0)
	if ty.Name == "cidr" {
		cidr = 1
	}
	return values.DecodeBinary(ty, append([]byte{data[0], data[1], cidr, byte(size)}, data[2:2+size]...))
}
