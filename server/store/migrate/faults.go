package migrate

import (
	"fmt"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// What can be wrong with a database's history.
const (
	ReasonPending    fault.Reason = "MIGRATION_PENDING"
	ReasonChanged    fault.Reason = "MIGRATION_CHANGED"
	ReasonMissing    fault.Reason = "MIGRATION_MISSING"
	ReasonIncomplete fault.Reason = "MIGRATION_INCOMPLETE"
	ReasonLate       fault.Reason = "MIGRATION_LATE"
	ReasonFailed     fault.Reason = "MIGRATION_FAILED"
	ReasonLocked     fault.Reason = "MIGRATION_LOCKED"
)

func pending(db *database.Database, files []file) error {
	return fault.New(fault.KindPrecondition, ReasonPending,
		"the database %s lacks %s; run orderprocessing migrate up", db, strings.Join(names(files), ", "))
}

func changed(db *database.Database, name string) error {
	return fault.New(fault.KindPrecondition, ReasonChanged,
		"migration %s is not what was applied to the database %s; restore the file as it was released, and make the change in a new migration", name, db)
}

func missing(db *database.Database, name string) error {
	return fault.New(fault.KindPrecondition, ReasonMissing,
		"the database %s has the migration %s, which this program lacks although it knows later ones; run the release that applied it, or restore the file", db, name)
}

func late(db *database.Database, name, applied string) error {
	return fault.New(fault.KindPrecondition, ReasonLate,
		"migration %s would come after %s, which the database %s has already; give the file a later time in its name", name, applied, db)
}

func half(db *database.Database, r Revision) error {
	why := ""
	if r.Error != "" {
		why = ": " + r.Error
	}
	return fault.New(fault.KindPrecondition, ReasonIncomplete,
		"migration %s stopped in the database %s after %d of %d statements%s; put right what stopped it, then run orderprocessing migrate up --resume, which continues with statement %d",
		r.Name, db, r.Done, r.Statements, why, r.Done+1)
}

// stopped is a statement that failed. In a transaction it left nothing behind.
func stopped(db *database.Database, f file, done int, cause error) error {
	after := "nothing of it was applied; put right what stopped it, then run orderprocessing migrate up"
	if f.alone {
		after = fmt.Sprintf("statements before it stay; put right what stopped it, then run orderprocessing migrate up --resume, which continues with statement %d", done+1)
	}
	return fault.New(kindOf(cause), ReasonFailed,
		"migration %s failed in the database %s at statement %d of %d: %v; %s", f.name, db, done+1, len(f.statements), cause, after).Because(cause)
}

func locked(db *database.Database) error {
	return fault.New(fault.KindUnavailable, ReasonLocked,
		"another process is migrating the database %s, or writes to it without a pause; wait for it, or end it, and try again", db)
}

// failed is a statement of our own that failed.
func failed(db *database.Database, doing string, cause error) error {
	if fault.From(cause) != nil {
		return cause
	}
	if database.Classify(cause) == database.Unavailable {
		return fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown,
			"the database %s does not answer", db).Because(fmt.Errorf("%s: %w", doing, cause))
	}
	return fmt.Errorf("migrate %s: %s: %w", db, doing, cause)
}

func kindOf(cause error) fault.Kind {
	switch database.Classify(cause) {
	case database.Unavailable, database.Busy, database.Deadlock, database.Conflict, database.DiskFull, database.Canceled:
		return fault.KindUnavailable
	default:
		return fault.KindPrecondition
	}
}
