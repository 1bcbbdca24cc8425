package values

import "strings"

// Facts is what the catalogue says about a type; NewType makes a Type of it.
// For a domain, Schema, Name, TypType and Category are those of its base type.
type Facts struct {
	OID              uint32  // pg_type.oid, of the domain itself where there is one
	BaseOID          uint32  // the type under the domain; 0 means OID
	Typmod           int32   // -1 for none
	Collation        uint32  // pg_collation.oid; 0 for none
	Schema           string  // pg_namespace.nspname
	Name             string  // pg_type.typname
	SQL              string  // format_type(OID, Typmod)
	TypType          byte    // pg_type.typtype
	Category         byte    // pg_type.typcategory
	Elem             *Type   // of an array
	Fields           []Field // of a composite type
	Labels           []string
	NoBinary         bool // pg_type.typsend is 0
	CCollation       bool
	NonDeterministic bool
	OwnOrder         bool // see Type
}

// NewType builds the Type of a column from facts of the catalogue.
func NewType(f Facts) *Type {
	t := &Type{
		OID: f.OID, BaseOID: f.BaseOID, Typmod: f.Typmod, Collation: f.Collation,
		Kind: KindOf(f.Schema, f.Name, f.TypType, f.Category), Schema: f.Schema, Name: f.Name, SQL: f.SQL,
		Elem: f.Elem, Fields: f.Fields, Labels: f.Labels, NoBinary: f.NoBinary,
		CCollation: f.CCollation, NonDeterministic: f.NonDeterministic, OwnOrder: f.OwnOrder,
	}
	if t.BaseOID == 0 {
		t.BaseOID = t.OID
	}
	switch t.Kind {
	case KindArray:
		if t.Elem == nil {
			t.Kind = Opaque
		} else if t.Elem.NoBinary {
			t.NoBinary = true // array_send calls the element's send function
		}
	case KindRecord:
		t.NoBinary = t.NoBinary || withoutBinary(t.Fields)
	case KindEnum:
		if len(t.Labels) > linearLabels {
			t.positions = make(map[string]int, len(t.Labels))
			for i, l := range t.Labels {
				t.positions[l] = i
			}
		}
	}
	return t
}

// linearLabels is up to how many labels a scan beats a map.
const linearLabels = 8

// labelPosition returns the index of an enum's label in its sort order.
func (t *Type) labelPosition(label string) (int, bool) {
	if t.positions != nil {
		i, ok := t.positions[label]
		return i, ok
	}
	for i, l := range t.Labels {
		if l == label {
			return i, true
		}
	}
	return 0, false
}

var builtinKinds = map[string]Kind{
	"bool": KindBool, "int2": KindInt2, "int4": KindInt4, "int8": KindInt8, "oid": KindOID,
	"float4": KindFloat4, "float8": KindFloat8, "numeric": KindNumeric,
	"text": KindText, "varchar": KindText, "name": KindName, "bpchar": KindBPChar,
	"bytea": KindBytea, "uuid": KindUUID,
	"date": KindDate, "time": KindTime, "timetz": KindTimeTZ,
	"timestamp": KindTimestamp, "timestamptz": KindTimestampTZ, "interval": KindInterval,
	"json": KindJSON, "jsonb": KindJSONB,
}

// KindOf says how values of a type are held, from its row in pg_type. For a
// domain, ask about its base type.
func KindOf(schema, typname string, typtype, typcategory byte) Kind {
	switch {
	case typtype == 'e':
		return KindEnum
	case typtype == 'c':
		return KindRecord
	case typtype != 'b':
		return Opaque // ranges, multiranges, pseudo-types
	case typcategory == 'A' && strings.HasPrefix(typname, "_"):
		return KindArray // int2vector and oidvector share the category, not the format
	case schema == "pg_catalog":
		return builtinKinds[typname]
	}
	return Opaque
}

func builtin(oid uint32, kind Kind, name, sql string) *Type {
	return &Type{OID: oid, BaseOID: oid, Typmod: -1, Kind: kind, Schema: "pg_catalog", Name: name, SQL: sql}
}

