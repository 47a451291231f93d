package database

import (
	"net/url"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// ReasonURL is a database URL that cannot be read.
const ReasonURL fault.Reason = "DATABASE_URL_INVALID"

// secrets are the query parameters of a Postgres URL that must not be shown.
var secrets = []string{"password", "sslpassword"}

// Redact gives a database URL without its password, for logs and people.
func Redact(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return "(unreadable database URL)"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "xxxxx")
	}
	query := u.Query()
	for _, name := range secrets {
		if query.Has(name) {
			query.Set(name, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.String()
}

func invalidURL() error {
	return fault.New(fault.KindInvalid, ReasonURL,
		"the database URL cannot be read; write sqlite:data/home.db, sqlite:///absolute/path.db or postgres://user:password@host:5432/database, with special characters percent-encoded")
}
