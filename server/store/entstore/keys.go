package entstore

import (
	"bytes"
	"slices"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
)

// among finds the rows with these ids, by a statement that is the same for any number of them
// where the database has words for that.
func among(s *Store, keys []uuid.UUID) func(*entsql.Selector) {
	return func(sel *entsql.Selector) {
		if s.database.Dialect() != dialect.Postgres {
			ids := make([]any, len(keys))
			for i, key := range keys {
				ids[i] = key
			}
			sel.Where(entsql.In(sel.C("id"), ids...))
			return
		}
		sel.Where(entsql.P(func(b *entsql.Builder) {
			b.Ident(sel.C("id")).WriteString(" = ANY(").Arg(keys).WriteString(")")
		}))
	}
}

func unique(keys []uuid.UUID) []uuid.UUID {
	slices.SortFunc(keys, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(keys)
}
