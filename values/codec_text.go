package values

import "encoding/hex"

// decodeByteaText reads the hex format (bytea_output = hex, pinned).
func decodeByteaText(t *Type, src string) (Datum, error) {
	if len(src) < 2 || src[:2] != `\x` {
		return Null, malformed(t, "not in hex format")
	}
	b, err := hex.DecodeString(src[2:])
	if err != nil {
		return Null, malformed(t, err.Error())
	}
	return String(string(b)), nil
}

func appendByteaText(dst []byte, s string) []byte {
	dst = append(dst, `\x`...)
	for i := 0; i < len(s); i++ {
		dst = appendHex(dst, s[i])
	}
	return dst
}

func appendHex(dst []byte, b byte) []byte {
	const digits = "0123456789abcdef"
	return append(dst, digits[b>>4], digits[b&15])
}

func decodeUUIDText(t *Type, src string) (Datum, error) {
	if len(src) != 36 || src[8] != '-' || src[13] != '-' || src[18] != '-' || src[23] != '-' {
		return Null, malformed(t, "not a uuid")
	}
	b, err := hex.DecodeString(src[:8] + src[9:13] + src[14:18] + src[19:23] + src[24:])
	if err != nil {
		return Null, malformed(t, err.Error())
	}
	return String(string(b)), nil
}

func appendUUIDText(dst []byte, t *Type, s string) ([]byte, error) {
	if len(s) != 16 {
		return dst, malformed(t, "not 16 bytes")
	}
	for i := 0; i < 16; i++ {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = appendHex(dst, s[i])
	}
	return dst, nil
}