func builtinText(oid uint32, kind Kind, name, sql string) *Type {
	t := builtin(oid, kind, name, sql)
	t.Collation = 100 // "default"
	return t
}

// The built-in types as a column without a type modifier has them; text under
// the database's default collation, of which nothing is known here.
var (
	BoolType        = builtin(16, KindBool, "bool", "boolean")
	ByteaType       = builtin(17, KindBytea, "bytea", "bytea")
	NameType        = nameType()
	Int8Type        = builtin(20, KindInt8, "int8", "bigint")
	Int2Type        = builtin(21, KindInt2, "int2", "smallint")
	Int4Type        = builtin(23, KindInt4, "int4", "integer")
	TextType        = builtinText(25, KindText, "text", "text")
	OIDType         = builtin(26, KindOID, "oid", "oid")
	JSONType        = builtin(114, KindJSON, "json", "json")
	Float4Type      = builtin(700, KindFloat4, "float4", "real")
	Float8Type      = builtin(701, KindFloat8, "float8", "double precision")
	BPCharType      = builtinText(1042, KindBPChar, "bpchar", "bpchar")
	VarcharType     = builtinText(1043, KindText, "varchar", "character varying")
	DateType        = builtin(1082, KindDate, "date", "date")
	TimeType        = builtin(1083, KindTime, "time", "time without time zone")
	TimestampType   = builtin(1114, KindTimestamp, "timestamp", "timestamp without time zone")
	TimestampTZType = builtin(1184, KindTimestampTZ, "timestamptz", "timestamp with time zone")
	IntervalType    = builtin(1186, KindInterval, "interval", "interval")
	TimeTZType      = builtin(1266, KindTimeTZ, "timetz", "time with time zone")
	NumericType     = builtin(1700, KindNumeric, "numeric", "numeric")
	UUIDType        = builtin(2950, KindUUID, "uuid", "uuid")
	JSONBType       = builtin(3802, KindJSONB, "jsonb", "jsonb")
)

// nameType has collation "C" of its own (since Postgres 12).
func nameType() *Type {
	t := builtin(19, KindName, "name", "name")
	t.Collation, t.CCollation = 950, true
	return t
}

// arrayOIDs are the array types of the built-in ones (pg_type.typarray).
var arrayOIDs = map[uint32]*Type{
	1000: BoolType, 1001: ByteaType, 1003: NameType, 1016: Int8Type, 1005: Int2Type, 1007: Int4Type,
	1009: TextType, 1028: OIDType, 199: JSONType, 1021: Float4Type, 1022: Float8Type, 1014: BPCharType,
	1015: VarcharType, 1182: DateType, 1183: TimeType, 1115: TimestampType, 1185: TimestampTZType,
	1187: IntervalType, 1270: TimeTZType, 1231: NumericType, 2951: UUIDType, 3807: JSONBType,
}

var builtinTypes = func() map[uint32]*Type {
	m := map[uint32]*Type{}
	for oid, elem := range arrayOIDs {
		m[elem.OID] = elem
		a := builtin(oid, KindArray, "_"+elem.Name, elem.SQL+"[]")
		a.Elem, a.Collation, a.CCollation = elem, elem.Collation, elem.CCollation
		m[oid] = a
	}
	return m
}()

// TypeOf returns the built-in type (or array of one) with the number oid; nil
// when it has no native kind.
func TypeOf(oid uint32) *Type { return builtinTypes[oid] }

// ArrayOf returns the array type over a type. Of one that is not built in, no
// more is known than what follows from its elements'.
func ArrayOf(elem *Type) *Type {
	for oid, e := range arrayOIDs {
		if e == elem {
			return builtinTypes[oid]
		}
	}
	a := &Type{
		Typmod: -1, Kind: KindArray, Schema: elem.Schema, Name: "_" + elem.Name, SQL: elem.SQL + "[]", Elem: elem, NoBinary: elem.NoBinary,
		Collation: elem.Collation, CCollation: elem.CCollation, NonDeterministic: elem.NonDeterministic,
	}
	if elem.Anonymous() {
		a.OID, a.BaseOID = recordArrayOID, recordArrayOID
	}
	return a
}
