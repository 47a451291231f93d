package migrate

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// State sums up how a database stands to this program.
type State string

// The states.
const (
	StateCurrent State = "current" // all applied
	StatePending State = "pending" // Up has something to do
	StateAhead   State = "ahead"   // all applied, and later ones that this program does not know: serving is fine
	StateBroken  State = "broken"  // Problem says why
)

// Status is how far a database is.
type Status struct {
	Database string     `json:"database"` // its URL without secrets
	Dialect  string     `json:"dialect"`
	State    State      `json:"state"`
	Applied  []Revision `json:"applied"`           // in order
	Pending  []string   `json:"pending"`           // file names, in order
	Unknown  []string   `json:"unknown,omitempty"` // later ones, of a newer program
	Problem  string     `json:"problem,omitempty"`
}

// Revision is a migration that the database has, or has begun.
type Revision struct {
	Name       string     `json:"name"` // of the file
	Checksum   string     `json:"checksum"`
	Statements int        `json:"statements"`
	Done       int        `json:"done"` // statements; fewer than Statements means half-applied
	Error      string     `json:"error,omitempty"`
	StartTime  time.Time  `json:"start_time"`
	EndTime    *time.Time `json:"end_time,omitempty"`
}

// Status tells how far a database is.
func (m Migrator) Status(ctx context.Context, db *database.Database) (Status, error) {
	files, err := readFiles(m.files(), db.Dialect())
	if err != nil {
		return Status{}, err
	}
	h, err := readHistory(ctx, db, files)
	if err != nil {
		return Status{}, err
	}
	status := Status{
		Database: db.String(), Dialect: db.Dialect(), State: StateCurrent,
		Applied: h.applied, Pending: names(h.pending), Unknown: h.unknown,
	}
	switch {
	case h.problem != nil:
		status.State, status.Problem = StateBroken, h.problem.Error()
	case len(h.pending) > 0:
		status.State = StatePending
	case len(h.unknown) > 0:
		status.State = StateAhead
	}
	return status, nil
}
