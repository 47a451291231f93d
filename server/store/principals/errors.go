package principals

import (
	"context"
	"errors"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// fromDriver turns what a driver says into a fault, by its code. Faults and ends of the context pass.
func fromDriver(err error) error {
	if err == nil || fault.From(err) != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	switch database.Classify(err) {
	case database.Conflict, database.Deadlock, database.Busy:
		return fault.New(fault.KindConflict, fault.ReasonConcurrentChange,
			"others kept changing the same thing; read it again and retry").Because(err)
	case database.Unavailable, database.DiskFull, database.Canceled:
		return fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown,
			"the database does not answer; try again").Because(err)
	default:
		return err
	}
}

func userNotFound() error {
	return fault.New(fault.KindNotFound, fault.ReasonUserNotFound, "there is no such user")
}

func keyNotFound() error {
	return fault.New(fault.KindNotFound, fault.ReasonAPIKeyNotFound, "there is no such API key")
}

func secretTold() error {
	return fault.New(fault.KindExists, fault.ReasonSecretTold,
		"this request was carried out before; its secret was told then and cannot be told again")
}

func refreshInvalid() error {
	return fault.New(fault.KindUnauthenticated, fault.ReasonRefreshInvalid, "the refresh token is not good, or not any more; log in again")
}
