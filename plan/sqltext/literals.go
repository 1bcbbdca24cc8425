package sqltext

import "strings"

// Literals are the texts that a query quotes, each once, as '…', E'…' or $…$. An escape of E'…' other than
// of a backslash or a quote is left as it stands.
func Literals(sql string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(text string) {
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	for at := 0; at < len(sql); {
		rest := sql[at:]
		size := 1
		switch {
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "/*"):
			size = comment(rest)
		case rest[0] == '"':
			size = quoted(rest, '"')
		case rest[0] == '\'':
			size = quoted(rest, '\'')
			add(strings.ReplaceAll(strings.TrimSuffix(rest[1:size], "'"), "''", "'"))
		case (rest[0] == 'e' || rest[0] == 'E') && strings.HasPrefix(rest[1:], "'") && (at == 0 || !wordByte(sql[at-1])):
			var text string
			text, size = escaped(rest)
			add(text)
		case rest[0] == '$' && (at == 0 || !wordByte(sql[at-1])):
			if tag := strings.IndexByte(rest[1:], '$') + 2; tag > 1 {
				if end := strings.Index(rest[tag:], rest[:tag]); end >= 0 {
					add(rest[tag : tag+end])
					size = tag + end + tag
				}
			}
		}
		at += size
	}
	return out
}

// escaped reads E'…' from the start of a text.
func escaped(sql string) (text string, size int) {
	var b strings.Builder
	for i := 2; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && i+1 < len(sql):
			if i++; sql[i] != '\\' && sql[i] != '\'' {
				b.WriteByte('\\')
			}
		case sql[i] == '\'' && i+1 < len(sql) && sql[i+1] == '\'':
			i++
		case sql[i] == '\'':
			return b.String(), i + 1
		}
		b.WriteByte(sql[i])
	}
	return b.String(), len(sql)
}

func wordByte(b byte) bool {
	return b == '_' || b == '$' || b >= 0x80 || '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
}
