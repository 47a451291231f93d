package entstore

import (
	"fmt"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
)

// walk is how a list is read: along one index, between two ids. Left to choose, Postgres likes to
// walk the primary key instead and to filter, and reads the whole table when what is asked for
// lies at its other end. So bounds and order name the columns of the index as a whole, without an
// equality, and no other index has that order; package database forbids it to sort.
type walk struct {
	columns   []string // of the index, before the id that it ends with
	values    []any    // that they have
	low, high id.UUID  // the ids are between them
	ascending bool
}

// newWalk begins with the ids from a time on and before another, and behind the page before.
func newWalk(from, before time.Time, after id.UUID, ascending bool) walk {
	w := walk{high: lastID, ascending: ascending}
	if !from.IsZero() {
		w.low = id.First(ceilMilli(from))
	}
	if !before.IsZero() {
		w.high = id.First(ceilMilli(before))
	}
	switch behind := after.WithPart(id.MaxPart); {
	case after.IsZero():
	case ascending && behind.Compare(w.low) > 0:
		w.low = behind
	case !ascending && after.Compare(w.high) < 0:
		w.high = after
	}
	return w
}

// lastID is above every id.
var lastID = id.UUID(slices.Repeat([]byte{0xff}, 16))

// customerColumns are those of the index of a customer's orders, and returns.
var customerColumns = []string{"slot", "customer_id"}

// along chooses the index, unless one was chosen, and tells whether it did.
func (w *walk) along(columns []string, values ...any) bool {
	if len(w.columns) > 0 {
		return false
	}
	w.columns, w.values = columns, values
	return true
}

func (w *walk) between(s *entsql.Selector) {
	columns := w.qualified(s)
	s.Where(entsql.CompositeGT(columns, append(slices.Clone(w.values), uuid.UUID(w.low))...))
	s.Where(entsql.CompositeLT(columns, append(slices.Clone(w.values), uuid.UUID(w.high))...))
}

func (w *walk) order(s *entsql.Selector) {
	for _, column := range w.qualified(s) {
		if w.ascending {
			s.OrderBy(entsql.Asc(column))
		} else {
			s.OrderBy(entsql.Desc(column))
		}
	}
}

func (w *walk) qualified(s *entsql.Selector) []string {
	columns := make([]string, 0, len(w.columns)+1)
	for _, column := range w.columns {
		columns = append(columns, s.C(column))
	}
	return append(columns, s.C("id"))
}

// onTheWay filters what the walk meets by an expression of a column, so that the column's own index
// does not tempt anyone to leave the way.
func onTheWay(expression, column string, value any) func(*entsql.Selector) {
	return func(s *entsql.Selector) {
		s.Where(entsql.P(func(b *entsql.Builder) {
			b.WriteString(fmt.Sprintf(expression, s.C(column))).WriteOp(entsql.OpEQ).Arg(value)
		}))
	}
}

// numbered says in the words of the partial indexes on numbers that a row is in them. A parameter
// instead of the empty string would hide it from a plan that is made once for all values.
func numbered(s *entsql.Selector) { s.Where(entsql.ExprP(s.C("number") + " <> ''")) }

// ceilMilli rounds up to the precision of an id, so that a bound between two milliseconds leaves
// out what came before it.
func ceilMilli(t time.Time) time.Time { return t.Add(time.Millisecond - 1).Truncate(time.Millisecond) }
