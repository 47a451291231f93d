package database_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/store/database"
)

func TestRows(t *testing.T) {
	require.Equal(t, "(VALUES ($3::uuid, $4::text))", database.Rows(false, 3, "uuid", "text"))
	require.Equal(t, "unnest($1::uuid[], $2::text[])", database.Rows(true, 1, "uuid", "text"))
	require.Equal(t, "a", database.Column(false, []string{"a"}))
	require.Equal(t, pgtype.FlatArray[string]{"a"}, database.Column(true, []string{"a"}))
}
