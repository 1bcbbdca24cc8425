package values

// Kind is how values of a type are held in a Datum. Several Postgres types may
// share a kind; a domain has the kind of its base type.
type Kind uint8

const (
	Opaque          Kind = iota // carried unread: every type without a native kind
	KindBool                    //
	KindInt2                    //
	KindInt4                    //
	KindInt8                    //
	KindOID                     //
	KindFloat4                  //
	KindFloat8                  //
	KindNumeric                 //
	KindText                    // text, varchar
	KindName                    //
	KindBPChar                  // char(n): trailing blanks are not significant
	KindBytea                   //
	KindUUID                    //
	KindDate                    //
	KindTime                    //
	KindTimeTZ                  //
	KindTimestamp               //
	KindTimestampTZ             //
	KindInterval                //
	KindEnum                    //
	KindJSON                    //
	KindJSONB                   //
	KindArray                   //
	KindRecord                  // a composite value
)

// Type is a Postgres type as a column has it.
type Type struct {
	OID              uint32 // pg_type.oid, of the domain itself where there is one
	BaseOID          uint32 // the type under the domain, else OID
	Typmod           int32  // pg_attribute.atttypmod; -1 for none
	Collation        uint32 // pg_collation.oid; 0 where the type has none
	Kind             Kind
	Schema           string   // pg_namespace.nspname of the type
	Name             string   // pg_type.typname (of the base type), e.g. "int4"
	SQL              string   // format_type(OID, Typmod): how DDL names it, quoted as needed
	Elem             *Type    // element type of an array
	Fields           []Field  // of a composite type
	Labels           []string // of an enum, in sort order
	NoBinary         bool     // the type has no typsend: values travel in text format
	Collate          string   // Collation's name as SQL, where it is not the database's own
	CCollation       bool     // Collation orders by bytes (C, POSIX, ucs_basic, C.UTF-8 builtin)
	NonDeterministic bool     // the collation equates different strings
	OwnOrder         bool     // a user's default operator class, not the kind, says what is equal and less
	Variant          bool     // of VariantOf: the first of Fields says which of the others a value is
	Call             *Call    // of Pending: how Postgres computes a value, of Fields as the arguments

	positions map[string]int // label → index in Labels, made by NewType for long enums
}

// TextInArrays says whether a value inside an array has to travel as text.
func (t *Type) TextInArrays() bool { return t.Kind == KindArray || t.NoBinary || t.Unknown() }

// unknownOID is pg_type.oid of unknown.
const unknownOID = 705

// Unknown says whether t is the type of literals that nothing gives another one, as in
// ROW(1, 'a'). Its values are text to everything but comparisons, which do not know them.
func (t *Type) Unknown() bool { return t.BaseOID == unknownOID }
