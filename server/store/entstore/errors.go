package entstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// fromDriver turns what a driver says into a fault, by its code and never by its text. Faults and
// ends of the context pass.
func fromDriver(err error) error {
	switch {
	case err == nil, fault.From(err) != nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrTxDone): // the context ended, and the transaction with it
		return fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown,
			"the store is closing; retry with the same request id").Because(err)
	case errors.Is(err, errLostRace):
		return fault.New(fault.KindConflict, fault.ReasonConcurrentChange,
			"others kept changing the same thing; read it again and retry").Because(err)
	}
	switch database.Classify(err) {
	case database.Conflict, database.Deadlock, database.Busy, database.Unique:
		return fault.New(fault.KindConflict, fault.ReasonConcurrentChange,
			"others kept changing the same thing; read it again and retry").Because(err)
	case database.Unavailable, database.DiskFull, database.Canceled:
		return fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown,
			"the database does not answer; retry with the same request id").Because(err)
	default:
		return err
	}
}

// getsInTheWay tells whether running the transaction again may do better.
func getsInTheWay(err error) bool {
	if errors.Is(err, errLostRace) {
		return true
	}
	switch database.Classify(err) {
	case database.Conflict, database.Deadlock, database.Busy, database.Unique:
		return true
	default:
		return false
	}
}
