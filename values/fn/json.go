package fn

import (
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Accessors of json and jsonb:
// https://www.postgresql.org/docs/current/functions-json.html.

// jsonText is what ->> shows of a value: a string without its quotes, NULL of
// null, else the value as it stands.
func jsonText(value string) values.Datum {
	switch value[0] {
	case '"':
		s, problem := unquoteJSON(value)
		if problem.IsErr() {
			return problem
		}
		return values.String(s)
	case 'n':
		return values.Null
	}
	return values.String(value)
}

func jsonValue(value string) values.Datum { return values.String(value) }

// accessor makes the four accessors of json or jsonb that end in show. Of json,
// every string in the document must be decodable.
type accessor struct {
	show    func(value string) values.Datum
	checked bool // json
}

func (x accessor) open(d values.Datum) (root string, problem values.Datum, bad bool) {
	if x.checked {
		if problem, bad := jsonEscapeError(d.Str()); bad {
			return "", problem, true
		}
		return jsonRoot(d.Str()), values.Null, false
	}
	return d.Str(), values.Null, false
}

func (x accessor) field(d, key values.Datum) values.Datum {
	root, problem, bad := x.open(d)
	if bad {
		return problem
	}
	if v, ok := jsonField(root, key.Str()); ok {
		return x.show(v)
	}
	return values.Null
}

func (x accessor) element(d, index values.Datum) values.Datum {
	root, problem, bad := x.open(d)
	if bad {
		return problem
	}
	if v, ok := jsonElement(root, index.Int64()); ok {
		return x.show(v)
	}
	// jsonb holds a scalar document as an array of that one element.
	if i := index.Int64(); !x.checked && !isJSONContainer(root) && (i == 0 || i == -1) {
		return x.show(root)
	}
	return values.Null
}

func (x accessor) path(d, path values.Datum) values.Datum {
	keys, ok := textElements(path.Str())
	if !ok {
		return values.Null // an element of the path is NULL
	}
	value, problem, bad := x.open(d)
	if bad {
		return problem
	}
	if len(keys) == 0 && x.checked && value[0] != '{' && value[0] != '[' && x.shownRaw(value) {
		// Postgres keeps the white space before a scalar document.
		s := d.Str()
		return values.String(s[:jsonValueEnd(s, skipJSONSpace(s, 0))])
	}
	for _, key := range keys {
		found := false
		switch value[0] {
		case '{':
			value, found = jsonField(value, key)
		case '[':
			if index, valid := pathIndex(key); valid {
				value, found = jsonElement(value, index)
			}
		}
		if !found {
			return values.Null
		}
	}
	return x.show(value)
}

// shownRaw says whether show returns the value's own text.
func (x accessor) shownRaw(value string) bool {
	d := x.show(value)
	return !d.IsNull() && d.Str() == value
}

// pathIndex reads a path element as C's strtol reads an int.
func pathIndex(s string) (int64, bool) {
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] >= '\t' && s[i] <= '\r') {
		i++
	}
	neg := false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	if i == len(s) {
		return 0, false
	}
	n := int64(0)
	for ; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = n*10 + int64(s[i]-'0'); n > 1<<31 {
			return 0, false
		}
	}
	if neg {
		n = -n
	}
	return n, n == int64(int32(n))
}

func jsonTypeof(value string) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

func jsonArrayLength(root string) values.Datum {
	switch root[0] {
	case '[':
		return values.Int(jsonLength(root))
	case '{':
		return values.Errorf("22023", "cannot get array length of a non-array")
	}
	return values.Errorf("22023", "cannot get array length of a scalar")
}

func init() {
	for _, t := range []string{"json", "jsonb"} {
		whole := accessor{jsonValue, t == "json"}
		text := accessor{jsonText, t == "json"}
		register(t+"_object_field("+t+",text)", strict2(whole.field))
		register(t+"_object_field_text("+t+",text)", strict2(text.field))
		register(t+"_array_element("+t+",int4)", strict2(whole.element))
		register(t+"_array_element_text("+t+",int4)", strict2(text.element))
		register(t+"_extract_path("+t+",_text)", strict2(whole.path))
		register(t+"_extract_path_text("+t+",_text)", strict2(text.path))
		register(t+"_typeof("+t+")", strict1(func(a values.Datum) values.Datum {
			return values.String(jsonTypeof(a.Str()[skipJSONSpace(a.Str(), 0):]))
		}))
		register(t+"_array_length("+t+")", strict1(func(a values.Datum) values.Datum {
			return jsonArrayLength(jsonRoot(a.Str()))
		}))
	}
}
