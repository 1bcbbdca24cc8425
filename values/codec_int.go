package values

import "strconv"

func decodeIntText(t *Type, src string) (Datum, error) {
	var v int64
	var err error
	switch t.Kind {
	case KindInt2:
		v, err = strconv.ParseInt(src, 10, 16)
	case KindInt4:
		v, err = strconv.ParseInt(src, 10, 32)
	case KindOID:
		var u uint64
		u, err = strconv.ParseUint(src, 10, 32)
		v = int64(u)
	default:
		v, err = strconv.ParseInt(src, 10, 64)
	}
	if err != nil {
		return Null, malformed(t, err.Error())
	}
	return Int(v), nil
}

func appendIntText(dst []byte, d Datum) []byte { return strconv.AppendInt(dst, d.i, 10) }
