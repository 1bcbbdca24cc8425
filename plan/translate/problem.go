package translate

import "fmt"

// Code is the stable name of a kind of refusal.
type Code string

// The kinds of refusal of a view.
const (
	CodeSyntax      Code = "syntax"      // Postgres itself refuses the query
	CodeUnsupported Code = "unsupported" // a construct that is not maintained
	CodeVolatile    Code = "volatile"    // not a function of the data
	CodeClock       Code = "clock"       // depends on the present time
	CodeRelation    Code = "relation"    // a relation that replication cannot follow
	CodeType        Code = "type"        // a type that cannot take part as it is used
	CodeName        Code = "name"        // a name that cannot be resolved as meant
)

// Problem says why a view cannot be maintained: what, where, and how to mend it.
type Problem struct {
	View      string
	Code      Code
	Construct string // what it is about: "window function", "random()"
	Message   string
	Remedy    string
	Line, Col int // in the query, from 1; 0 where Postgres does not tell
	SQLState  string
}

func (p Problem) Error() string {
	s := "view " + p.View
	if p.Line > 0 {
		s += fmt.Sprintf(", line %d column %d", p.Line, p.Col)
	}
	s += ": " + p.Message
	if p.Remedy != "" {
		s += " — " + p.Remedy
	}
	return s
}
