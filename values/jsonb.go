package values

func CanonicalJSONB(s string) (string, error)    { return s, nil }
func appendKeyJSONB(dst []byte, s string) []byte { return appendEscaped(append(dst, keyBytes), s) }
