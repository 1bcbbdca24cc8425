package fn

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// encode and decode: bytea as text in hexadecimal, base64 or escape format.

func init() {
	register("encode(bytea,text)", strict2(encode))
	register("decode(text,text)", strict2(decode))
}

func errEncoding(name string) values.Datum {
	return values.Errorf("22023", "unrecognized encoding: \"%s\"", name)
}

func encode(a, format values.Datum) values.Datum {
	switch asciiLower(format.Str()) {
	case "hex":
		return values.String(hex.EncodeToString([]byte(a.Str())))
	case "base64":
		return values.String(encodeBase64(a.Str()))
	case "escape":
		return values.String(encodeEscape(a.Str()))
	}
	return errEncoding(format.Str())
}

func decode(a, format values.Datum) values.Datum {
	switch asciiLower(format.Str()) {
	case "hex":
		return decodeHex(a.Str())
	case "base64":
		return decodeBase64(a.Str())
	case "escape":
		return decodeEscape(a.Str())
	}
	return errEncoding(format.Str())
}

// encodeBase64 ends each full line of 76 characters, the last one too.
func encodeBase64(s string) string {
	const lineBytes = 57
	var b strings.Builder
	for len(s) >= lineBytes {
		b.WriteString(base64.StdEncoding.EncodeToString([]byte(s[:lineBytes])))
		b.WriteByte('\n')
		s = s[lineBytes:]
	}
	b.WriteString(base64.StdEncoding.EncodeToString([]byte(s)))
	return b.String()
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// firstChar is the character an error message shows.
func firstChar(s string) string { return s[:prefixLen(s, 1)] }

// decodeBase64 takes what Postgres takes, which is more than the standard has:
// padding may be followed by further groups, each cut as the first padded one.
func decodeBase64(s string) values.Datum {
	var (
		out       []byte
		group     uint32
		pos, keep = 0, 3
	)
	for i := range len(s) {
		c := s[i]
		if isSpace(c) {
			continue
		}
		digit := uint32(0)
		if c == '=' {
			if keep == 3 {
				if pos < 2 {
					return values.Errorf("22023", "unexpected \"=\" while decoding base64 sequence")
				}
				keep = pos - 1
			}
		} else {
			at := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c)
			if at < 0 {
				return values.Errorf("22023", "invalid symbol \"%s\" found while decoding base64 sequence", firstChar(s[i:]))
			}
			digit = uint32(at)
		}
		group = group<<6 | digit
		if pos++; pos == 4 {
			out = append(out, []byte{byte(group >> 16), byte(group >> 8), byte(group)}[:keep]...)
			group, pos = 0, 0
		}
	}
	if pos != 0 {
		return values.Errorf("22023", "invalid base64 end sequence")
	}
	return values.String(string(out))
}

func hexDigit(c byte) (byte, bool) {
	switch c = toLower(c); {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// decodeHex allows blanks between bytes, not within them.
func decodeHex(s string) values.Datum {
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); {
		if isSpace(s[i]) {
			i++
			continue
		}
		hi, ok := hexDigit(s[i])
		if !ok {
			return values.Errorf("22023", "invalid hexadecimal digit: \"%s\"", firstChar(s[i:]))
		}
		if i++; i == len(s) {
			return values.Errorf("22023", "invalid hexadecimal data: odd number of digits")
		}
		lo, ok := hexDigit(s[i])
		if !ok {
			return values.Errorf("22023", "invalid hexadecimal digit: \"%s\"", firstChar(s[i:]))
		}
		i++
		out = append(out, hi<<4|lo)
	}
	return values.String(string(out))
}

func encodeEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == 0 || c >= 0x80:
			b.Write([]byte{'\\', '0' + c>>6, '0' + c>>3&7, '0' + c&7})
		case c == '\\':
			b.WriteString(`\\`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func decodeEscape(s string) values.Datum {
	out := make([]byte, 0, len(s))
	octal := func(c, last byte) bool { return '0' <= c && c <= last }
	for s != "" {
		switch {
		case s[0] != '\\':
			out = append(out, s[0])
			s = s[1:]
		case len(s) >= 4 && octal(s[1], '3') && octal(s[2], '7') && octal(s[3], '7'):
			out = append(out, (s[1]-'0')<<6|(s[2]-'0')<<3|(s[3]-'0'))
			s = s[4:]
		case len(s) >= 2 && s[1] == '\\':
			out = append(out, '\\')
			s = s[2:]
		default:
			return values.Errorf("22P02", "invalid input syntax for type bytea")
		}
	}
	return values.String(string(out))
}
