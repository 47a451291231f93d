package database_test

import (
	"database/sql"
	"errors"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

type (
	pool = sql.DB
	row  = sql.Row
)

// unwrap goes one step down, into the first of joined errors.
func unwrap(err error) error {
	if joined, is := err.(interface{ Unwrap() []error }); is {
		return joined.Unwrap()[0]
	}
	return errors.Unwrap(err)
}

func replaceUser(t *testing.T, location, user, password string) string {
	t.Helper()
	u, err := url.Parse(location)
	require.NoError(t, err)
	u.User = url.UserPassword(user, password)
	return u.String()
}
