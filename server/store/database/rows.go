package database

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// Rows gives the words for rows whose columns are the parameters of a statement of Postgres from first on: one
// array each, so that Postgres parses and plans the statement once, whatever the number of rows; or, without
// arrays, one row. That one takes a third less of Postgres, which makes a table of each array before it
// looks at the first row, and it is what a server that is not busy writes most of the time.
func Rows(arrays bool, first int, kinds ...string) string {
	words := make([]string, len(kinds))
	for i, kind := range kinds {
		words[i] = "$" + strconv.Itoa(first+i) + "::" + kind
		if arrays {
			words[i] += "[]"
		}
	}
	if arrays {
		return "unnest(" + strings.Join(words, ", ") + ")"
	}
	return "(VALUES (" + strings.Join(words, ", ") + "))"
}

// Column gives what is passed for a column of Rows. An array says of itself that it is one: pgx would look at each of
// its values by reflection.
func Column[T any](arrays bool, values []T) any {
	if arrays {
		return pgtype.FlatArray[T](values)
	}
	return values[0]
}
