package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// Comparison, existence and containment of jsonb:
// https://www.postgresql.org/docs/current/datatype-json.html#JSON-CONTAINMENT.

// jsonbScalarsEqual compares two scalars; numbers as numerics.
func jsonbScalarsEqual(a, b string) bool {
	if a == b {
		return true
	}
	return jsonTypeof(a) == "number" && jsonTypeof(b) == "number" &&
		values.NumericCmp(values.ParseNumeric(a), values.ParseNumeric(b)) == 0
}

func isJSONContainer(v string) bool { return v[0] == '{' || v[0] == '[' }

// jsonbContains says whether container a holds container b (JsonbDeepContains).
func jsonbContains(a, b string) bool {
	if a[0] != b[0] {
		return false
	}
	all := true
	if a[0] == '{' {
		eachJSONMember(b, func(key, want string) bool {
			got, found := jsonbMember(a, key)
			switch {
			case !found || isJSONContainer(got) != isJSONContainer(want):
				all = false
			case isJSONContainer(want):
				all = jsonbContains(got, want)
			default:
				all = jsonbScalarsEqual(got, want)
			}
			return all
		})
		return all
	}
	eachJSONElement(b, func(want string) bool {
		any := false
		eachJSONElement(a, func(got string) bool {
			if isJSONContainer(want) {
				any = isJSONContainer(got) && jsonbContains(got, want)
			} else {
				any = !isJSONContainer(got) && jsonbScalarsEqual(got, want)
			}
			return !any
		})
		all = any
		return all
	})
	return all
}

// jsonbMember finds a key given with its quotes; jsonb writes equal keys alike.
func jsonbMember(object, quoted string) (member string, found bool) {
	eachJSONMember(object, func(k, v string) bool {
		if k == quoted {
			member, found = v, true
		}
		return !found
	})
	return member, found
}

// jsonbContainsRoot adds the rules for scalar documents: an array contains a
// scalar that it has as an element, a scalar only an equal one.
func jsonbContainsRoot(a, b string) bool {
	switch {
	case !isJSONContainer(b) && !isJSONContainer(a):
		return jsonbScalarsEqual(a, b)
	case !isJSONContainer(a):
		return false
	case !isJSONContainer(b):
		return a[0] == '[' && jsonbContains(a, "["+b+"]")
	}
	return jsonbContains(a, b)
}

// jsonbHas is the ? operator: a key of an object, a string in an array, or a
// string that is the document.
func jsonbHas(root, key string) bool {
	found := false
	isKey := func(v string) bool { return v[0] == '"' && jsonKeyIs(v, key) }
	switch root[0] {
	case '{':
		_, found = jsonField(root, key)
	case '[':
		eachJSONElement(root, func(v string) bool {
			found = isKey(v)
			return !found
		})
	default:
		found = isKey(root)
	}
	return found
}

// jsonbHasOf is ?| (want true) and ?& (want false): it looks for the first key
// whose presence is as wanted. NULL keys are skipped.
func jsonbHasOf(want bool) func(a, keys values.Datum) values.Datum {
	return func(a, keys values.Datum) values.Datum {
		result := !want
		eachArrayElement(keys.Str(), func(key string, null bool) bool {
			if !null && jsonbHas(a.Str(), key) == want {
				result = want
			}
			return result != want
		})
		return values.Bool(result)
	}
}

func compareJSONB(a, b values.Datum) int { return values.Compare(values.JSONBType, a, b) }

func init() {
	c := comparisonsOf(compareJSONB)
	register("jsonb_eq(jsonb,jsonb)", strict2(c[0]))
	register("jsonb_ne(jsonb,jsonb)", strict2(c[1]))
	for i, name := range comparisonNames {
		if name == "eq" || name == "ne" {
			continue
		}
		registerMake("jsonb_"+name+"(jsonb,jsonb)", func(args []*values.Type, _ *values.Type) *Func {
			if !values.Comparable(args[0]) {
				return nil
			}
			f := strict2(c[i])
			return &f
		})
	}
	register("jsonb_contains(jsonb,jsonb)", strict2(func(a, b values.Datum) values.Datum {
		return values.Bool(jsonbContainsRoot(a.Str(), b.Str()))
	}))
	register("jsonb_contained(jsonb,jsonb)", strict2(func(a, b values.Datum) values.Datum {
		return values.Bool(jsonbContainsRoot(b.Str(), a.Str()))
	}))
	register("jsonb_exists(jsonb,text)", strict2(func(a, key values.Datum) values.Datum {
		return values.Bool(jsonbHas(a.Str(), key.Str()))
	}))
	register("jsonb_exists_any(jsonb,_text)", strict2(jsonbHasOf(true)))
	register("jsonb_exists_all(jsonb,_text)", strict2(jsonbHasOf(false)))
}
