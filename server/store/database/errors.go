package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Class says what a database error is about.
type Class uint8

// The classes. A Conflict is worth running the whole transaction again, at once; Busy and
// Unavailable are worth it later.
const (
	Other       Class = iota // none of the below, or no error of a database
	Unique                   // a key is taken
	ForeignKey               // a row that must be there is not, or is still needed
	Check                    // the database's own rule about a value, NULL included
	Conflict                 // a serialization failure, or a snapshot that is too old to write
	Deadlock                 // two waited for each other; this one gave way
	Busy                     // waited too long for a lock
	Unavailable              // no connection, or it was lost, or the server is stopping, full of connections or read-only
	DiskFull                 // no room to write
	Canceled                 // the caller, or a time limit, ended it
)

var classNames = [...]string{
	"other", "unique", "foreign key", "check", "conflict", "deadlock", "busy", "unavailable",
	"disk full", "canceled",
}

func (c Class) String() string { return classNames[c] }

// Retryable tells whether running the whole transaction again may succeed. After Unavailable the
// first run may have committed: only what is idempotent may be run again then.
func (c Class) Retryable() bool {
	return c == Conflict || c == Deadlock || c == Busy || c == Unavailable
}

// Classify tells what an error of either driver is about, by its code and never by its text.
func Classify(err error) Class {
	var (
		postgres *pgconn.PgError
		lite     *sqlite.Error
		connect  *pgconn.ConnectError
		network  net.Error
	)
	switch {
	case err == nil:
		return Other
	case errors.As(err, &postgres):
		return classifyState(postgres.Code)
	case errors.As(err, &lite):
		return classifySQLite(lite.Code())
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.As(err, &connect): // its own time limit is not the caller's
		return Unavailable
	case errors.Is(err, context.DeadlineExceeded):
		return Canceled
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), pgconn.SafeToRetry(err),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.As(err, &network):
		return Unavailable
	}
	return Other
}

// hint is the part of an error that is safe and useful in a message: a code or a few words.
func hint(err error) string {
	var postgres *pgconn.PgError
	if errors.As(err, &postgres) {
		return "it says " + postgres.Message + " (" + postgres.Code + ")"
	}
	switch class := Classify(err); class {
	case Canceled:
		return "not in time"
	case Busy, DiskFull:
		return class.String()
	case Unavailable:
		return "no connection; is it running, and are host and port right?"
	default:
		return "see the cause in the log"
	}
}
