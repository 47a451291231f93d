package saga

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Starter starts sagas in the caller's own transaction: what they are about and they commit
// together. It knows no plans, so a store can have one before the plans exist.
type Starter interface {
	// StartTx starts sagas of subjects of this shard, with one statement a table.
	StartTx(ctx context.Context, tx *sql.Tx, starts []Start) error
	// SignalTx makes a saga that waits or rests go on at once. It does nothing when there is no
	// such saga, or it is finished. A step that is running is run again afterwards.
	SignalTx(ctx context.Context, tx *sql.Tx, subject, saga string) error
}

// Batched is a Starter on Postgres that can send its statements along with others, in one round trip.
type Batched interface {
	// StartBatch queues what StartTx does, for at least one saga.
	StartBatch(batch *pgx.Batch, starts []Start) error
}

// Operator looks after the sagas of all shards.
type Operator interface {
	// Find reads one record, or fails with SAGA_NOT_FOUND.
	Find(ctx context.Context, slot int, subject, saga string) (Record, error)
	// List reads a page of records, by key.
	List(ctx context.Context, page Page) ([]Record, error)
	// Signal is SignalTx in a transaction of its own.
	Signal(ctx context.Context, slot int, subject, saga string) error
	// Retry makes an unfinished saga go on at once, with its attempts counted from 0. It fails
	// with SAGA_NOT_FOUND, and with SAGA_FINISHED.
	Retry(ctx context.Context, slot int, subject, saga string) error
}

// Engine carries sagas through. All methods are safe for concurrent use.
type Engine interface {
	Operator
	// Start begins to work, and returns when it has begun. Work outlives ctx.
	Start(ctx context.Context) error
	// Stop takes nothing new, lets the steps that run finish, and returns. What is unfinished goes
	// on elsewhere or after the next start. When ctx ends first, the steps' contexts end.
	Stop(ctx context.Context) error
}

// Page asks for records.
type Page struct {
	State State  // 0 for all unfinished
	After string // the key where the page before ended
	Limit int    // at least 1
}

// Observer is told what is worth measuring. It must not block.
type Observer interface {
	// StepRetried: an attempt at a step was in vain.
	StepRetried(saga, step string)
	// SagaFinished: after so long.
	SagaFinished(saga, state string, age time.Duration)
	// SagasStanding: how many are in an unfinished state, and the age of the oldest. Every saga and
	// state is told again and again, 0 included.
	SagasStanding(saga, state string, count int, oldest time.Duration)
}

// Unobserved ignores everything.
type Unobserved struct{}

// StepRetried does nothing.
func (Unobserved) StepRetried(string, string) {}

// SagaFinished does nothing.
func (Unobserved) SagaFinished(string, string, time.Duration) {}

// SagasStanding does nothing.
func (Unobserved) SagasStanding(string, string, int, time.Duration) {}

// ErrNotFound says that a subject has no such saga.
func ErrNotFound(key string) error {
	return fault.New(fault.KindNotFound, fault.ReasonSagaNotFound, "there is no saga %s", key)
}

// ErrFinished says that nothing is left to retry.
func ErrFinished(key string, state State) error {
	return fault.New(fault.KindPrecondition, fault.ReasonSagaFinished, "the saga %s is %s", key, state)
}
